"""Which messages hang on a visit, and at which instant each goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from workflows.anchors import AnchorDate, Zone, zone_of
from workflows.protocol import StudyDesign, VisitReminder
from workflows.visit_calendar import PlannedVisit

TROUGH = "csa_trough"
PLAIN, WITH_TROUGH = "visit_1d", "visit_1d_trough"


@dataclass(frozen=True)
class ReminderDue:
    """`at` is an aware UTC instant. `key` is stable for (visit, reminder): the same one is never sent
    twice.

    `only` is "missed" for one that goes out only once the visit was missed.
    """

    template: str
    at: datetime
    key: str
    only: str = ""


def local_instant(day: date, at: time, zone: Zone) -> datetime:
    """The UTC instant of a local wall time. A time that the clock skips is moved forward by the skipped
    hour; of a time that comes twice, the first.
    """
    place: ZoneInfo = zone_of(zone)
    return datetime.combine(day, at.replace(fold=0), tzinfo=place).astimezone(UTC)


def due_reminders(
    design: StudyDesign,
    visit: PlannedVisit,
    anchor_dates: Mapping[str, AnchorDate],
    zone: Zone,
    clinic_hour: time,
) -> tuple[ReminderDue, ...]:
    """The reminders of one appointment, by instant.

    A visit merged into another has none: the appointment it is part of has them. `anchor_dates` are
    resolved; `clinic_hour` (local) stands in for an event's unknown time of day. A reminder in hours waits
    until its event has happened. Instants in the past are given too: the caller knows the time.
    """
    if visit.merged_into is not None:
        return ()
    due = []
    for reminder in _reminders(design, visit):
        at = _instant(visit, reminder, anchor_dates, zone, clinic_hour)
        if at is not None:
            template = _template(design, visit, reminder.template)
            due.append(ReminderDue(template, at, _key(visit.code, reminder), reminder.only))
    return tuple(sorted(due, key=lambda one: (one.at, one.key)))


def _reminders(design: StudyDesign, visit: PlannedVisit) -> tuple[VisitReminder, ...]:
    """The appointment's own reminders, and the follow-up after a missed visit of any member that has one."""
    own = list(design.encounter(visit.code).reminders)
    slots = {(reminder.days, reminder.hours, reminder.only) for reminder in own}
    for code in visit.members:
        for reminder in design.encounter(code).reminders:
            slot = (reminder.days, reminder.hours, reminder.only)
            if slot not in slots and (reminder.only or not own):
                own.append(reminder)
                slots.add(slot)
    return tuple(own)


def _instant(
    visit: PlannedVisit,
    reminder: VisitReminder,
    anchor_dates: Mapping[str, AnchorDate],
    zone: Zone,
    clinic_hour: time,
) -> datetime | None:
    if reminder.hours is None:
        return local_instant(visit.date + timedelta(days=reminder.days), reminder.at, zone)
    anchor = anchor_dates.get(visit.anchor)
    if anchor is None or anchor.actual is None:
        return None
    happened = local_instant(anchor.actual, anchor.actual_time or clinic_hour, zone)
    return happened + timedelta(hours=reminder.hours)


def _template(design: StudyDesign, visit: PlannedVisit, template: str) -> str:
    """The reminder that says not to take the morning dose, when any part of the appointment measures its
    level.
    """
    if template != PLAIN:
        return template
    measured = any(TROUGH in design.encounter(code).labs for code in (visit.code, *visit.members))
    return WITH_TROUGH if measured else template


def _key(code: str, reminder: VisitReminder) -> str:
    moment = f"{reminder.hours:+d}h" if reminder.hours is not None else f"{reminder.days:+d}d"
    return f"{code}:{moment}:{reminder.only}" if reminder.only else f"{code}:{moment}"
