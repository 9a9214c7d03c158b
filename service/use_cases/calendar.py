"""A patient's calendar as rows: planned from the design and the anchors, re-planned without losing
anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.models import CalendarRevision, Patient, Visit
from service.use_cases import (
    appointments,
    bulk,
    calendar_questions,
    calendar_reminders,
    calendar_rows,
    calendar_stops,
    calendar_there,
    conflicts,
    studies,
)
from service.use_cases.calendar_frame import Frame
from service.use_cases.calendar_rows import ENDED, NOT_PLANNED, VisitRow
from service.use_cases.calendar_there import AnchorRow, There, look
from workflows import anchors as anchor_rules
from workflows.enrolment import PatientStatus
from workflows.protocol import DayRef, StudyDesign
from workflows.replanning import Diff
from workflows.visit_calendar import PlannedVisit, plan_resolved, replan
from workflows.visits import VisitStatus

OPEN = (VisitStatus.PLANNED.value, VisitStatus.BOOKED.value)
Anchors = Mapping[str, anchor_rules.AnchorDate]
Settle = Callable[[bulk.Writes, Mapping[str, VisitRow]], None]
# Put together once: building a statement costs more than the database takes to answer it.
VISITS = select(Visit).where(Visit.patient_id == bindparam("patient")).order_by(Visit.date, Visit.id)


def recorded(design: StudyDesign, there: There) -> dict[str, anchor_rules.AnchorDate]:
    """The anchors that have dates of their own, and those whose visit was cancelled: they are skipped."""
    found = {name: as_rule(row) for name, row in there.anchors.items()}
    given_up = cancelled_by_hand(there.visits)
    for anchor in design.anchors if given_up else ():
        own = found.get(anchor.name)
        if anchor.recorded_by in given_up and (own is None or own.actual is None):
            found[anchor.name] = anchor_rules.AnchorDate(anchor.name, skipped=True)
    return found


def cancelled_by_hand(visits: Iterable[VisitRow]) -> frozenset[str]:
    """Codes that a person cancelled: planning leaves them out. What planning itself cancelled may come
    back.
    """
    cancelled = (visit for visit in visits if visit.status == VisitStatus.CANCELLED)
    return frozenset(visit.code for visit in cancelled if not is_left_by_plan(visit))


def is_left_by_plan(visit: Visit | VisitRow) -> bool:
    """Whether the visit was cancelled because the plan no longer had it, or the patient had left."""
    return visit.status == VisitStatus.CANCELLED and bool({NOT_PLANNED, ENDED} & set(visit.flags))


def as_rule(row: AnchorRow) -> anchor_rules.AnchorDate:
    """A stored anchor as the rules take it."""
    at = time.fromisoformat(row.actual_time) if row.actual_time else None
    return anchor_rules.AnchorDate(row.name, planned=row.planned_date, actual=row.actual_date, actual_time=at)


def anchor_dates(session: Session, patient: Patient) -> dict[str, anchor_rules.AnchorDate]:
    """Every anchor of the patient's design: recorded where it is, else projected."""
    design = studies.design_for(session, patient)
    known = recorded(design, calendar_there.read_plan(session, patient))
    return anchor_rules.resolve_anchors(design, known, patient.timezone)


def day_of(session: Session, patient: Patient, ref: DayRef) -> date | None:
    """The local day that `ref` means for this patient; None while its anchor has no date."""
    return anchor_rules.day_of(anchor_dates(session, patient), ref)


def visits_of(session: Session, patient: Patient) -> list[Visit]:
    """Every visit, by date and code."""
    return list(session.scalars(VISITS, {"patient": patient.id}))


def plan(session: Session, patient: Patient, *, now: datetime) -> tuple[PlannedVisit, ...]:
    """What the calendar should be now."""
    frame, there = look(session, patient, now=now, only_plan=True)
    return _plan(frame, there.visits, resolved(frame, there))


def resolved(frame: Frame, there: There) -> dict[str, anchor_rules.AnchorDate]:
    """Every anchor of the design: recorded where it is, else projected."""
    return anchor_rules.resolve_anchors(frame.design, recorded(frame.design, there), frame.zone)


def _plan(frame: Frame, visits: Iterable[VisitRow], anchors: Anchors) -> tuple[PlannedVisit, ...]:
    return plan_resolved(
        frame.design, anchors, frame.closed, today=frame.today, without=cancelled_by_hand(visits)
    )


def _difference(frame: Frame, visits: Sequence[VisitRow], anchors: Anchors) -> Diff:
    existing = [visit for visit in visits if not is_left_by_plan(visit)]
    for visit in existing:
        visit.ends_study = visit.code in frame.design.ends
    return replan(existing, _plan(frame, visits, anchors), today=frame.today)


def refresh(
    session: Session, patient: Patient, *, now: datetime, settle: Settle | None = None, is_new: bool = False
) -> dict[str, Any]:
    """Plan anew and bring visits, reminders and questionnaires in line; the diff of design 6.

    Visits keep their identity and their rows; what is no longer planned is cancelled, not deleted, and
    comes back as the same row. A patient who has left has nothing planned. `is_new`: nothing is planned yet.
    """
    if patient.status != PatientStatus.ENROLLED:
        return as_dict(Diff()) | {"messages_cancelled": 0, "messages_retimed": 0, "conflicts": []}
    frame, there = look(session, patient, now=now, only_plan=is_new)
    writes = bulk.Writes(session)
    diff = bring_in_line(writes, patient, there, frame, resolved(frame, there), now=now, settle=settle)
    writes.flush()
    return diff


def bring_in_line(
    writes: bulk.Writes,
    patient: Patient,
    there: There,
    frame: Frame,
    anchors: Anchors,
    *,
    now: datetime,
    settle: Settle | None = None,
) -> dict[str, Any]:
    """`refresh` for a patient in the study, by `anchors` (resolved); the caller flushes `writes`.

    `settle` is called with the writes and the visits by code, between visits and reminders.
    """
    session, visits = writes.session, there.visits
    diff = _difference(frame, visits, anchors)
    visits += calendar_rows.apply(session, patient, diff, {visit.code: visit for visit in visits}, now=now)
    visits.sort(key=attrgetter("date", "id"))
    calendar_rows.rename(frame.design, visits, now=now)
    if settle is not None:
        settle(writes, {visit.code: visit for visit in visits})
    calendar_rows.write(writes, visits)
    what: dict[str, Any] = {"frame": frame, "anchors": anchors, "now": now}
    told, reminders = _remind(writes, patient, there, moved={one.code for one in diff.moved}, **what)
    questions = calendar_questions.sync(writes, patient, there.questions, **what)
    calendar_stops.sync(writes, patient, there.stops, **what)
    counted = [(patient.id, patient.revision + 1)]
    writes.update(Patient, ("id", "revision"), counted, versions=[patient.version_id])
    shown = as_dict(diff)
    return shown | {
        "messages_cancelled": told + reminders["cancelled"] + questions["cancelled"],
        "messages_retimed": reminders["retimed"] + questions["retimed"],
        "conflicts": conflicts.after(writes, patient, visits, shown, frame=frame),
    }


def remind(session: Session, patient: Patient, *, moved: Collection[str] = (), now: datetime) -> None:
    """The reminders alone in line with the visits, where the plan is what it was; those in `moved` have other times."""
    (frame, there), writes = look(session, patient, now=now), bulk.Writes(session)
    _remind(writes, patient, there, moved=moved, frame=frame, anchors=resolved(frame, there), now=now)
    writes.flush()


def _remind(
    writes: bulk.Writes, patient: Patient, there: There, *, moved: Collection[str], now: datetime, **what: Any
) -> tuple[int, dict[str, int]]:
    changed = [one for one in there.visits if one.code in moved]
    told = appointments.tell_moved(writes.session, patient, there.told, changed, now=now)
    return told, calendar_reminders.sync(
        writes, patient, there.reminders, there.visits, moved=moved, now=now, **what
    )


def as_dict(diff: Diff) -> dict[str, Any]:
    """The diff as the API and the preview show it; dates as ISO text."""
    return {
        "moved": [
            {"code": one.code, "from": one.from_date.isoformat(), "to": one.to_date.isoformat()}
            for one in diff.moved
        ],
        "unchanged": list(diff.unchanged),
        "flagged": [{"code": one.code, "why": one.why} for one in diff.flagged],
        "added": [one.code for one in diff.added],
        "removed": list(diff.removed),
        "late": list(diff.late),
    }


def end(session: Session, patient: Patient, *, reason: str, now: datetime) -> None:
    """The patient has left: open visits and what reminds of them are cancelled."""
    visits = calendar_there.read_plan(session, patient).visits
    for visit in visits:
        if visit.status in OPEN:
            visit.status, visit.updated_at = VisitStatus.CANCELLED.value, now
            visit.flags = [*visit.flags, ENDED]
            visit.sequence += 1
    writes = bulk.Writes(session)
    calendar_rows.write(writes, visits)
    writes.flush()
    calendar_reminders.cancel_all(session, patient, reason=reason)
    calendar_stops.cancel_all(session, patient, reason=reason, now=now)


def as_rows(session: Session, patient: Patient) -> list[dict[str, Any]]:
    """The calendar as design 6 has it, with each visit's id, status, booking, completion and etag."""
    rows = []
    for visit in visits_of(session, patient):
        if visit.status == VisitStatus.CANCELLED and NOT_PLANNED in visit.flags:
            continue
        rows.append(
            {
                "id": visit.id,
                "code": visit.code,
                "label": visit.label.get("en") or next(iter(visit.label.values()), visit.code),
                "anchor": visit.anchor,
                "date": visit.date.isoformat(),
                "window_start": visit.window_start.isoformat(),
                "window_end": visit.window_end.isoformat(),
                "projected": visit.projected,
                "merged_into": visit.merged_into,
                "flags": list(visit.flags),
                "status": visit.status,
                "booked_at": visit.booked_at.isoformat() if visit.booked_at else None,
                "completed_on": visit.completed_on.isoformat() if visit.completed_on else None,
                "etag": f'"{visit.version_id}"',
            }
        )
    return rows


def last_revision(session: Session, patient: Patient) -> CalendarRevision | None:
    """The newest change of the calendar that was not taken back; None where there is none."""
    return session.scalars(
        select(CalendarRevision)
        .where(CalendarRevision.patient_id == patient.id, CalendarRevision.undone_at.is_(None))
        .order_by(CalendarRevision.number.desc())
        .limit(1)
    ).first()
