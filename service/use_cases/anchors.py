"""Re-anchoring: see what a date would change, commit it with a reason; `undo` takes it back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date as Day
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from service.errors import Conflict
from service.models import AnchorDate, Patient
from service.use_cases import audit, bulk, calendar, held
from service.use_cases.calendar_frame import Frame
from service.use_cases.calendar_rows import VisitRow
from service.use_cases.calendar_there import AnchorRow, There, look
from service.use_cases.revisions import keep, undo
from workflows.anchors import check_planned
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
        seen, writes = look(session, patient, now=now), bulk.Writes(session)
        return _record(writes, patient, *seen, anchor, date, time, reason="preview", actor="system", now=now)[0]
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
    held, writes = look(session, patient, now=now, hold=True), bulk.Writes(session)
    diff, before = _record(writes, patient, *held, anchor, date, time, reason=reason.strip(), actor=actor, now=now)
    change = {"anchor": anchor, "date": date.isoformat() if date else None, "time": _hour(time)}
    revision = keep(session, patient, change, before, diff, reason=reason.strip(), actor=actor, now=now)
    audit.add(
        writes, "calendar:anchor", actor=actor, now=now, subject_id=revision.id, patient_id=patient.id,
        detail={**change, "before": before["anchor"], "reason": reason.strip(), "moved": diff["moved"]},
    )  # fmt: skip
    writes.flush()
    return diff | {"revision": revision.number}


def _record(
    writes: bulk.Writes,
    patient: Patient,
    frame: Frame,
    there: There,
    name: str,
    day: Day | None,
    hour: time | str | None,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> tuple[Diff, dict[str, Any]]:
    """Date the anchor and bring the calendar in line: the diff, and what is needed to undo it."""
    rule = _checked(frame, patient, name, day)
    visit = next((one for one in there.visits if one.code == rule.recorded_by), None)
    before: dict[str, Any] = {
        "anchor": _shown(there.anchors.get(name)),
        "visit": _state(visit) if visit else None,
        "enrolled_on": patient.enrolled_on.isoformat(),
    }
    happened = day is not None and day <= frame.today
    if visit is not None and (happened or visit.status == VisitStatus.COMPLETED):
        held.reopen(visit, now)  # its own date follows the anchor's, whatever it was
    _write(writes, patient, there, name, day, _hour(hour) if happened else None, happened, actor=actor, now=now)
    if happened and rule.name == held.ENROLMENT and day is not None:
        patient.enrolled_on = day
    anchors = calendar.resolved(frame, there)
    check_planned(frame.design, anchors, name)

    def settle(writes: bulk.Writes, visits: Mapping[str, VisitRow]) -> None:
        own = visits.get(rule.recorded_by or "")
        if own is not None and happened and day is not None:
            deviation = held.complete(writes, own, day, reason=reason, actor=actor, now=now)
            before["deviation"] = deviation.id if deviation else None

    return calendar.bring_in_line(writes, patient, there, frame, anchors, now=now, settle=settle), before


def _checked(frame: Frame, patient: Patient, name: str, day: Day | None) -> Anchor:
    if patient.status != PatientStatus.ENROLLED:
        raise Conflict(f"the patient is {patient.status}: the calendar is closed")
    known = {anchor.name: anchor for anchor in frame.design.anchors}
    if name not in known or known[name].latest_of:
        names = ", ".join(one.name for one in known.values() if not one.latest_of)
        raise RuleViolation("anchor", name, f"no anchor has this name; there are: {names}")
    if day is None and name == held.ENROLMENT:
        raise RuleViolation("date", day, "the enrolment keeps its date; it can be corrected")
    if day is not None and day > frame.today + LONGEST_AHEAD:
        raise RuleViolation("date", day, f"more than a year after today, {frame.today}")
    return known[name]


def _write(
    writes: bulk.Writes,
    patient: Patient,
    there: There,
    name: str,
    day: Day | None,
    hour: str | None,
    happened: bool,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Bring the patient's anchors in line with the new date."""
    row = there.anchors.pop(name, None)
    if day is None:
        if row is not None:
            writes.session.execute(delete(AnchorDate).where(AnchorDate.id == row.id))
        return
    planned = row.planned_date if row is not None else None
    dates: tuple[Day | None, Day | None, str | None] = (planned, day, hour) if happened else (day, None, None)
    fresh = there.anchors[name] = AnchorRow(row.id if row is not None else 0, name, *dates, now, actor)
    if row is None:
        writes.insert(AnchorDate, AnchorRow._fields[1:], [fresh[1:]], {"patient_id": patient.id})
    else:
        writes.update(AnchorDate, AnchorRow._fields, [fresh])


def _shown(row: AnchorRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "planned": row.planned_date.isoformat() if row.planned_date else None,
        "actual": row.actual_date.isoformat() if row.actual_date else None,
        "time": row.actual_time,
        "by": row.recorded_by,
        "at": row.recorded_at.isoformat(),
    }


def _state(visit: VisitRow) -> dict[str, Any]:
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
