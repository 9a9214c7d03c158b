"""What a new plan changes among the visits a patient has: the one re-anchoring function.

A visit keeps its identity, (patient, code), whatever moves. What was booked by hand, completed or missed
never moves by itself: it is flagged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol, cast

from workflows.visits import Day, VisitStatus

if TYPE_CHECKING:
    from workflows.visit_calendar import PlannedVisit

OUT_OF_PLAN, NEW_WINDOW = "no longer in the plan", "the new window"
HELD = frozenset({VisitStatus.BOOKED, VisitStatus.COMPLETED, VisitStatus.MISSED})
_planned = attrgetter("date", "window_start", "window_end", "projected", "merged_into", "anchor")


class Existing(Protocol):
    """A visit as it stands in the record: an ExistingVisit, or a row.

    `date` is where it is now (booked, done or planned); the window is that of its last plan. `scheduled` is
    False for an unscheduled visit, which no plan knows.
    """

    @property
    def code(self) -> str: ...
    @property
    def date(self) -> Day: ...
    @property
    def window_start(self) -> Day: ...
    @property
    def window_end(self) -> Day: ...
    @property
    def status(self) -> str: ...
    @property
    def projected(self) -> bool: ...
    @property
    def merged_into(self) -> str | None: ...
    @property
    def flags(self) -> Sequence[str]: ...
    @property
    def anchor(self) -> str: ...
    @property
    def scheduled(self) -> bool: ...
    @property
    def ends_study(self) -> bool: ...


@dataclass(frozen=True)
class ExistingVisit:
    """An `Existing` value."""

    code: str
    date: Day
    window_start: Day
    window_end: Day
    status: VisitStatus = VisitStatus.PLANNED
    projected: bool = False
    merged_into: str | None = None
    flags: tuple[str, ...] = ()
    anchor: str = ""
    scheduled: bool = True
    ends_study: bool = False


@dataclass(frozen=True)
class Moved:
    code: str
    from_date: date
    to_date: date


@dataclass(frozen=True)
class Flagged:
    """A visit that a person should look at, and why."""

    code: str
    why: str


@dataclass(frozen=True)
class Diff:
    """What a new plan does to a patient's visits.

    `moved` change their date; `unchanged` are codes that do not; `flagged` stay where they are and need a
    person; `added` are new; `removed` are codes no longer planned, to be cancelled; `rewritten` are all
    planned visits whose record differs from the plan in any field (date, window, anchor, projection,
    merging, flags); `late` are codes whose window is over.
    """

    moved: tuple[Moved, ...] = ()
    unchanged: tuple[str, ...] = ()
    flagged: tuple[Flagged, ...] = ()
    added: tuple["PlannedVisit", ...] = ()
    removed: tuple[str, ...] = ()
    rewritten: tuple["PlannedVisit", ...] = ()
    late: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether applying it would change nothing."""
        return not (self.moved or self.flagged or self.added or self.removed or self.rewritten)


def replan(
    existing: Iterable["Existing | PlannedVisit"],
    planned: Iterable["PlannedVisit"],
    *,
    today: date | None = None,
) -> Diff:
    """The difference between the visits there are and the plan there should be.

    `existing` may hold PlannedVisits, taken as visits not yet touched by anyone. With `today` (local),
    `late` is filled.
    """
    there = {visit.code: as_existing(visit) for visit in existing}
    wanted = {visit.code: visit for visit in planned}
    ended = [v.date for v in there.values() if v.ends_study and v.status == VisitStatus.COMPLETED]
    end = min(ended) if ended else None
    if end is not None:
        wanted = {code: visit for code, visit in wanted.items() if visit.date <= end}
    moved: list[Moved] = []
    unchanged: list[str] = []
    flagged: list[Flagged] = []
    removed: list[str] = []
    rewritten: list[PlannedVisit] = []
    for code, visit in there.items():
        plan = wanted.get(code)
        if visit.status == VisitStatus.CANCELLED or not visit.scheduled:
            unchanged.append(code)
        elif visit.status in HELD:
            unchanged.append(code)
            why = _why_flagged(visit, plan, is_over=end is not None)
            if why:
                flagged.append(Flagged(code, why))
        elif plan is None:
            removed.append(code)
        else:
            if plan.date != visit.date:
                moved.append(Moved(code, visit.date, plan.date))
            else:
                unchanged.append(code)
            flagged.extend(Flagged(code, flag) for flag in plan.flags if flag not in visit.flags)
            if _differs(visit, plan):
                rewritten.append(plan)
    added = tuple(visit for code, visit in wanted.items() if code not in there)
    flagged.extend(Flagged(visit.code, flag) for visit in added for flag in visit.flags)
    late = _late(there, wanted, removed, today) if today else ()
    return Diff(tuple(moved), tuple(unchanged), tuple(flagged), added, tuple(removed), tuple(rewritten), late)


def as_existing(visit: "Existing | PlannedVisit") -> Existing:
    """A planned visit as an existing one that nobody has touched; an existing one as it is."""
    if hasattr(visit, "status"):
        return cast(Existing, visit)
    return ExistingVisit(
        code=visit.code,
        date=visit.date,
        window_start=visit.window_start,
        window_end=visit.window_end,
        projected=visit.projected,
        merged_into=visit.merged_into,
        flags=visit.flags,
        anchor=visit.anchor,
        ends_study=visit.ends_study,
    )


def is_plan_flag(flag: str) -> bool:
    """Whether a flag is the sentence that a changed plan put on a visit that stays."""
    return flag.endswith(OUT_OF_PLAN) or NEW_WINDOW in flag


def _why_flagged(visit: Existing, plan: "PlannedVisit | None", *, is_over: bool) -> str:
    """Why a visit that stays put needs a look; empty when its plan is what it was."""
    if plan is None:
        return (
            f"{visit.status} for {visit.date}, {OUT_OF_PLAN}"
            if visit.status == VisitStatus.BOOKED
            else ""
        )
    if (plan.window_start, plan.window_end) == (visit.window_start, visit.window_end):
        return ""
    inside = plan.window_start <= visit.date <= plan.window_end
    place = "inside" if inside else "outside"
    return f"{visit.status} on {visit.date}, {place} {NEW_WINDOW} {plan.window_start} to {plan.window_end}"


def _differs(visit: Existing, plan: "PlannedVisit") -> bool:
    return _planned(visit) != _planned(plan) or tuple(visit.flags) != plan.flags


def _late(
    there: dict[str, Existing], wanted: dict[str, "PlannedVisit"], removed: list[str], today: date
) -> tuple[str, ...]:
    open_still = (VisitStatus.PLANNED, VisitStatus.BOOKED)
    closed = {code for code, visit in there.items() if visit.status not in open_still} | set(removed)
    return tuple(code for code, plan in wanted.items() if code not in closed and plan.window_end < today)
