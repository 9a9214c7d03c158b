"""Visit reminders: a due row becomes a message, or is skipped with its reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from notifications.catalog import CATALOG
from notifications.dates import short_date, short_time
from service.models import Patient, Reminder, Site, Visit
from service.use_cases import outbox, patient_facts, rows, sites
from service.use_cases.calendar_reminders import PENDING, SENT, SKIPPED
from service.use_cases.sweep import Sweep, due_by
from workflows.enrolment import PatientStatus
from workflows.visits import VisitStatus

STALE = timedelta(hours=20)
WAITING = (VisitStatus.PLANNED.value, VisitStatus.BOOKED.value)
# reminders whose time has come
due = due_by(Reminder.id, Reminder.due_at, Reminder.status == PENDING)


def handle(session: Session, reminder_id: int, now: datetime) -> None:
    """Write the message into the outbox, or say why not."""
    patient, row = patient_facts.hold_with(session, Reminder, reminder_id)
    if row.status != PENDING or row.due_at > now:
        return
    visit = rows.know(session, row, "visit", Visit)
    rows.know(session, patient, "site", Site)
    reason = _why_not(row, visit, patient, now)
    if reason:
        rows.change(session, row, status=SKIPPED, reason=reason)
        return
    message = outbox.enqueue(
        session,
        now=now,
        kind="reminder",
        template=row.template,
        patient=patient,
        fields={
            name: value
            for name, value in fields_of(visit, patient).items()
            if name in CATALOG[row.template].fields
        },
        visit_id=visit.id,
        due_at=row.due_at,
        expires_at=row.due_at + STALE,
        wanted_while="visit_planned" if visit.status in WAITING else "",
        dedupe=f"reminder:{row.id}",
    )
    rows.change(session, row, status=SENT, message_id=message.id)


def fields_of(visit: Visit, patient: Patient) -> dict[str, str]:
    """`date` and `time` of a visit as a text says them: the booked time, else the site's clinic hour."""
    zone = ZoneInfo(patient.timezone)
    at = visit.booked_at.astimezone(zone).time() if visit.booked_at else sites.clinic_hour(patient.site)
    local = datetime.combine(visit.date, at)
    return {"date": short_date(visit.date, patient.language), "time": short_time(local)}


def _why_not(row: Reminder, visit: Visit, patient: Patient, now: datetime) -> str:
    if patient.status != PatientStatus.ENROLLED:
        return f"the patient is {patient.status}"
    if visit.merged_into is not None:
        return f"part of {visit.merged_into}"
    if visit.status == VisitStatus.CANCELLED:
        return "the visit is cancelled"
    if now - row.due_at > STALE:
        return "its time passed while the service was down"
    return ""


WAITS = (select(func.min(Reminder.due_at)).where(Reminder.status == PENDING),)
SWEEPS = (Sweep("reminders", due, handle, WAITS),)
