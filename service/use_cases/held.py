"""Visits that took place: completed with their day, and a deviation where that was outside the window."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.models import AnchorDate, Deviation, Patient, Visit
from service.use_cases import audit, bulk, studies
from service.use_cases.calendar_rows import VisitRow
from workflows.protocol import StudyDesign
from workflows.visits import VisitStatus, is_inside

ENROLMENT = "enrolment"
HELD_OUTSIDE, MOVED_OUTSIDE = "held_outside_window", "moved_outside_window"


def code_of(design: StudyDesign, anchor: str) -> str | None:
    """The code of the visit whose taking place dates the anchor; None where nothing does."""
    return next((one.recorded_by for one in design.anchors if one.name == anchor), None)


def own_visit(session: Session, patient: Patient, anchor: str) -> Visit | None:
    """The visit whose taking place dates the anchor (infusion_1: INF1), if the patient has it."""
    code = code_of(studies.design_for(session, patient), anchor)
    if code is None:
        return None
    return session.scalars(
        select(Visit).where(Visit.patient_id == patient.id, Visit.code == code)
    ).one_or_none()


def complete(
    writes: bulk.Writes, visit: Visit | VisitRow, day: date, *, reason: str, actor: str, now: datetime
) -> Deviation | None:
    """One visit is completed on the local day `day`; audited, once the caller flushes `writes`."""
    before = {"status": visit.status, "date": visit.date}
    visit.status, visit.date, visit.completed_on, visit.updated_at = VisitStatus.COMPLETED.value, day, day, now
    visit.sequence += 1
    deviation = deviate(writes.session, visit, day, kind=HELD_OUTSIDE, reason=reason, actor=actor, now=now)
    audit.add(
        writes, "visit:complete", actor=actor, now=now, subject_id=visit.id, patient_id=visit.patient_id,
        detail={"before": before, "on": day, "reason": reason},
    )  # fmt: skip
    return deviation


def deviate(
    session: Session, visit: Visit | VisitRow, day: date, *, kind: str, reason: str, actor: str, now: datetime
) -> Deviation | None:
    """A deviation for `day`; None where it lies in the window, or the visit has none (unscheduled)."""
    if visit.anchor == "" or is_inside(visit, day):
        return None
    outside = visit.window_start - day if day < visit.window_start else day - visit.window_end
    deviation = Deviation(
        patient_id=visit.patient_id, visit_id=visit.id, kind=kind, days_outside=outside.days, reason=reason,
        actor=actor, created_at=now,
    )  # fmt: skip
    session.add(deviation)
    session.flush()
    return deviation


def dated_by(session: Session, visit: Visit) -> str | None:
    """The anchor that this visit's taking place dates; None for most."""
    design = studies.design_for(session, visit.patient)
    return next((one.name for one in design.anchors if one.recorded_by == visit.code), None)


def plan_anchor(
    session: Session, visit: Visit, day: date, *, reopened: bool, actor: str, now: datetime
) -> None:
    """Booking an infusion plans its anchor, so that what hangs on it is projected from the booking."""
    anchor = dated_by(session, visit)
    if anchor is None or anchor == ENROLMENT:
        return
    row = session.scalars(
        select(AnchorDate).where(AnchorDate.patient_id == visit.patient_id, AnchorDate.name == anchor)
    ).one_or_none()
    if row is None:
        row = AnchorDate(patient_id=visit.patient_id, name=anchor)
        session.add(row)
    if row.actual_date is not None and not reopened:
        return
    row.actual_date = row.actual_time = None
    row.planned_date, row.recorded_at, row.recorded_by = day, now, actor
    session.flush()


def unplan_anchor(session: Session, visit: Visit) -> None:
    """An infusion that is cancelled, or not booked any more, plans nothing."""
    anchor = dated_by(session, visit)
    if anchor is not None and anchor != ENROLMENT:
        session.execute(
            delete(AnchorDate).where(
                AnchorDate.patient_id == visit.patient_id,
                AnchorDate.name == anchor,
                AnchorDate.actual_date.is_(None),
            )
        )


def reopen(visit: Visit | VisitRow, now: datetime) -> None:
    """The visit is as if it had only been planned; its plan decides the date."""
    visit.status, visit.completed_on, visit.booked_at, visit.flags = VisitStatus.PLANNED.value, None, None, []
    visit.updated_at = now
