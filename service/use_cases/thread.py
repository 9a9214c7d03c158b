"""A patient's whole story, newest first: texts, answers, cases and changes. Queries only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, not_, select
from sqlalchemy.orm import Session

from service.models import (
    Alert,
    AuditEntry,
    Inbound,
    Message,
    Occasion,
    Patient,
    Reading,
    Response,
    Staff,
    TriageHit,
)
from service.use_cases.worklist import staff_by_id

LIMIT = 40
QUIET = ("message:", "outbox:", "inbound:", "response:record", "reading:record", "occasion:")


@dataclass(frozen=True)
class Entry:
    """One thing that happened. Exactly one of the rows is set; `hits` say what the rules made of a text or answer."""

    at: datetime
    kind: str
    message: Message | None = None
    inbound: Inbound | None = None
    response: Response | None = None
    audit: AuditEntry | None = None
    by: Staff | None = None
    hits: tuple[TriageHit, ...] = ()


@dataclass(frozen=True)
class Measured:
    """A reading for the plot and its table; `hits` are the rules it fired."""

    reading: Reading
    hits: tuple[TriageHit, ...] = ()
    corrected: bool = False


def of(session: Session, patient: Patient, *, limit: int = LIMIT, before: datetime | None = None) -> list[Entry]:
    """The newest `limit` entries, before an instant where one is given; more where several share the last instant,
    so that `before` that instant leaves none out."""
    hits = _hits(session, patient.id)
    when = func.coalesce(Message.sent_at, Message.created_at)
    messages = session.scalars(
        select(Message)
        .where(Message.patient_id == patient.id, *([when < before] if before else []))
        .order_by(when.desc(), Message.id.desc())
        .limit(limit)
    ).all()
    inbound = session.scalars(
        select(Inbound)
        .where(Inbound.patient_id == patient.id, *([Inbound.received_at < before] if before else []))
        .order_by(Inbound.received_at.desc(), Inbound.id.desc())
        .limit(limit)
    ).all()
    typed = session.scalars(
        select(Response)
        .where(
            Response.patient_id == patient.id,
            Response.inbound_id.is_(None),
            *([Response.received_at < before] if before else []),
        )
        .order_by(Response.received_at.desc(), Response.id.desc())
        .limit(limit)
    ).all()
    changes = session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.patient_id == patient.id,
            *(not_(AuditEntry.action.startswith(each)) for each in QUIET),
            *([AuditEntry.at < before] if before else []),
        )
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(limit)
    ).all()
    typists = [_staff_id(each.typed_by) for each in typed]
    people = staff_by_id(session, [*(_staff_id(each.actor) for each in changes), *typists])
    entries = [
        *(Entry(each.sent_at or each.created_at, "message", message=each) for each in messages),
        *(Entry(each.received_at, "inbound", inbound=each, hits=hits.get(("in", each.id), ())) for each in inbound),
        *(
            Entry(
                each.received_at, "response", response=each, by=people.get(by or 0), hits=hits.get(("re", each.id), ())
            )
            for each, by in zip(typed, typists, strict=True)
        ),
        *(
            Entry(each.at, "change", audit=each, by=people.get(_staff_id(each.actor) or 0))
            for each in changes
        ),
    ]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return [entry for entry in entries if entry.at >= entries[limit - 1].at] if len(entries) > limit else entries


def readings(session: Session, patient: Patient, *, limit: int = 400) -> list[Measured]:
    """Temperatures, oldest first, each with the rules it fired and whether a later row corrects it."""
    rows = session.scalars(
        select(Reading)
        .where(Reading.patient_id == patient.id)
        .order_by(Reading.taken_at.desc(), Reading.id.desc())
        .limit(limit)
    ).all()
    corrected = {each.corrects_id for each in rows if each.corrects_id}
    hits = _hits(session, patient.id)
    return [Measured(each, hits.get(("rd", each.id), ()), each.id in corrected) for each in reversed(rows)]


def answers(session: Session, patient: Patient, *, limit: int = 60) -> list[tuple[Response, bool]]:
    """The newest answers but temperatures, newest first, each with whether a later row corrects it."""
    rows = session.scalars(
        select(Response)
        .where(Response.patient_id == patient.id, Response.item.not_in(("temp", "recheck")))
        .order_by(Response.id.desc())
        .limit(limit)
    ).all()
    corrected = {each.corrects_id for each in rows if each.corrects_id}
    return [(each, each.id in corrected) for each in rows]


def occasions(session: Session, patient: Patient, *, since: datetime, until: datetime) -> list[Occasion]:
    """Occasions whose opening lies in [since, until), oldest first: the plot draws missing answers too."""
    return list(
        session.scalars(
            select(Occasion)
            .where(Occasion.patient_id == patient.id, Occasion.opens_at >= since, Occasion.opens_at < until)
            .order_by(Occasion.opens_at)
        )
    )


def alerts(session: Session, patient: Patient) -> list[Alert]:
    """The patient's cases, newest first."""
    return list(session.scalars(select(Alert).where(Alert.patient_id == patient.id).order_by(Alert.id.desc())))


def waiting(session: Session, patient: Patient, *, now: datetime, days: int = 14) -> list[Message]:
    """Messages not sent yet, soonest first."""
    return list(
        session.scalars(
            select(Message)
            .where(
                Message.patient_id == patient.id,
                Message.status.in_(["ready", "claimed"]),
                Message.send_at < now + timedelta(days=days),
            )
            .order_by(Message.send_at)
        )
    )


def _staff_id(actor: str) -> int | None:
    kind, _, number = actor.partition(":")
    return int(number) if kind == "staff" and number.isdigit() else None


def _hits(session: Session, patient_id: int) -> dict[tuple[str, int], tuple[TriageHit, ...]]:
    found: dict[tuple[str, int], tuple[TriageHit, ...]] = {}
    rows: Iterable[TriageHit] = session.scalars(
        select(TriageHit).where(TriageHit.patient_id == patient_id).order_by(TriageHit.id)
    )
    for hit in rows:
        for key in (("in", hit.inbound_id), ("re", hit.response_id), ("rd", hit.reading_id)):
            if key[1] is not None:
                name = (key[0], key[1])
                found[name] = (*found.get(name, ()), hit)
    return found
