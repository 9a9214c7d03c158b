"""One time axis for a patient: visits, temperatures with the study's limit, answers. Coordinates; the page draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from service.models import Observation, Occasion, Visit
from service.use_cases.matrix import State, state_of
from service.use_cases.thread import Measured

WIDTH, LEFT, RIGHT = 960, 64, 950
VISITS_Y, TOP, BOTTOM, ANSWERS_Y, AXIS_Y, HEIGHT = 26, 48, 168, 190, 208, 226
LOW, HIGH = Decimal("35.0"), Decimal("40.5")
LANES = ("anc", "platelets", "csa")
LANE, LANE_GAP = 44, 16  # height of one laboratory test's lane, and what parts it from the one above


@dataclass(frozen=True)
class Mark:
    """One thing on the axis; `words` is what it says to those who do not see it."""

    x: float
    y: float
    kind: str
    words: str


@dataclass(frozen=True)
class Lane:
    """One laboratory test: its values between `top` and `bottom`, its target band (y of high, height) if it has one."""

    code: str
    unit: str
    top: float
    bottom: float
    highest: str
    marks: tuple[Mark, ...]
    trace: str
    band: tuple[float, float] | None


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
    lanes: tuple[Lane, ...] = ()

    @property
    def foot(self) -> float:
        """The y below the lowest lane, where the axis stands."""
        return self.lanes[-1].bottom + 10 if self.lanes else ANSWERS_Y + 8

    @property
    def height(self) -> float:
        return self.foot + HEIGHT - ANSWERS_Y - 8


def draw(
    visits: Sequence[Visit],
    measured: Sequence[Measured],
    occasions: Sequence[Occasion],
    *,
    limit: Decimal | None,
    zone: str,
    now: datetime,
    labs: Sequence[Observation] = (),
    band: tuple[Decimal, Decimal] | None = None,
) -> Chart | None:
    """The chart, from the first to the last day that has anything; None without a visit.

    `labs` are values that stand, `band` the target of the cyclosporine level, ng/mL.
    """
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
        lanes=tuple(_lanes(labs, band, lambda day: at(min(max(day, first), last)))),
    )


def _lanes(
    labs: Sequence[Observation], band: tuple[Decimal, Decimal] | None, at: Callable[[date], float]
) -> Iterator[Lane]:
    """A lane for each test of `LANES` that has a value, from 0 to its highest (the band's end, if that is higher)."""
    top = float(ANSWERS_Y + LANE_GAP)
    for code in LANES:
        rows = [row for row in labs if row.code == code]
        if not rows:
            continue
        target = band if code == "csa" else None
        ceiling = max(*(Decimal(row.value) for row in rows), *(target or ()), Decimal(1))
        bottom = top + LANE

        def height(value: Decimal, bottom: float = bottom, ceiling: Decimal = ceiling) -> float:
            return round(bottom - LANE * float(value / ceiling), 1)

        def kind(row: Observation, target: tuple[Decimal, Decimal] | None = target) -> str:
            return "hot" if target and not target[0] <= Decimal(row.value) <= target[1] else "dot"

        marks = tuple(
            Mark(at(row.drawn_on), height(Decimal(row.value)), kind(row), f"{row.value} {row.unit}") for row in rows
        )
        yield Lane(
            code,
            rows[-1].unit,
            top,
            bottom,
            max(rows, key=lambda row: Decimal(row.value)).value if target is None else str(ceiling),
            marks,
            " ".join(f"{mark.x},{mark.y}" for mark in marks),
            (height(target[1]), round(height(target[0]) - height(target[1]), 1)) if target else None,
        )
        top = bottom + LANE_GAP


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
