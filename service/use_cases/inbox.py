"""Texts that came in: stored as they are, then read: whose phone is it, and what does it say?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from service.models import Inbound, Patient
from service.prepared import Within
from service.use_cases import (
    alerts,
    audit,
    conversation,
    patient_facts,
    patients,
    rows,
    shared_phones,
    staff,
    staff_messages,
    strangers,
    tasks,
)
from service.use_cases.sweep import Sweep, due_by
from workflows.enrolment import PatientStatus
from workflows.protocol import Level
from workflows.replies import Reply, read_reply

NEW, HANDLED, POISONED = "new", "handled", "poisoned"
GRACE = timedelta(seconds=5)  # the post that brought it reads it first; the tick is the second line
POISON_WITHIN = timedelta(minutes=10)
LONGEST_WAIT = timedelta(minutes=5)


def store(
    within: Within,
    *,
    provider_id: str,
    channel: str,
    from_address: str,
    to_address: str,
    body: str,
    media: Sequence[Any],
    form: Mapping[str, Any],
    received_at: datetime,
    carrier_at: datetime | None = None,
    found_by: str = "webhook",
) -> int | None:
    """Keep a text under the carrier's id, which is unique; its row's id, None when it was kept before."""
    return rows.add_once(
        within,
        Inbound,
        "provider_id",
        provider_id=provider_id,
        channel=channel,
        from_address=from_address,
        to_address=to_address,
        body=body,
        media=list(media),
        form=dict(form),
        found_by=found_by,
        carrier_at=carrier_at,
        received_at=received_at,
        next_try_at=received_at + GRACE,
    )


def handle(session: Session, inbound_id: int, *, now: datetime) -> None:
    """Read one stored text. What is handled already stays so."""
    inbound = rows.hold(session, Inbound, inbound_id)
    if inbound.status == HANDLED:
        return
    found = _take(session, inbound, now)
    rows.change(session, inbound, status=HANDLED, handled_at=now, error=None, **found)
    audit.record(
        session, "inbound:read", actor="system", now=now, subject_id=inbound.id, patient_id=inbound.patient_id,
        detail={"found_by": inbound.found_by, "intents": inbound.heard.get("intents", [])},
    )  # fmt: skip


def poison(session: Session, inbound_id: int, error: str, *, now: datetime) -> None:
    """A text that could not be read: it stays visible, a human is told, and it is tried again."""
    inbound = session.get_one(Inbound, inbound_id, with_for_update=True)
    if inbound.status == HANDLED:
        return
    inbound.tries += 1
    inbound.status, inbound.error = POISONED, error
    inbound.next_try_at = now + min(timedelta(seconds=10) * 2 ** min(inbound.tries, 8), LONGEST_WAIT)
    found = patients.by_phone(session, inbound.from_address)
    owners: list[Patient | None] = [*found] or [None]
    for patient in owners:
        tasks.open_task(
            session, kind="text_not_read", level=Level.AMBER.value, now=now, patient=patient,
            dedupe=f"poison:{inbound.id}:{patient.id if patient else 0}", due_at=now + POISON_WITHIN,
            detail={"text": inbound.body, "error": error}, inbound_id=inbound.id,
        )  # fmt: skip
    site_id = found[0].site_id if found else None
    staff_messages.alarm(
        session, f"a text could not be read (inbound {inbound.id}): read it in the console", site_id=site_id,
        dedupe=f"poison:{inbound.id}", now=now,
    )  # fmt: skip


def _take(session: Session, inbound: Inbound, now: datetime) -> dict[str, Any]:
    """Act on the text; the columns of its row that this fills."""
    person = staff.by_phone(session, inbound.from_address)
    found = patient_facts.hold_by_phone(session, inbound.from_address)
    if person is not None and (not found or read_reply(inbound.body, sender="staff").codes):
        did = alerts.staff_text(session, person, inbound, now=now)
        return {"staff_id": person.id, "heard": {"staff": person.id, "did": did}}
    if not found:
        return {"heard": strangers.take(session, inbound, now=now)}
    chosen = shared_phones.choose(session, found, inbound, now=now)
    if chosen is None:
        return {"heard": {"asked": "which patient", "patients": [patient.id for patient in found]}}
    patient, words = chosen
    if inbound.channel == "whatsapp":
        patient.whatsapp_seen_at = now
    reply = conversation.take_text(session, patient, words, now=now)
    if words is not inbound:
        shared_phones.say_whose(session, patient, words, now=now)
    return {"patient_id": patient.id, "heard": as_record(reply, patient)}


def as_record(reply: Reply, patient: Patient) -> dict[str, Any]:
    """What was understood, as the row keeps it."""
    return {
        "patient": patient.id,
        "intents": [intent.value for intent in reply.intents],
        "signs": sorted(reply.heard.signs),
        "red_words": sorted(reply.heard.red_words),
        "celsius": None if reply.heard.highest is None else str(reply.heard.highest),
        "active": patient.status == PatientStatus.ENROLLED,
    }


# texts that nobody has read yet, and those to be tried again
due = due_by(Inbound.id, Inbound.next_try_at, Inbound.status != HANDLED)


def _again(session: Session, inbound_id: int, now: datetime) -> None:
    """Read it, or keep it as one that could not be read; what it had begun is undone."""
    inbound = session.get_one(Inbound, inbound_id, with_for_update=True)
    if inbound.status == HANDLED or inbound.next_try_at > now:
        return
    try:
        with session.begin_nested():
            handle(session, inbound_id, now=now)
    except StaleDataError:  # somebody else was quicker with one of its rows: the next tick reads it
        raise
    except Exception as error:
        session.expire_all()
        session.info.pop("lanes", None)  # the wake-ups are undone too, and the alarm needs one
        poison(session, inbound_id, type(error).__name__, now=now)


WAITS = (select(func.min(Inbound.next_try_at)).where(Inbound.status != HANDLED),)
SWEEPS = (Sweep("inbox", due, _again, WAITS),)
