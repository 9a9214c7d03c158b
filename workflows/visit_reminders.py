"""Which messages hang on a visit, and at which instant each goes out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from workflows.anchors import AnchorDate, Zone, zone_of
from workflows.protocol import StudyDesign, VisitReminder
from workflows.visits import Day

TROUGH = "csa_trough"
PLAIN, WITH_TROUGH = "visit_1d", "visit_1d_trough"


class Reminded(Protocol):
    """Anything with what a visit's reminders hang on: a planned visit, or a row."""

    @property
    def code(self) -> str: ...
    @property
    def anchor(self) -> str: ...
    @property
    def date(self) -> Day: ...
    @property
    def merged_into(self) -> str | None: ...


class ReminderDue(NamedTuple):
    """`at` is an aware UTC instant. `key` is stable for (visit, reminder): the same one is never sent
    twice.

    `only` is "missed" for one that goes out only once the visit was missed.
    """

    at: datetime
    key: str
    template: str
    only: str = ""


def local_instant(day: date, at: time, zone: Zone) -> datetime:
    """The UTC instant of a local wall time. A time that the clock skips is moved forward by the skipped
    hour; of a time that comes twice, the first.
    """
    return _instant(day, at.replace(fold=0) if at.fold else at, zone_of(zone))


@lru_cache(maxsize=16384)  # patients of one zone are reminded on the same days
def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def due_reminders(
    design: StudyDesign,
    visit: Reminded,
    anchor_dates: Mapping[str, AnchorDate],
    zone: Zone,
    clinic_hour: time,
    *,
    members: tuple[str, ...] = (),
) -> tuple[ReminderDue, ...]:
    """The reminders of one appointment, by instant; `members` are the codes of what is held with it.

    A visit merged into another has none: the appointment it is part of has them. `anchor_dates` are
    resolved; `clinic_hour` (local) stands in for an event's unknown time of day. A reminder in hours waits
    until its event has happened. Instants in the past are given too: the caller knows the time.
    """
    if visit.merged_into is not None:
        return ()
    due, place = [], zone_of(zone)
    for reminder, template, key in _reminders(design, visit.code, members):
        if reminder.hours is None:
            at = local_instant(visit.date + timedelta(days=reminder.days), reminder.at, place)
            due.append(ReminderDue(at, key, template, reminder.only))
        elif (happened := _happened(visit, anchor_dates, place, clinic_hour)) is not None:
            due.append(ReminderDue(happened + timedelta(hours=reminder.hours), key, template, reminder.only))
    return tuple(sorted(due))


def _reminders(
    design: StudyDesign, code: str, members: tuple[str, ...]
) -> tuple[tuple[VisitReminder, str, str], ...]:
    """An appointment's reminders with template and key: equal for every patient of the design, so made once."""
    known = design.reminders_of
    if (code, members) not in known:
        known[code, members] = tuple(
            (reminder, _template(design, (code, *members), reminder.template), _key(code, reminder))
            for reminder in _own(design, code, members)
        )
    return known[code, members]


def _own(design: StudyDesign, code: str, members: tuple[str, ...]) -> tuple[VisitReminder, ...]:
    """The appointment's own reminders, and the follow-up after a missed visit of any member that has one."""
    own = list(design.encounter(code).reminders)
    slots = {(reminder.days, reminder.hours, reminder.only) for reminder in own}
    for member in members:
        for reminder in design.encounter(member).reminders:
            slot = (reminder.days, reminder.hours, reminder.only)
            if slot not in slots and (reminder.only or not own):
                own.append(reminder)
                slots.add(slot)
    return tuple(own)


def _happened(
    visit: Reminded, anchor_dates: Mapping[str, AnchorDate], zone: ZoneInfo, clinic_hour: time
) -> datetime | None:
    """When the visit's anchor took place; None while it has not."""
    anchor = anchor_dates.get(visit.anchor)
    if anchor is None or anchor.actual is None:
        return None
    return local_instant(anchor.actual, anchor.actual_time or clinic_hour, zone)


def _template(design: StudyDesign, codes: tuple[str, ...], template: str) -> str:
    """The reminder that says not to take the morning dose, when any part of the appointment measures its
    level.
    """
    if template != PLAIN:
        return template
    return WITH_TROUGH if any(TROUGH in design.encounter(code).labs for code in codes) else template


def _key(code: str, reminder: VisitReminder) -> str:
    moment = f"{reminder.hours:+d}h" if reminder.hours is not None else f"{reminder.days:+d}d"
    return f"{code}:{moment}:{reminder.only}" if reminder.only else f"{code}:{moment}"
