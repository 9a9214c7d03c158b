"""When a questionnaire is open to a patient: upcoming -> open -> answered | late | missed | paused.

Hours are wall-clock hours where the patient lives; every instant returned is aware UTC. A day the clocks
change has 23 or 25 hours, and an opening hour that does not exist that day moves to the first one that does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Protocol, TypeVar

from workflows.protocol import DayRef, Questionnaire, Schedule, StudyDesign


class OccasionStatus(StrEnum):
    UPCOMING = "upcoming"
    OPEN = "open"
    ANSWERED = "answered"
    LATE = "late"  # still open, an answer is flagged
    MISSED = "missed"
    PAUSED = "paused"
    CANCELLED = "cancelled"


# States in which the patient may still answer, and those in which nothing more happens.
ANSWERABLE = frozenset({OccasionStatus.OPEN, OccasionStatus.LATE})
FINAL = frozenset({OccasionStatus.ANSWERED, OccasionStatus.MISSED, OccasionStatus.CANCELLED})


@dataclass(frozen=True)
class PlannedOccasion:
    """One day's questionnaire. Its identity is (questionnaire, for_date), whatever moves.

    Answers from `late_at` on are flagged, from `missed_at` on refused.
    """

    questionnaire: str
    for_date: date
    opens_at: datetime
    reminder_ats: tuple[datetime, ...]
    late_at: datetime
    missed_at: datetime


class HasHours(Protocol):
    """Anything with an occasion's hours: a planned occasion, or a row."""

    @property
    def opens_at(self) -> datetime: ...

    @property
    def missed_at(self) -> datetime: ...


AnyOccasion = TypeVar("AnyOccasion", bound=HasHours)


def local_instant(day: date, at: time, zone: tzinfo) -> datetime:
    """The instant of a local hour. An hour that the clocks skip is the one that follows the gap."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(timezone.utc)


def plan_occasions(
    design: StudyDesign, anchor_dates: Mapping[str, date], zone: tzinfo, *, start: date, end: date
) -> tuple[PlannedOccasion, ...]:
    """Every occasion for a day from `start` to `end` inclusive, by day, then urgency.

    A questionnaire whose first anchor has no date is not planned; one whose last anchor has none runs to
    `end`.
    """
    found = [
        (occasion.for_date, questionnaire.urgency, occasion)
        for questionnaire in design.questionnaires
        if questionnaire.schedule is not None
        for occasion in _plan(questionnaire, questionnaire.schedule, anchor_dates, zone, start, end)
    ]
    return tuple(occasion for _, _, occasion in sorted(found, key=lambda entry: entry[:2]))


def plan_one(questionnaire: str, schedule: Schedule, day: date, zone: tzinfo) -> PlannedOccasion:
    """The hours of one questionnaire for one day."""
    return _hours(questionnaire, schedule, zone)(day)


@lru_cache(maxsize=256)
def _hours(questionnaire: str, schedule: Schedule, zone: tzinfo) -> Callable[[date], PlannedOccasion]:
    """The occasion of a day. Kept: patients of one zone share their days; a day is looked up by itself alone, as the
    hash of a schedule costs more than the rest.
    """

    @lru_cache(maxsize=4096)
    def of(day: date) -> PlannedOccasion:
        opens_at = local_instant(day, schedule.at, zone)
        return PlannedOccasion(
            questionnaire=questionnaire,
            for_date=day,
            opens_at=opens_at,
            reminder_ats=tuple(opens_at + timedelta(hours=hours) for hours in schedule.reminders_hours),
            late_at=local_instant(day + timedelta(days=schedule.late_days), time(0), zone),
            missed_at=local_instant(day + timedelta(days=schedule.late_days), schedule.late_until, zone),
        )

    return of


def status_at(
    occasion: PlannedOccasion, now: datetime, *, answered_at: datetime | None = None, paused: bool = False
) -> OccasionStatus:
    """The state of an occasion at an instant. An answer counts whatever came after it."""
    if answered_at is not None and answered_at <= now:
        return OccasionStatus.ANSWERED
    if now < occasion.opens_at:
        return OccasionStatus.PAUSED if paused else OccasionStatus.UPCOMING
    if paused:
        return OccasionStatus.PAUSED
    if now >= occasion.missed_at:
        return OccasionStatus.MISSED
    return OccasionStatus.LATE if now >= occasion.late_at else OccasionStatus.OPEN


def occasion_for_answer(occasions: Iterable[AnyOccasion], at: datetime) -> AnyOccasion | None:
    """Which of the unanswered occasions an answer that came in at `at` belongs to: the latest that is open
    then.

    At 07:30 that is still yesterday's (late); once today's has opened, it is today's, and yesterday's stays
    missed. None when nothing is open: there is no back-filling.
    """
    open_then = [o for o in occasions if o.opens_at <= at < o.missed_at]
    return max(open_then, key=lambda o: o.opens_at, default=None)


def _plan(
    questionnaire: Questionnaire,
    schedule: Schedule,
    anchor_dates: Mapping[str, date],
    zone: tzinfo,
    start: date,
    end: date,
) -> Iterator[PlannedOccasion]:
    first = _day(schedule.start, anchor_dates)
    if first is None:
        return
    last = min(end, _day(schedule.end, anchor_dates) or end)
    step = timedelta(days=schedule.every_days)
    day = first if first >= start else first + step * -(-(start - first).days // schedule.every_days)
    of = _hours(questionnaire.key, schedule, zone)
    while day <= last:
        yield of(day)
        day += step


def _day(ref: DayRef, anchor_dates: Mapping[str, date]) -> date | None:
    at = anchor_dates.get(ref.anchor)
    return None if at is None else at + timedelta(days=ref.offset)
