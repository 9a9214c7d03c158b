"""From a study design and a patient's dates to her visits. What changes when a date changes is in
`replanning`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import MappingProxyType

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
    "plan_visits",
    "replan",
]

ClosedDaysLike = Container[date] | Callable[[date], bool] | None

CLOSED_DAY = "closed_day"
OUTSIDE_WINDOW = "outside_window"
BEFORE_ENROLMENT = "before_enrolment"
AFTER_END = "after_end_of_study"


@dataclass(frozen=True)
class PlannedVisit:
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
    settled: bool = field(default=False, compare=False)  # it has an actual date: nothing shifts it


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
    resolved = resolve_anchors(design, anchors, zone)
    stopped = {code for stop in due_stops(design, resolved, today) for code in stop.codes} if today else set()
    order = {encounter.code: place for place, encounter in enumerate(design.encounters)}
    visits = []
    for encounter in design.encounters:
        left_out = encounter.code in stopped or encounter.code in without
        visit = None if left_out else _plan_one(design, encounter, resolved)
        if visit is not None:
            visits.append(visit)
    if design.merge:
        visits = _merge(design, visits)
    visits = _shift_off_closed_days(visits, _closed_test(closed_days))
    visits = _flag(design, resolved, visits)
    return tuple(sorted(visits, key=lambda visit: (visit.date, order[visit.code])))


def _plan_one(
    design: StudyDesign, encounter: Encounter, anchors: Mapping[str, AnchorDate]
) -> PlannedVisit | None:
    timing = encounter.timing
    if timing is None:
        return None
    own = _own_anchor(design, encounter, anchors)
    if own is not None and is_skipped(design, anchors, own.name):
        return None
    if not _is_wanted(design, encounter, own):
        return None
    source = anchors[counted_from(design, anchors, timing.anchor)]
    if source.date is None or (encounter.needs_actual and not source.is_actual):
        return None
    nominal, start, end = _window(timing, source.date, anchors)
    settled = own is not None and own.is_actual
    fixed = (own.actual or own.planned) if own is not None else None
    return PlannedVisit(
        code=encounter.code,
        label=MappingProxyType(dict(encounter.label)),
        anchor=source.name,
        date=fixed or nominal,
        window_start=start,
        window_end=end,
        projected=not (source.is_actual or settled),
        setting=encounter.setting,
        ends_study=encounter.ends_study,
        settled=settled,
    )


def _own_anchor(
    design: StudyDesign, encounter: Encounter, anchors: Mapping[str, AnchorDate]
) -> AnchorDate | None:
    """The anchor that this visit's own taking place dates (INF1: infusion_1)."""
    names = [anchor.name for anchor in design.anchors if anchor.recorded_by == encounter.code]
    return anchors[names[0]] if names else None


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


def _merge(design: StudyDesign, visits: list[PlannedVisit]) -> list[PlannedVisit]:
    """Visits of one day become one appointment: the first in protocol order, with the narrowest window."""
    dosing = {encounter.code for encounter in design.encounters if encounter.dosing}
    groups: list[list[PlannedVisit]] = []
    for visit in visits:
        for group in groups:
            both_dose = visit.code in dosing and any(member.code in dosing for member in group)
            if group[0].date == visit.date and not both_dose:
                group.append(visit)
                break
        else:
            groups.append([visit])
    merged = []
    for group in groups:
        first = group[0]
        narrow = min(group, key=lambda visit: visit.window_end - visit.window_start)
        merged.append(
            replace(
                first,
                window_start=narrow.window_start,
                window_end=narrow.window_end,
                members=tuple(member.code for member in group[1:]),
                ends_study=any(member.ends_study for member in group),
                settled=any(member.settled for member in group),
            )
        )
        merged.extend(replace(member, merged_into=first.code) for member in group[1:])
    return merged


def _closed_test(closed_days: ClosedDaysLike) -> Callable[[date], bool]:
    if closed_days is None:
        return lambda day: False
    if isinstance(closed_days, Container):
        container = closed_days
        return lambda day: day in container
    return closed_days


def _shift_off_closed_days(
    visits: list[PlannedVisit], is_closed: Callable[[date], bool]
) -> list[PlannedVisit]:
    """Clinic appointments move to the nearest open day of their window (of two, the later), else they are
    flagged.
    """
    moved: dict[str, date] = {}
    shifted = []
    for visit in visits:
        if visit.merged_into is None and visit.setting is Setting.CLINIC and is_closed(visit.date):
            day = None if visit.settled else _nearest_open(visit, is_closed)
            if day is None:
                visit = replace(visit, flags=(*visit.flags, CLOSED_DAY))
            else:
                moved[visit.code] = day
                visit = replace(visit, date=day)
        shifted.append(visit)
    return [
        replace(visit, date=moved[visit.merged_into]) if visit.merged_into in moved else visit
        for visit in shifted
    ]


def _nearest_open(visit: PlannedVisit, is_closed: Callable[[date], bool]) -> date | None:
    furthest = max(visit.window_end - visit.date, visit.date - visit.window_start)
    for distance in range(1, furthest.days + 1):
        for day in (visit.date + timedelta(days=distance), visit.date - timedelta(days=distance)):
            if visit.window_start <= day <= visit.window_end and not is_closed(day):
                return day
    return None


def _flag(
    design: StudyDesign, anchors: Mapping[str, AnchorDate], visits: list[PlannedVisit]
) -> list[PlannedVisit]:
    ends = [visit.date for visit in visits if visit.ends_study]
    entry = design.anchors[0]
    entered = anchors[entry.name].date if entry.recorded_by else None
    flagged = []
    for visit in visits:
        flags = list(visit.flags)
        if not visit.window_start <= visit.date <= visit.window_end:
            flags.append(OUTSIDE_WINDOW)
        if entered is not None and visit.date < entered:
            flags.append(BEFORE_ENROLMENT)
        if ends and visit.date > max(ends):
            flags.append(AFTER_END)
        flagged.append(replace(visit, flags=tuple(flags)))
    return flagged
