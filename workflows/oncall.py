"""Who is on call at an instant, and where nobody is.

A rota has layers; their names ("on_call", "backup") are the recipients of the escalation policy. In a layer
the latest override that covers an instant wins, then a fixed shift, then a rotation. Hand-overs happen at a
local time of the rota's zone and are turned into UTC day by day, so that the two days a year when the clocks
change have 23 and 25 hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from workflows.alerts import StaffId

ON_CALL, BACKUP = "on_call", "backup"
EVERY_DAY = frozenset(range(7))


class Why(StrEnum):
    """What put a person on call."""

    OVERRIDE = "override"
    SHIFT = "shift"
    ROTATION = "rotation"


@dataclass(frozen=True)
class Rotation:
    """People who follow one another, `every_days` each (7: weekly, 1: daily), from `start` at local
    `hand_over`.

    `start_at`/`end_at` (local) limit it to a part of the day (18:00-08:00 is a night) and `weekdays` (Monday
    0) to some days; a night belongs to the day on which it begins. `until` is its last day, None: for ever.
    """

    people: tuple[StaffId, ...]
    start: date
    hand_over: time = time(8, 0)
    every_days: int = 7
    weekdays: frozenset[int] = EVERY_DAY
    start_at: time | None = None
    end_at: time | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if not self.people or self.every_days < 1:
            raise ValueError("a rotation needs people and at least one day each")
        if (self.start_at is None) != (self.end_at is None):
            raise ValueError("a part of the day needs both its start and its end")


@dataclass(frozen=True)
class Shift:
    """One person, from `start` to before `end` (aware UTC)."""

    staff_id: StaffId
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Override:
    """`staff_id` instead of whoever the layer names; None empties it. Of two, the later in the list wins."""

    layer: str
    staff_id: StaffId | None
    start: datetime
    end: datetime
    reason: str = ""


@dataclass(frozen=True)
class Layer:
    name: str
    rotations: tuple[Rotation, ...] = ()
    shifts: tuple[Shift, ...] = ()
    required: bool = True  # a hole in it is reported


@dataclass(frozen=True)
class Rota:
    zone: str
    layers: tuple[Layer, ...]
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True)
class OnDuty:
    """`until`: the next instant at which this may change; None when nothing planned changes it."""

    staff_id: StaffId
    layer: str
    until: datetime | None
    why: Why


@dataclass(frozen=True)
class Hole:
    """Nobody in `layer` from `start` to before `end`."""

    layer: str
    start: datetime
    end: datetime


def who_is_on_call(rota: Rota, at: datetime) -> tuple[OnDuty, ...]:
    """One entry for each layer that has somebody at `at` (aware), in the order of the layers."""
    found = []
    for layer in rota.layers:
        person, why = _person_at(rota, layer, at)
        if person is not None and why is not None:
            found.append(OnDuty(person, layer.name, _next_change(rota, layer, at), why))
    return tuple(found)


def holes(rota: Rota, start: datetime, end: datetime) -> tuple[Hole, ...]:
    """Every stretch of [start, end) with nobody in a required layer, by layer and time; neighbours joined."""
    found: list[Hole] = []
    for layer in rota.layers:
        if not layer.required:
            continue
        edges = sorted({start, *_changes(rota, layer, start, end)})
        for begin, finish in zip(edges, [*edges[1:], end]):
            if _person_at(rota, layer, begin)[0] is not None:
                continue
            if found and found[-1].layer == layer.name and found[-1].end == begin:
                found[-1] = Hole(layer.name, found[-1].start, finish)
            else:
                found.append(Hole(layer.name, begin, finish))
    return tuple(found)


def stretches(
    rota: Rota, layer: Layer, start: datetime, end: datetime
) -> tuple[tuple[datetime, OnDuty], ...]:
    """(from, on duty) of each stretch of [start, end) that somebody covers; neighbours joined."""
    found: list[tuple[datetime, OnDuty]] = []
    edges = sorted({start, *_changes(rota, layer, start, end)})
    for begin, finish in zip(edges, [*edges[1:], end]):
        person, why = _person_at(rota, layer, begin)
        if person is None or why is None:
            continue
        last = found[-1] if found else None
        if last and (last[1].staff_id, last[1].until, last[1].why) == (person, begin, why):
            found[-1] = (last[0], OnDuty(person, layer.name, finish, why))
        else:
            found.append((begin, OnDuty(person, layer.name, finish, why)))
    return tuple(found)


def swap(first: Shift, second: Shift, layer: str, reason: str) -> tuple[Override, Override]:
    """Two people change places: each takes the other's stretch."""
    return (
        Override(layer, second.staff_id, first.start, first.end, reason),
        Override(layer, first.staff_id, second.start, second.end, reason),
    )


def local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """`at` on `day` in UTC. A time the clocks skip is moved on by the skip; a doubled one is the first."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _person_at(rota: Rota, layer: Layer, at: datetime) -> tuple[StaffId | None, Why | None]:
    for override in reversed(rota.overrides):
        if override.layer == layer.name and override.start <= at < override.end:
            return override.staff_id, Why.OVERRIDE
    for shift in reversed(layer.shifts):
        if shift.start <= at < shift.end:
            return shift.staff_id, Why.SHIFT
    zone = ZoneInfo(rota.zone)
    for rotation in reversed(layer.rotations):
        person = _rotation_at(rotation, at, zone)
        if person is not None:
            return person, Why.ROTATION
    return None, None


def _rotation_at(rotation: Rotation, at: datetime, zone: ZoneInfo) -> StaffId | None:
    today = at.astimezone(zone).date()
    if rotation.start_at is None or rotation.end_at is None:
        handed_over = at >= local_instant(today, rotation.hand_over, zone)
        return _person_of_day(rotation, today if handed_over else today - timedelta(days=1))
    for day in (today, today - timedelta(days=1)):
        begin, finish = _part_of(rotation, day, zone)
        if begin <= at < finish:
            return _person_of_day(rotation, day)
    return None


def _person_of_day(rotation: Rotation, day: date) -> StaffId | None:
    days = (day - rotation.start).days
    if days < 0 or day.weekday() not in rotation.weekdays or (rotation.until and day > rotation.until):
        return None
    return rotation.people[days // rotation.every_days % len(rotation.people)]


def _part_of(rotation: Rotation, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start_at, end_at = rotation.start_at or time(0), rotation.end_at or time(0)
    last = day if end_at > start_at else day + timedelta(days=1)
    return local_instant(day, start_at, zone), local_instant(last, end_at, zone)


def _changes(rota: Rota, layer: Layer, start: datetime, end: datetime) -> Iterator[datetime]:
    """Every instant in (start, end) at which the answer for `layer` may change."""
    spans = [(each.start, each.end) for each in rota.overrides if each.layer == layer.name]
    spans += [(each.start, each.end) for each in layer.shifts]
    zone = ZoneInfo(rota.zone)
    first, last = start.astimezone(zone).date() - timedelta(days=1), end.astimezone(zone).date()
    for rotation in layer.rotations:
        day = max(first, rotation.start)
        while day <= last:
            if rotation.start_at is None:
                edge = local_instant(day, rotation.hand_over, zone)
                spans.append((edge, edge))
            else:
                spans.append(_part_of(rotation, day, zone))
            day += timedelta(days=1)
    yield from (edge for span in spans for edge in span if start < edge < end)


def _next_change(rota: Rota, layer: Layer, at: datetime) -> datetime | None:
    now = _person_at(rota, layer, at)
    longest = max([rotation.every_days for rotation in layer.rotations], default=0)
    far = [each.end for each in rota.overrides] + [each.end for each in layer.shifts]
    horizon = max([at + timedelta(days=longest + 2), *(end + timedelta(seconds=1) for end in far)])
    for edge in sorted(set(_changes(rota, layer, at, horizon))):
        if _person_at(rota, layer, edge) != now:
            return edge
    return None
