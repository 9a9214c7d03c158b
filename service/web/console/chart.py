"""One time axis for a patient: visits, temperatures with the study's limit, answers. Coordinates; the page draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from service.models import Occasion, Visit
from service.use_cases.matrix import State, state_of
from service.use_cases.thread import Measured

WIDTH, LEFT, RIGHT = 960, 64, 950
VISITS_Y, TOP, BOTTOM, ANSWERS_Y, AXIS_Y, HEIGHT = 26, 48, 168, 190, 208, 226
LOW, HIGH = Decimal("35.0"), Decimal("40.5")


@dataclass(frozen=True)
class Mark:
    """One thing on the axis; `words` is what it says to those who do not see it."""

    x: float
    y: float
    kind: str
    words: str


@dataclass(frozen=True)
class Chart:
    visits: tuple[Mark, ...]
    readings: tuple[Mark, ...]
    trace: str
    answers: tuple[Mark, ...]
    ticks: tuple[tuple[float, date], ...]
    now_x: float | None
    limit_y: float | None
    limit: Decimal | None


def draw(
    visits: Sequence[Visit],
    measured: Sequence[Measured],
    occasions: Sequence[Occasion],
    *,
    limit: Decimal | None,
    zone: str,
    now: datetime,
) -> Chart | None:
    """The chart, from the first to the last day that has anything; None without a visit."""
    if not visits:
        return None
    place = ZoneInfo(zone)
    today = now.astimezone(place).date()
    first = min(visit.date for visit in visits)
    last = max(max(visit.date for visit in visits), today)
    days = max(1, (last - first).days + 1)

    def at(day: date, fraction: float = 0.5) -> float:
        return round(LEFT + (RIGHT - LEFT) * ((day - first).days + fraction) / days, 1)

    def when(instant: datetime) -> float:
        then = instant.astimezone(place)
        return at(then.date(), (then.hour * 60 + then.minute) / 1440)

    def kind(each: Measured) -> str:
        if each.corrected:
            return "open"
        return "hot" if limit is not None and Decimal(each.reading.celsius) >= limit else "dot"

    points = [
        Mark(
            when(each.reading.taken_at), _height(Decimal(each.reading.celsius)), kind(each), each.reading.celsius
        )
        for each in measured
    ]
    shapes = {State.COMPLETED: "done", State.MISSED: "hot", State.LATE: "hot"}
    return Chart(
        visits=tuple(
            Mark(at(visit.date), VISITS_Y, shapes.get(state_of(visit, today), "visit"), visit.code)
            for visit in visits
            if not visit.merged_into and visit.status != "cancelled"
        ),
        readings=tuple(points),
        trace=" ".join(f"{point.x},{point.y}" for point in points if point.kind != "open"),
        answers=tuple(
            Mark(at(each.for_date), ANSWERS_Y, "dot" if each.status == "answered" else "open", each.status)
            for each in occasions
            if each.status in ("answered", "late", "missed") and each.for_date >= first
        ),
        ticks=_ticks(first, last, at),
        now_x=at(today) if first <= today <= last else None,
        limit_y=_height(limit) if limit is not None else None,
        limit=limit,
    )


def _height(celsius: Decimal) -> float:
    inside = min(max(celsius, LOW), HIGH)
    return round(BOTTOM - (BOTTOM - TOP) * float((inside - LOW) / (HIGH - LOW)), 1)


def _ticks(first: date, last: date, at: Callable[[date], float]) -> tuple[tuple[float, date], ...]:
    step = timedelta(days=max(7, -(-(last - first).days // 84) * 7))
    marks: list[tuple[float, date]] = []
    day = first
    while day <= last:
        marks.append((at(day), day))
        day += step
    return tuple(marks)
