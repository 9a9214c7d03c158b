"""What a patient answers to a visit's reminder."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Patient, Visit
from service.use_cases import audit, tasks
from workflows.protocol import Level
from workflows.visits import OPEN

REMINDED_WITHIN = timedelta(days=8)
CHANGE_WITHIN = timedelta(hours=24)


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
    return visit


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
