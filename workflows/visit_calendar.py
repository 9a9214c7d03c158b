"""From a study design and a patient's dates to her visits. What changes when a date changes is in
`replanning`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import NamedTuple

from workflows.anchors import (
    AnchorDate,
    AnchorValue,
    Zone,
    counted_from,
    day_of,
    due_stops,
    is_skipped,
    resolve_anchors,
    shift,
)
from workflows.protocol import Encounter, Setting, StudyDesign, Timing
from workflows.replanning import Diff, ExistingVisit, Flagged, Moved, replan
from workflows.visits import Day

__all__ = [
    "ClosedDaysLike",
    "Diff",
    "ExistingVisit",
    "Flagged",
    "Moved",
    "PlannedVisit",
    "plan_resolved",
    "plan_visits",
    "replan",
]

ClosedDaysLike = Container[date] | Callable[[date], bool] | None

CLOSED_DAY = "closed_day"
OUTSIDE_WINDOW = "outside_window"
BEFORE_ENROLMENT = "before_enrolment"
AFTER_END = "after_end_of_study"


class PlannedVisit(NamedTuple):
    """One visit of one patient's plan. Its identity is (patient, `code`).

    `date` and the inclusive window are local calendar days. `projected`: the anchor has no actual date yet.
    `merged_into`: the code of the appointment that this visit is part of; `members`: the codes merged into
    this one. `window_start` and `window_end` stay on the nominal day when `date` moved off a closed day.
    `flags`: closed_day, outside_window, before_enrolment, after_end_of_study.
    """

    code: str
    label: Mapping[str, str]
    anchor: str
    date: Day
    window_start: Day
    window_end: Day
    projected: bool
    merged_into: str | None = None
    flags: tuple[str, ...] = ()
    setting: Setting = Setting.CLINIC
    members: tuple[str, ...] = ()
    ends_study: bool = False


@dataclass(slots=True)
class _Draft:
    """A visit while it is being planned; `settled`: it has an actual date, and nothing shifts it."""

    encounter: Encounter
    anchor: str
    date: Day
    window_start: Day
    window_end: Day
    projected: bool
    settled: bool
    ends_study: bool
    merged_into: str | None = None
    members: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        return self.encounter.code

    def finished(self) -> PlannedVisit:
        return PlannedVisit(
            code=self.encounter.code,
            label=MappingProxyType(self.encounter.label),
            anchor=self.anchor,
            date=self.date,
            window_start=self.window_start,
            window_end=self.window_end,
            projected=self.projected,
            merged_into=self.merged_into,
            flags=self.flags,
            setting=self.encounter.setting,
            members=self.members,
            ends_study=self.ends_study,
        )


def plan_visits(
    design: StudyDesign,
    anchors: Mapping[str, AnchorValue],
    zone: Zone,
    closed_days: ClosedDaysLike = None,
    *,
    today: date | None = None,
    without: Container[str] = frozenset(),
) -> tuple[PlannedVisit, ...]:
    """Every visit that can be dated, by date and then in protocol order.

    `anchors` maps anchor names to actual dates or AnchorDates; `zone` is the patient's; `closed_days` are
    the days without clinic visits, as a container or a function. With `today`, visits that a stop of the
    study ends (no infusion by day 28) are left out, as are the codes in `without`. Raises RuleViolation for
    anchors that cannot be.
    """
    return plan_resolved(design, resolve_anchors(design, anchors, zone), closed_days, today=today, without=without)


def plan_resolved(
    design: StudyDesign,
    resolved: Mapping[str, AnchorDate],
    closed_days: ClosedDaysLike = None,
    *,
    today: date | None = None,
    without: Container[str] = frozenset(),
) -> tuple[PlannedVisit, ...]:
    """`plan_visits` for anchors that `resolve_anchors` gave."""
    stopped = {code for stop in due_stops(design, resolved, today) for code in stop.codes} if today else set()
    own_anchors = {anchor.recorded_by: anchor.name for anchor in reversed(design.anchors) if anchor.recorded_by}
    sources: dict[str, AnchorDate] = {}
    visits = []
    for encounter in design.encounters:
        timing = encounter.timing
        if timing is None or encounter.code in stopped or encounter.code in without:
            continue
        if timing.anchor not in sources:
            sources[timing.anchor] = resolved[counted_from(design, resolved, timing.anchor)]
        own = own_anchors.get(encounter.code)
        visit = _plan_one(design, encounter, timing, sources[timing.anchor], own, resolved)
        if visit is not None:
            visits.append(visit)
    if design.merge:
        _merge(visits)
    _shift_off_closed_days(visits, _closed_test(closed_days))
    _flag(design, resolved, visits)
    visits.sort(key=lambda visit: visit.date)  # of one day, in protocol order
    return tuple(visit.finished() for visit in visits)


def _plan_one(
    design: StudyDesign,
    encounter: Encounter,
    timing: Timing,
    source: AnchorDate,
    own_name: str | None,
    anchors: Mapping[str, AnchorDate],
) -> _Draft | None:
    """`own_name`: the anchor that this visit's own taking place dates (INF1: infusion_1)."""
    own = anchors[own_name] if own_name is not None else None
    if own is not None and is_skipped(design, anchors, own.name):
        return None
    if not _is_wanted(design, encounter, own):
        return None
    base = source.date
    if base is None or (encounter.needs_actual and not source.is_actual):
        return None
    nominal, start, end = _window(timing, base, anchors)
    settled = own is not None and own.is_actual
    fixed = (own.actual or own.planned) if own is not None else None
    return _Draft(
        encounter=encounter,
        anchor=source.name,
        date=fixed or nominal,
        window_start=start,
        window_end=end,
        projected=not (source.is_actual or settled),
        settled=settled,
        ends_study=encounter.ends_study,
    )


def _is_wanted(design: StudyDesign, encounter: Encounter, own: AnchorDate | None) -> bool:
    """An optional visit is planned as far as the study's setting says, or once it has a date of its own."""
    when = encounter.planned_when
    if when is None:
        return True
    if own is not None and (own.actual or own.planned):
        return True
    return int(design.settings.get(when.setting, 0)) >= when.at_least


def _window(timing: Timing, base: date, anchors: Mapping[str, AnchorDate]) -> tuple[date, date, date]:
    nominal = shift(base, timing)
    start, end = nominal - timedelta(days=timing.before), nominal + timedelta(days=timing.after)
    floor = day_of(anchors, timing.not_before) if timing.not_before else None
    if floor is not None:
        nominal, start, end = max(nominal, floor), max(start, floor), max(end, floor)
    return nominal, start, end


def _merge(visits: Iterable[_Draft]) -> None:
    """Visits of one day become one appointment: the first in protocol order, with the narrowest window."""
    days: dict[date, list[list[_Draft]]] = {}
    for visit in visits:
        groups = days.setdefault(visit.date, [])
        doses = visit.encounter.dosing
        for group in groups:
            if not (doses and any(member.encounter.dosing for member in group)):
                group.append(visit)
                break
        else:
            groups.append([visit])
    for groups in days.values():
        for first, *others in groups:
            if not others:
                continue
            narrow = min((first, *others), key=lambda visit: visit.window_end - visit.window_start)
            first.window_start, first.window_end = narrow.window_start, narrow.window_end
            first.members = tuple(member.code for member in others)
            first.ends_study = first.ends_study or any(member.ends_study for member in others)
            first.settled = first.settled or any(member.settled for member in others)
            for member in others:
                member.merged_into = first.code


def _closed_test(closed_days: ClosedDaysLike) -> Callable[[date], bool]:
    if closed_days is None:
        return lambda day: False
    if isinstance(closed_days, Container):
        container = closed_days
        return lambda day: day in container
    return closed_days


def _shift_off_closed_days(visits: Iterable[_Draft], is_closed: Callable[[date], bool]) -> None:
    """Clinic appointments move to the nearest open day of their window (of two, the later), else they are
    flagged.
    """
    moved: dict[str, date] = {}
    for visit in visits:
        is_appointment = visit.merged_into is None and visit.encounter.setting is Setting.CLINIC
        if is_appointment and is_closed(visit.date):
            day = None if visit.settled else _nearest_open(visit, is_closed)
            if day is None:
                visit.flags = (*visit.flags, CLOSED_DAY)
            else:
                moved[visit.code] = visit.date = day
    for visit in visits:
        if visit.merged_into in moved:
            visit.date = moved[visit.merged_into]


def _nearest_open(visit: _Draft, is_closed: Callable[[date], bool]) -> date | None:
    furthest = max(visit.window_end - visit.date, visit.date - visit.window_start)
    for distance in range(1, furthest.days + 1):
        for day in (visit.date + timedelta(days=distance), visit.date - timedelta(days=distance)):
            if visit.window_start <= day <= visit.window_end and not is_closed(day):
                return day
    return None


def _flag(design: StudyDesign, anchors: Mapping[str, AnchorDate], visits: Iterable[_Draft]) -> None:
    end = max((visit.date for visit in visits if visit.ends_study), default=None)
    entry = design.anchors[0]
    entered = anchors[entry.name].date if entry.recorded_by else None
    for visit in visits:
        if not visit.window_start <= visit.date <= visit.window_end:
            visit.flags = (*visit.flags, OUTSIDE_WINDOW)
        if entered is not None and visit.date < entered:
            visit.flags = (*visit.flags, BEFORE_ENROLMENT)
        if end is not None and visit.date > end:
            visit.flags = (*visit.flags, AFTER_END)
