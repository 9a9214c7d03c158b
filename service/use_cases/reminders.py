"""Visit reminders: a due row becomes a message, or is skipped with its reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from notifications.catalog import CATALOG
from notifications.dates import short_date, short_time
from service.db import Base
from service.models import Patient, Reminder, Site, StudyVersion, Visit
from service.prepared import Prepared
from service.use_cases import bulk, outbox, rows, sites, studies
from service.use_cases.calendar_reminders import PENDING, SENT, SKIPPED
from service.use_cases.sweep import Sweep, due_by
from workflows.enrolment import PatientStatus
from workflows.visits import VisitStatus

STALE = timedelta(hours=20)
WAITING = (VisitStatus.PLANNED.value, VisitStatus.BOOKED.value)
READ: tuple[type[Base], ...] = (Reminder, Visit, Patient, Site)
HOLD = Prepared(
    select(StudyVersion.sha256, *(column for model in READ for column in bulk.table_of(model).c))
    .select_from(Reminder)
    .join(Visit, Visit.id == Reminder.visit_id)
    .join(Patient, Patient.id == Reminder.patient_id)
    .join(Site, Site.id == Patient.site_id)
    .join(StudyVersion, StudyVersion.id == Patient.study_version_id)
    .where(Reminder.id == bindparam("one"))
    .with_for_update(of=Reminder)
)
# reminders whose time has come
due = due_by(Reminder.id, Reminder.due_at, Reminder.status == PENDING)


def handle(session: Session, reminder_id: int, now: datetime) -> None:
    """Write the message into the outbox, or say why not."""
    row, visit, patient = _held(session, reminder_id)
    if row.status != PENDING:
        return
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


def _held(session: Session, reminder_id: int) -> tuple[Reminder, Visit, Patient]:
    """The reminder, locked, and what its text is made of."""
    session.flush()
    found, place = HOLD.first(session, one=reminder_id), 1
    there: list[Any] = []
    for model in READ:
        there.append(rows.stand(session, model, found, place))
        place += len(bulk.table_of(model).c)
    row, visit, patient, site = there
    set_committed_value(patient, "site", site)
    studies.remember(session, patient.study_version_id, found.sha256)
    return row, visit, patient


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
