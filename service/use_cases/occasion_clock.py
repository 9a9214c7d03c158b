"""An occasion's one timer: it opens, is reminded of, falls silent, is late, is missed. One step a tick."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.models import Occasion, Patient
from service.use_cases import audit, conversation, occasions, outbox, patient_facts, rows, silence
from service.use_cases.sweep import Sweep, due_by
from workflows.enrolment import PatientStatus
from workflows.occasions import OccasionStatus

MISSED = OccasionStatus.MISSED.value
# occasions with something to do
due = due_by(Occasion.id, Occasion.next_due_at)


def handle(session: Session, occasion_id: int, now: datetime) -> None:
    """The next step of one occasion, and when the one after it is."""
    patient, row = patient_facts.hold_with(session, Occasion, occasion_id)
    if row.next_due_at is None or row.next_due_at > now:
        return
    if row.status == occasions.UPCOMING:
        _open(session, patient, row, now)
    elif row.status in (occasions.OPEN, occasions.LATE):
        _step(session, patient, row, now)
    else:
        row.next_due_at = None
    if row.status in (occasions.OPEN, occasions.LATE):
        rows.change(session, row, next_due_at=_next(session, patient, row))


def _open(session: Session, patient: Patient, row: Occasion, now: datetime) -> None:
    if patient.status != PatientStatus.ENROLLED:
        _end(session, row, OccasionStatus.CANCELLED, f"the patient is {patient.status}")
    elif patient.admitted_at is not None and occasions.schedule_of(session, patient, row).paused_while_admitted:
        _end(session, row, OccasionStatus.PAUSED, occasions.IN_HOSPITAL)
    elif now >= row.missed_at:
        _miss(session, patient, row, now, "it could not be asked in time")
    else:
        rows.change(session, row, status=occasions.OPEN, opened_at=now)
        conversation.begin(session, patient, row, now=now)


def _step(session: Session, patient: Patient, row: Occasion, now: datetime) -> None:
    if now >= row.missed_at:
        _miss(session, patient, row, now, "no answer in time")
        return
    if row.status == occasions.OPEN and now >= row.late_at:
        rows.change(session, row, status=occasions.LATE)
    reminders = occasions.reminders_of(session, patient, row)
    steps = [*reminders, *occasions.silence_times(session, patient, row)]
    while row.reminders_sent < len(steps) and steps[row.reminders_sent] <= now:
        place = row.reminders_sent
        rows.change(session, row, reminders_sent=place + 1)
        if place >= len(reminders):
            silence.check(session, patient, now=now)
        elif place + 1 == len(reminders) or reminders[place + 1] > now:
            conversation.remind(session, patient, row, now=now)  # of several that are due, one is enough


def _next(session: Session, patient: Patient, row: Occasion) -> datetime:
    steps = [
        *occasions.reminders_of(session, patient, row),
        *occasions.silence_times(session, patient, row),
    ][row.reminders_sent :]
    bounds = [row.missed_at] + ([row.late_at] if row.status == occasions.OPEN else [])
    return min([*steps, *bounds])


def _miss(session: Session, patient: Patient, row: Occasion, now: datetime, reason: str) -> None:
    outbox.cancel_for(session, now=now, reason=reason, occasion_id=row.id)
    _end(session, row, OccasionStatus.MISSED, reason)
    audit.record(
        session, "occasion:missed", actor="system", now=now, subject_id=row.id, patient_id=patient.id,
        detail={"questionnaire": row.questionnaire, "for_date": row.for_date, "reason": reason},
    )  # fmt: skip
    silence.check(session, patient, now=now)


def _end(session: Session, row: Occasion, status: OccasionStatus, reason: str) -> None:
    rows.change(session, row, status=status.value, next_due_at=None, ended_reason=reason, item=None)


WAITS = (select(func.min(Occasion.next_due_at)).where(Occasion.next_due_at.is_not(None)),)
SWEEPS = (Sweep("occasions", due, handle, WAITS),)
