"""The dates that a calendar hangs on: recorded where they are known, projected where they are not.

An anchor's date is its actual date, else its planned date, else its projection from another anchor's date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workflows.decisions import RuleViolation
from workflows.protocol import Anchor, DayRef, Stop, StudyDesign, Timing

EARLIEST, LATEST = date(1900, 1, 1), date(2900, 1, 1)


@dataclass(frozen=True)
class AnchorDate:
    """One anchor of one patient. `actual_time` is local; `projected` is filled in by `resolve_anchors`.

    `skipped`: the event will not take place (a third infusion that was not given).
    """

    name: str
    planned: date | None = None
    actual: date | None = None
    actual_time: time | None = None
    skipped: bool = False
    projected: date | None = None

    @property
    def date(self) -> date | None:
        """The best date there is: actual, else planned, else projected; None where nothing dates it."""
        return self.actual or self.planned or self.projected

    @property
    def is_actual(self) -> bool:
        return self.actual is not None


AnchorValue = date | AnchorDate
Zone = str | ZoneInfo


def zone_of(zone: Zone) -> ZoneInfo:
    """The time zone called `zone`; RuleViolation where there is none."""
    if isinstance(zone, ZoneInfo):
        return zone
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise RuleViolation("zone", zone, "is not a time zone such as America/Sao_Paulo") from None


def resolve_anchors(
    design: StudyDesign, anchors: Mapping[str, AnchorValue], zone: Zone
) -> dict[str, AnchorDate]:
    """Every anchor of the design, projected where it has no date of its own.

    `anchors` maps names to actual dates (an aware datetime is taken in `zone`) or to AnchorDates. Raises
    RuleViolation for a name the design does not have, and for an actual date that its `not_before` refuses.
    """
    return _Resolver(design, _given(design, anchors, zone_of(zone))).run()


def shift(base: date, timing: Timing) -> date:
    """`timing` counted from `base`: whole days, or calendar months and days where it has steps."""
    for months, days in timing.steps:
        base = _add_months(base, months) + timedelta(days=days)
    return base if timing.steps else base + timedelta(days=timing.offset)


def counted_from(design: StudyDesign, anchors: Mapping[str, AnchorDate], name: str) -> str:
    """The anchor to count from when a visit names `name`: itself, or when it was skipped the one before."""
    known = design.anchors_by_name
    while name in known and known[name].previous and is_skipped(design, anchors, name):
        name = known[name].previous
    return name


def is_skipped(design: StudyDesign, anchors: Mapping[str, AnchorDate], name: str) -> bool:
    """Whether the event did not take place: said so, or a later one of its series did and it did not."""
    own = anchors.get(name)
    if own is not None and own.is_actual:
        return False
    if own is not None and own.skipped:
        return True
    return _overtaken(design, anchors, name)


def _overtaken(design: StudyDesign, anchors: Mapping[str, AnchorDate], name: str) -> bool:
    for later in design.followers.get(name, ()):
        if _happened(anchors, later) or _overtaken(design, anchors, later):
            return True
    return False


def day_of(anchors: Mapping[str, AnchorDate], ref: DayRef) -> date | None:
    """The day that `ref` means among resolved anchors; None while its anchor has no date."""
    anchor = anchors.get(ref.anchor)
    return None if anchor is None or anchor.date is None else anchor.date + timedelta(days=ref.offset)


def check_planned(design: StudyDesign, anchors: Mapping[str, AnchorDate], name: str) -> None:
    """RuleViolation when the planned date of `name`, among resolved anchors, is before its `not_before`."""
    rule = next((anchor for anchor in design.anchors if anchor.name == name), None)
    own = anchors.get(name)
    if rule is None or rule.not_before is None or own is None or own.planned is None or own.is_actual:
        return
    floor = day_of(anchors, rule.not_before)
    if floor is not None and own.planned < floor:
        raise RuleViolation(name, own.planned, f"cannot be planned before {floor} ({rule.not_before.anchor})")


def due_stops(design: StudyDesign, anchors: Mapping[str, AnchorDate], today: date) -> tuple[Stop, ...]:
    """The stops that apply on `today`: their anchor has not happened and the day for it has passed."""
    due = []
    for stop in design.stops:
        limit = day_of(anchors, stop.by)
        if limit is not None and today > limit and not _happened(anchors, stop.anchor):
            due.append(stop)
    return tuple(due)


def _happened(anchors: Mapping[str, AnchorDate], name: str) -> bool:
    anchor = anchors.get(name)
    return anchor is not None and anchor.is_actual


def _add_months(day: date, months: int) -> date:
    """The same day of the month, `months` later; the month's last day where it has none (31 January + 1)."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = (following - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def _given(design: StudyDesign, anchors: Mapping[str, AnchorValue], zone: ZoneInfo) -> dict[str, AnchorDate]:
    aliases: Mapping[str, str] = design.settings.get("anchor_aliases", {})
    known = [anchor.name for anchor in design.anchors]
    given: dict[str, AnchorDate] = {}
    for called, value in anchors.items():
        name = called if called in known else aliases.get(called, called)
        if name not in known:
            day = (value.actual or value.planned) if isinstance(value, AnchorDate) else value
            raise RuleViolation(called, day, f"no anchor has this name; there are: {', '.join(known)}")
        dated = _as_anchor(name, value, zone)
        if given.get(name, dated) != dated:
            raise RuleViolation(called, dated.actual or dated.planned, f"is {name}, which has another date")
        given[name] = dated
        for day in (given[name].planned, given[name].actual):
            if day is not None and not EARLIEST <= day <= LATEST:
                raise RuleViolation(called, day, f"must be from {EARLIEST} to {LATEST}")
    return given


def _as_anchor(name: str, value: AnchorValue, zone: ZoneInfo) -> AnchorDate:
    if isinstance(value, AnchorDate):
        return replace(value, name=name, projected=None)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise RuleViolation(name, value, "an instant must carry its time zone")
        local = value.astimezone(zone)
        return AnchorDate(name, actual=local.date(), actual_time=local.time().replace(tzinfo=None))
    return AnchorDate(name, actual=value)


class _Resolver:
    def __init__(self, design: StudyDesign, given: dict[str, AnchorDate]) -> None:
        self.design = design
        self.given = given
        self.rules = design.anchors_by_name
        self.done: dict[str, AnchorDate] = {}

    def run(self) -> dict[str, AnchorDate]:
        for name in self.rules:
            self.resolve(name)
        for name, rule in self.rules.items():
            self.check_floor(name, rule)
        return {name: self.done[name] for name in self.rules}

    def resolve(self, name: str) -> AnchorDate:
        if name not in self.done:
            own = self.given.get(name, AnchorDate(name))
            rule = self.rules[name]
            if rule.latest_of:
                own = self.latest(name, rule)
            elif own.date is None and rule.default is not None:
                source = counted_from(self.design, self.given, rule.default.anchor)
                base = self.resolve(source).date
                projected = None if base is None else base + timedelta(days=rule.default.offset)
                own = replace(own, projected=projected)
            self.done[name] = own
        return self.done[name]

    def latest(self, name: str, rule: Anchor) -> AnchorDate:
        happened = [anchor for anchor in map(self.resolve, rule.latest_of) if anchor.actual is not None]
        if happened:
            last = max(happened, key=lambda anchor: anchor.actual or date.min)
            return AnchorDate(name, actual=last.actual, actual_time=last.actual_time)
        return AnchorDate(name, projected=self.resolve(rule.latest_of[0]).date)

    def check_floor(self, name: str, rule: Anchor) -> None:
        own = self.done[name]
        if own.actual is None or rule.not_before is None:
            return
        source = self.done[counted_from(self.design, self.done, rule.not_before.anchor)]
        if source.date is None:
            return
        floor = source.date + timedelta(days=rule.not_before.offset)
        if own.actual < floor:
            hint = "" if source.is_actual else f"; {source.name} is only projected: record its date first"
            raise RuleViolation(
                name,
                own.actual,
                f"cannot be before {floor} ({source.name} {rule.not_before.offset:+d} days){hint}",
            )
