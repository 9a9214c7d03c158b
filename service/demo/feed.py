"""What the system did in between, newest first: messages, texts that came in, and the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service.demo.stage import Stage
from service.demo.words import DONE
from service.models import AuditEntry, Inbound, Message, Patient, Staff

SHOWN = 40


@dataclass(frozen=True)
class Line:
    """One line. `kind`: out, in, audit or clock; `what` is a key of the page's words or a text.

    `channel` and `status` are codes of a message, `more` is who did it, or why.
    """

    at: datetime
    kind: str
    who: str
    what: str
    more: str = ""
    channel: str = ""
    status: str = ""


def lines(stage: Stage, limit: int = SHOWN) -> list[Line]:
    """The newest lines, newest first."""
    with stage.runtime.db.reading() as session:
        patients = {number: code for number, code in session.execute(select(Patient.id, Patient.code)).all()}
        people = {number: name for number, name in session.execute(select(Staff.id, Staff.name)).all()}
        found: list[Line] = []
        for message in session.scalars(
            select(Message).where(Message.status != "ready").order_by(Message.id.desc()).limit(limit)
        ):
            who = (
                people.get(message.staff_id or 0) or patients.get(message.patient_id or 0) or message.address
            )
            at = message.sent_at or message.ended_at or message.created_at
            found.append(Line(at, "out", who, message.template, message.reason or "", message.channel, message.status))
        for inbound in session.scalars(select(Inbound).order_by(Inbound.id.desc()).limit(limit)):
            who = (
                patients.get(inbound.patient_id or 0)
                or people.get(inbound.staff_id or 0)
                or inbound.from_address
            )
            state = "" if inbound.status == "handled" else inbound.status
            found.append(Line(inbound.received_at, "in", who, inbound.body, state))
        for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2 * limit)):
            if entry.action in DONE["en"]:
                who = patients.get(entry.patient_id or 0, "")
                found.append(Line(entry.at, "audit", who, entry.action, _actor(entry.actor, people)))
    found += [Line(at, "clock", "", what) for at, what in stage.engine.moves[-limit:]]
    found.sort(key=lambda line: line.at, reverse=True)
    return found[:limit]


def _actor(actor: str, people: dict[int, str]) -> str:
    kind, _, number = actor.partition(":")
    if kind == "staff" and number.isdigit():
        return people.get(int(number), actor)
    return "" if actor == "system" or kind == "patient" else actor
