"""Re-anchoring: see what a date would change, commit it with a reason; `undo` takes it back."""

from __future__ import annotations

from datetime import date as Day
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from service.errors import Conflict
from service.models import AnchorDate, Patient, Visit
from service.use_cases import audit, calendar, held, studies
from service.use_cases.revisions import keep, undo
from workflows.anchors import check_planned, resolve_anchors
from workflows.decisions import RuleViolation
from workflows.enrolment import PatientStatus
from workflows.protocol import Anchor
from workflows.visits import VisitStatus

__all__ = ["commit", "keep", "preview", "undo"]

LONGEST_AHEAD = timedelta(days=366)
Diff = dict[str, Any]


def preview(
    session: Session, patient: Patient, *, anchor: str, date: Day | None, time: time | str | None = None, now: datetime
) -> Diff:
    """What `commit` would change: the very same code, in a savepoint that is rolled back."""
    savepoint = session.begin_nested()
    try:
        return _record(session, patient, anchor, date, time, reason="preview", actor="system", now=now)[0]
    finally:
        savepoint.rollback()
        session.expire_all()


def commit(
    session: Session,
    patient: Patient,
    *,
    anchor: str,
    date: Day | None,
    time: time | str | None = None,
    reason: str,
    actor: str,
    now: datetime,
) -> Diff:
    """Date an anchor: actual up to today, planned in the future; None takes its dates away. With the new
    "revision".

    RuleViolation names what is wrong with the date or the reason; Conflict for a patient who has left.
    """
    if not reason.strip():
        raise RuleViolation("reason", reason, "say why")
    calendar.lock(session, patient)
    diff, before = _record(session, patient, anchor, date, time, reason=reason.strip(), actor=actor, now=now)
    change = {"anchor": anchor, "date": date, "time": _hour(time)}
    revision = keep(session, patient, change, before, diff, reason=reason.strip(), actor=actor, now=now)
    audit.record(
        session, "calendar:anchor", actor=actor, now=now, subject_id=revision.id, patient_id=patient.id,
        detail={**change, "before": before["anchor"], "reason": reason.strip(), "moved": diff["moved"]},
    )  # fmt: skip
    return diff | {"revision": revision.number}


def _record(
    session: Session,
    patient: Patient,
    name: str,
    day: Day | None,
    hour: time | str | None,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> tuple[Diff, dict[str, Any]]:
    """Date the anchor and bring the calendar in line: the diff, and what is needed to undo it."""
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    rule = _checked(session, patient, name, day, today)
    rows = {one.name: one for one in calendar.anchor_rows(session, patient)}
    row = rows.get(name)
    visits = calendar.visits_of(session, patient)
    visit = next((one for one in visits if one.code == rule.recorded_by), None)
    before: dict[str, Any] = {
        "anchor": _shown(row),
        "visit": _state(visit) if visit else None,
        "enrolled_on": patient.enrolled_on.isoformat(),
    }
    happened = day is not None and day <= today
    if visit is not None and (happened or visit.status == VisitStatus.COMPLETED):
        held.reopen(visit, now)  # its own date follows the anchor's, whatever it was
    _write(session, patient, rows, name, day, _hour(hour) if happened else None, happened, actor=actor, now=now)
    if happened and rule.name == held.ENROLMENT and day is not None:
        patient.enrolled_on = day
    design = studies.design_for(session, patient)
    known = calendar.recorded(session, patient, design=design, visits=visits, rows=rows.values())
    check_planned(design, resolve_anchors(design, known, patient.timezone), name)

    def settle() -> None:
        if happened and day is not None:
            own = visit or held.own_visit(session, patient, name)
            if own is not None:
                deviation = held.complete(session, own, day, reason=reason, actor=actor, now=now)
                before["deviation"] = deviation.id if deviation else None

    return calendar.refresh(session, patient, now=now, settle=settle, visits=visits, known=known), before


def _checked(session: Session, patient: Patient, name: str, day: Day | None, today: Day) -> Anchor:
    if patient.status != PatientStatus.ENROLLED:
        raise Conflict(f"the patient is {patient.status}: the calendar is closed")
    known = {anchor.name: anchor for anchor in studies.design_for(session, patient).anchors}
    if name not in known or known[name].latest_of:
        names = ", ".join(one.name for one in known.values() if not one.latest_of)
        raise RuleViolation("anchor", name, f"no anchor has this name; there are: {names}")
    if day is None and name == held.ENROLMENT:
        raise RuleViolation("date", day, "the enrolment keeps its date; it can be corrected")
    if day is not None and day > today + LONGEST_AHEAD:
        raise RuleViolation("date", day, f"more than a year after today, {today}")
    return known[name]


def _write(
    session: Session,
    patient: Patient,
    rows: dict[str, AnchorDate],
    name: str,
    day: Day | None,
    hour: str | None,
    happened: bool,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Bring `rows`, the patient's by name, in line with the new date."""
    row = rows.get(name)
    if day is None:
        if row is not None:
            session.delete(rows.pop(name))
        return
    if row is None:
        row = rows[name] = AnchorDate(patient_id=patient.id, name=name)
        session.add(row)
    if happened:
        row.actual_date, row.actual_time = day, hour
    else:
        row.planned_date, row.actual_date, row.actual_time = day, None, None
    row.recorded_at, row.recorded_by = now, actor


def _shown(row: AnchorDate | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "planned": row.planned_date.isoformat() if row.planned_date else None,
        "actual": row.actual_date.isoformat() if row.actual_date else None,
        "time": row.actual_time,
        "by": row.recorded_by,
        "at": row.recorded_at.isoformat(),
    }


def _state(visit: Visit) -> dict[str, Any]:
    return {
        "status": visit.status,
        "date": visit.date.isoformat(),
        "completed_on": visit.completed_on.isoformat() if visit.completed_on else None,
        "booked_at": visit.booked_at.isoformat() if visit.booked_at else None,
        "flags": list(visit.flags),
    }


def _hour(given: time | str | None) -> str | None:
    """A local time of day as HH:MM; RuleViolation for a text that is none."""
    if given is None or given == "":
        return None
    if isinstance(given, time):
        return given.strftime("%H:%M")
    try:
        return time.fromisoformat(given).strftime("%H:%M")
    except ValueError:
        raise RuleViolation("time", given, "a time of day such as 14:30") from None
