"""What a patient is told of an appointment, and what they answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from notifications.dates import short_date, short_time
from notifications.message import DeliveryStatus
from service.models import Message, Patient, Visit
from service.use_cases import audit, bulk, outbox, sites, tasks
from service.use_cases.calendar_rows import VisitRow
from workflows.enrolment import PatientStatus
from workflows.protocol import Level
from workflows.visits import OPEN

REMINDED_WITHIN = timedelta(days=8)
CHANGE_WITHIN = timedelta(hours=24)
ROWS = bulk.table_of(Message).c
ABOUT_VISITS = (
    select(ROWS.visit_id, ROWS.status)
    .where(
        ROWS.patient_id == bindparam("patient"),
        ROWS.visit_id.is_not(None),
        or_(*(ROWS.kind == kind for kind in ("reminder", "notice", "reply"))),
    )
    .distinct()
)
LEFT = {str(one) for one in DeliveryStatus} - {"ready", "cancelled", "expired"}


def patient_confirms(session: Session, patient: Patient, *, now: datetime) -> Visit | None:
    """The patient said OK to a reminder: the next appointment is confirmed; None where there is none to
    confirm.
    """
    visit = next_appointment(session, patient, now=now)
    if visit is not None and visit.confirmed_at is None:
        visit.confirmed_at = visit.updated_at = now
        audit.record(
            session, "visit:confirm", actor=f"patient:{patient.id}", now=now, subject_id=visit.id,
            patient_id=patient.id,
        )  # fmt: skip
        session.flush()
    if visit is not None:
        outbox.enqueue(
            session, now=now, kind="reply", template="visit_confirmed", patient=patient, visit_id=visit.id,
            fields=fields_of(visit, patient), dedupe=f"visit_confirmed:{visit.id}:{now.isoformat()}",
        )  # fmt: skip
    return visit


def patient_asks_change(session: Session, patient: Patient, *, now: datetime) -> Visit | None:
    """The patient asked for another day: a task for the coordinator, about the next appointment where there
    is one.
    """
    visit = next_appointment(session, patient, now=now)
    subject = f"visit:{visit.id}:{visit.date}" if visit else f"patient:{patient.id}:{now.date()}"
    tasks.open_task(
        session, kind="visit_change", level=str(Level.NOTHING), now=now, patient=patient,
        dedupe=f"visit_change:{subject}", due_at=now + CHANGE_WITHIN, visit_id=visit.id if visit else None,
        detail={"visit": visit.code, "date": visit.date.isoformat()} if visit else {},
    )  # fmt: skip
    outbox.enqueue(
        session, now=now, kind="reply", template="call_booked", patient=patient,
        visit_id=visit.id if visit else None, dedupe=f"visit_change:{patient.id}:{now.isoformat()}",
    )  # fmt: skip
    return visit


def tell_moved(
    session: Session,
    patient: Patient,
    about: Iterable[bulk.Values],
    moved: Iterable[VisitRow],
    *,
    now: datetime,
) -> int:
    """A patient who was told an appointment's day is told the new one; what waits with the old day is cancelled.

    How many messages were cancelled. `about`: the rows of ABOUT_VISITS.
    """
    told: dict[int, set[str]] = {}
    for visit_id, status in about:
        told.setdefault(visit_id, set()).add(status)
    cancelled = 0
    for visit in moved:
        statuses = told.get(visit.id, set())
        if DeliveryStatus.READY in statuses:
            cancelled += outbox.cancel_for(
                session, now=now, reason="the visit moved", visit_id=visit.id, kinds=("reminder", "notice")
            )
        if statuses & LEFT and _is_ahead(patient, visit, now):
            outbox.enqueue(
                session, now=now, kind="notice", template="visit_moved", patient=patient, visit_id=visit.id,
                fields=fields_of(visit, patient), wanted_while="visit_planned",
                dedupe=f"visit_moved:{visit.id}:{visit.sequence}:{visit.date}",
            )  # fmt: skip
    return cancelled


def _is_ahead(patient: Patient, visit: VisitRow, now: datetime) -> bool:
    """Whether the appointment is still to come for a patient who is in the study."""
    is_appointment = visit.status in OPEN and visit.merged_into is None
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    return is_appointment and patient.status == PatientStatus.ENROLLED and visit.date >= today


def fields_of(visit: Visit | VisitRow, patient: Patient) -> dict[str, str]:
    """`date` and `time` of a visit as a text says them: the booked time, else the site's clinic hour."""
    zone = ZoneInfo(patient.timezone)
    at = visit.booked_at.astimezone(zone).time() if visit.booked_at else sites.clinic_hour(patient.site)
    return {"date": short_date(visit.date, patient.language), "time": short_time(at)}


def next_appointment(session: Session, patient: Patient, *, now: datetime) -> Visit | None:
    """The next open appointment from today on that a reminder can be about."""
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    return session.scalars(
        select(Visit)
        .where(
            Visit.patient_id == patient.id,
            Visit.status.in_([status.value for status in OPEN]),
            Visit.merged_into.is_(None),
            Visit.date >= today,
            Visit.date <= today + REMINDED_WITHIN,
        )
        .order_by(Visit.date, Visit.id)
        .limit(1)
    ).first()
