"""Revisions of a calendar: each committed change is kept with what was before it, and the newest can be taken back."""

from __future__ import annotations

from datetime import date as Day
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session

from service.errors import Conflict
from service.models import AnchorDate, CalendarRevision, Deviation, Patient
from service.prepared import Prepared
from service.use_cases import audit, bulk, calendar, calendar_frame, held, studies
from workflows.enrolment import PatientStatus
from workflows.visits import VisitStatus

Diff = dict[str, Any]
KEPT = ("patient_id", "change", "before", "diff", "reason", "actor", "created_at")
ROWS = bulk.table_of(CalendarRevision)
NEWEST = select(func.coalesce(func.max(ROWS.c.number), 0)).where(ROWS.c.patient_id == bindparam("whose"))
KEEP = Prepared(
    insert(ROWS)
    .values(
        {name: bindparam(f"new_{name}", type_=ROWS.c[name].type) for name in KEPT}
        | {"number": NEWEST.scalar_subquery() + 1}
    )
    .returning(ROWS.c.number, ROWS.c.id)
)


class Kept(NamedTuple):
    """A revision that was written: its number among the patient's, and its row's."""

    number: int
    id: int


def undo(session: Session, patient: Patient, *, actor: str, now: datetime) -> Diff:
    """Take the newest revision back: the anchor (or protocol version) is what it was, and the calendar
    follows.

    Conflict where there is none, where the patient has left, or where visits were settled on the changed
    calendar since: then the right date is recorded as a change of its own.
    """
    calendar_frame.lock(session, patient)
    last = calendar.last_revision(session, patient)
    if last is None:
        raise Conflict("there is no change of the calendar to take back")
    _check_nothing_since(session, patient, last)
    before = last.before
    if "study_version_id" in before:
        patient.study_version_id = before["study_version_id"]
    if "anchor" in before:
        _put_back(session, patient, last, before, now=now)
    session.flush()
    diff = calendar.refresh(session, patient, now=now)
    last.undone_at = now
    audit.record(
        session, "calendar:undo", actor=actor, now=now, subject_id=last.id, patient_id=patient.id,
        detail={"revision": last.number, "moved": diff["moved"]},
    )  # fmt: skip
    session.flush()
    return diff | {"revision": last.number}


def _check_nothing_since(session: Session, patient: Patient, last: CalendarRevision) -> None:
    if patient.status != PatientStatus.ENROLLED:
        raise Conflict(f"the patient is {patient.status}: the calendar is closed")
    changes = session.scalars(
        select(CalendarRevision.change).where(
            CalendarRevision.patient_id == patient.id, CalendarRevision.number >= last.number
        )
    )
    dated = {change.get("anchor") for change in changes}  # this one's, and those taken back since
    design = studies.design_for(session, patient)
    own = {anchor.recorded_by for anchor in design.anchors if anchor.name in dated}
    since = [
        f"{visit.code} ({visit.status})"
        for visit in calendar.visits_of(session, patient)
        if visit.anchor
        and visit.code not in own
        and visit.status != VisitStatus.PLANNED
        and not calendar.is_left_by_plan(visit)
        and visit.updated_at > last.created_at
    ]
    if since:
        raise Conflict(f"settled since this change: {', '.join(since)}; record the right date instead")


def keep(
    session: Session,
    patient: Patient,
    change: dict[str, Any],
    before: dict[str, Any],
    diff: Diff,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> Kept:
    """Write a revision down, numbered from 1 for each patient. `change`, `before` and `diff` as JSON has them."""
    values = (patient.id, change, before, diff, reason, actor, now)
    named = {f"new_{name}": value for name, value in zip(KEPT, values, strict=True)}
    return Kept(*KEEP.first(session, whose=patient.id, **named))


def _put_back(
    session: Session, patient: Patient, last: CalendarRevision, before: dict[str, Any], *, now: datetime
) -> None:
    name = last.change["anchor"]
    row = session.scalars(
        select(AnchorDate).where(AnchorDate.patient_id == patient.id, AnchorDate.name == name)
    ).one_or_none()
    was = before["anchor"]
    if was is None and row is not None:
        session.delete(row)
    elif was is not None:
        if row is None:
            row = AnchorDate(patient_id=patient.id, name=name)
            session.add(row)
        row.planned_date, row.actual_date = _day(was["planned"]), _day(was["actual"])
        row.actual_time, row.recorded_by = was["time"], was["by"]
        row.recorded_at = datetime.fromisoformat(was["at"])
    patient.enrolled_on = Day.fromisoformat(before["enrolled_on"])
    visit = held.own_visit(session, patient, name)
    if visit is not None:
        state = before["visit"]
        held.reopen(visit, now)
        if state is not None:
            visit.status, visit.date = state["status"], Day.fromisoformat(state["date"])
            visit.completed_on, visit.flags = _day(state["completed_on"]), list(state["flags"])
            visit.booked_at = datetime.fromisoformat(state["booked_at"]) if state["booked_at"] else None
    if before.get("deviation"):
        mistaken = session.get(Deviation, before["deviation"])
        if mistaken is not None:
            session.delete(mistaken)
    session.flush()
    calendar.remind(session, patient, now=now)


def _day(text: str | None) -> Day | None:
    return Day.fromisoformat(text) if text else None
