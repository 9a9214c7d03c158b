"""The calendar's part of a study design: anchors, timings, encounters, reminders, stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum


class Setting(StrEnum):
    """Where a visit takes place. Only `clinic` visits avoid closed days."""

    CLINIC = "clinic"
    INPATIENT = "inpatient"
    PHONE = "phone"


@dataclass(frozen=True)
class DayRef:
    """A day counted from an anchor: `offset` calendar days after it (negative: before)."""

    anchor: str
    offset: int = 0


@dataclass(frozen=True)
class Timing:
    """When an encounter is due.

    `anchor` is an anchor's name, `offset` whole calendar days from it. `before` and `after` are the window in
    days, inclusive, both >= 0 (a USDM study's window may end before the day: `after` < 0). `not_before` is a
    floor: never earlier than that day (the window shrinks too).
    `steps` are (calendar months, days) taken one after the other from the anchor, where a USDM study counts
    in months; they stand in for `offset` when there are any.
    """

    anchor: str
    offset: int = 0
    before: int = 0
    after: int = 0
    not_before: DayRef | None = None
    steps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Anchor:
    """A dated event that visits hang on.

    `default` projects the anchor while it has no date of its own (atg_start: enrolment + 7).
    `optional` anchors (infusion_3..5) are projected only up to `planned` of the study's setting.
    `recorded_by` is the encounter whose completion dates the anchor, where there is one (INF1 -> infusion_1).
    `not_before`: an earlier actual date is refused. `previous`: the anchor to count from when this one was
    skipped.
    `latest_of`: derived, the latest of these that has happened (before that: the first one's projection).
    """

    name: str
    label: Mapping[str, str]
    default: DayRef | None = None
    optional: bool = False
    recorded_by: str | None = None
    not_before: DayRef | None = None
    previous: str = ""
    latest_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedWhen:
    """An optional encounter is planned when the study's `setting` is at least this number."""

    setting: str
    at_least: int


@dataclass(frozen=True)
class ClosedDayRule:
    """Days on which no clinic visit is held: weekends, a country's public holidays, and `extra` days."""

    country: str = ""
    subdivision: str = ""
    weekends: bool = True
    extra: tuple[date, ...] = ()


@dataclass(frozen=True)
class VisitReminder:
    """A message that hangs on a visit.

    `days` from the visit's date (-1: the day before; +1: the day after), at local time `at`; or, when
    `hours` is set, so
    many hours after the visit's anchor happened (its time of day where known, else the clinic hour).
    `only` is "missed" for the reminder that goes out when the visit was missed, "" otherwise.
    """

    template: str
    days: int = 0
    at: time = time(10, 0)
    hours: int | None = None
    only: str = ""


@dataclass(frozen=True)
class Encounter:
    """A planned visit. Its identity with a patient is (patient, `code`), never a date."""

    code: str
    label: Mapping[str, str]
    timing: Timing | None  # None: unscheduled, never planned
    setting: Setting = Setting.CLINIC
    dosing: bool = False  # dosing visits never merge with each other
    optional: bool = False  # planned only as far as the study's setting says
    needs_actual: bool = False  # planned only once its anchor has an actual date ("previous actual infusion")
    epoch: str = ""
    reminders: tuple[VisitReminder, ...] = ()
    labs: tuple[str, ...] = ()
    ends_study: bool = False
    planned_when: PlannedWhen | None = None


@dataclass(frozen=True)
class Stop:
    """Stops projecting `codes` when `anchor` has no actual date by `by`; raises a task of kind `task`."""

    id: str
    anchor: str
    by: DayRef
    codes: tuple[str, ...]
    task: str
