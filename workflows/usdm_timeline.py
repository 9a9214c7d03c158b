"""The main timeline of a USDM study as a graph: instances, their timings, and the walk back to a Fixed
Reference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from workflows.protocol import Timing
from workflows.usdm_durations import Span, parse_duration

FIXED, AFTER, BEFORE = "fixed reference", "after", "before"
FROM, TO = "relativeFromScheduledInstanceId", "relativeToScheduledInstanceId"
TYPE_CODES = {"C201358": FIXED, "C201356": AFTER, "C201357": BEFORE}
Element = Mapping[str, Any]
Hop = tuple[int, int]  # calendar months, days


LONGEST_SHOWN = 60
NO_VALUE = frozenset({"", "-", "n/a", "na", "tba", "tbd", "unknown"})


class TimelineFault(Exception):
    """What is wrong with one element, as `id: what is wrong`."""


class Undated(TimelineFault):
    """An instance that nothing dates, `where: why`: no error of the file, but no visit either."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where, self.why = where, why


def shown(value: Any) -> str:
    """A value of the file as an error quotes it: never longer than a line."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def reference(element: Element, key: str) -> str | None:
    """The id under `key`; None where it is missing or empty, TimelineFault where it is no id."""
    raw = element.get(key)
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        raise TimelineFault(f"{identity(element)}: {key} must be the id of an instance, not {shown(raw)}")
    return str(raw)


def identity(element: Element) -> str:
    """The element's id, or what there is to call it by."""
    raw = element.get("id") or element.get("name")
    return str(raw) if raw and isinstance(raw, (str, int)) else "(an element without id)"


def elements(holder: Element, key: str) -> list[Element]:
    """The list of elements under `key`; empty where it is missing, TimelineFault where it is something
    else.
    """
    found = holder.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise TimelineFault(f"{identity(holder)}: {key} must be a list of elements")
    return found


class Timeline:
    """Instances by id, and for each the timing that dates it.

    `elsewhere`: for the id of each instance of the design's other timelines, the id of its timeline.
    """

    def __init__(self, timeline: Element, elsewhere: Mapping[str, str] = MappingProxyType({})) -> None:
        self.timeline, self.elsewhere = timeline, elsewhere
        self.instances = elements(timeline, "instances")
        self.by_id: dict[str, Element] = {}
        for instance in self.instances:
            if identity(instance) in self.by_id:
                raise TimelineFault(f"{identity(instance)}: two instances have this id")
            self.by_id[identity(instance)] = instance
        self.timing_of: dict[str, Element] = {}
        self.spare: list[tuple[Element, str]] = []  # timings of instances that another timing dates already
        self.idle: list[str] = []  # a line for each timing that dates no instance of this timeline
        for timing in elements(timeline, "timings"):
            self._attach(timing)
        self._walked: dict[str, tuple[str, tuple[Hop, ...]]] = {}

    def _attach(self, timing: Element) -> None:
        source = reference(timing, FROM)
        if source is None and kind_of(timing) == FIXED:
            source = reference(timing, TO)
        if source is None:
            self.idle.append(f"{identity(timing)}: names no instance that it dates, this timing is not used")
            return
        if source in self.elsewhere and source not in self.by_id:
            place = f"which is in the timeline {self.elsewhere[source]}"
            self.idle.append(f"{identity(timing)}: dates {source}, {place}, this timing is not used")
            return
        if source not in self.by_id:
            raise TimelineFault(f"{identity(timing)}: its instance {shown(source)} is not in the timeline")
        there = self.timing_of.get(source)
        if there is None:
            self.timing_of[source] = timing
        elif kind_of(timing) == FIXED and kind_of(there) != FIXED:
            self.timing_of[source] = timing
            self.spare.append((there, source))
        else:
            self.spare.append((timing, source))

    def is_fixed(self, instance_id: str) -> bool:
        """Whether the instance is a Fixed Reference: dated from outside."""
        timing = self.timing_of.get(instance_id)
        return timing is not None and kind_of(timing) == FIXED

    def walk(self, instance_id: str, stops: Collection[str] = ()) -> tuple[str, tuple[Hop, ...]]:
        """The instance where the chain ends (in `stops`, or a Fixed Reference) and the hops from it, first
        hop first.

        The first instance is left even when it is in `stops`. Chains may be of any length; Undated names the
        instance that nothing dates, TimelineFault the element where one is broken or goes round.
        """
        path: list[str] = []
        seen: set[str] = set()
        here = instance_id
        tail: tuple[Hop, ...] = ()
        while not (self.is_fixed(here) or (path and here in stops)):
            if not stops and here in self._walked:
                here, tail = self._walked[here]
                break
            if here in seen:
                raise TimelineFault(f"{here}: its timings go round in a circle")
            seen.add(here)
            path.append(here)
            here = self._next(here)
        end = here
        for step in reversed(path):
            tail = _folded(tail, hop_of(self.timing_of[step]))
            if not stops:
                self._walked[step] = (end, tail)
        return end, tail

    def _next(self, instance_id: str) -> str:
        timing = self.timing_of.get(instance_id)
        if timing is None:
            raise Undated(instance_id, f"has no timing, so nothing dates it{self._pointing_at(instance_id)}")
        target = reference(timing, TO) or ""
        if target == instance_id:
            raise Undated(instance_id, "counts from itself, as the steps of a cycle do, so nothing dates it")
        if str(timing.get("value") or "").strip().lower() in NO_VALUE:
            raise Undated(instance_id, f"has the timing {identity(timing)}, which says no distance")
        if target in self.by_id:
            return target
        if target in self.elsewhere:
            place = f"which is in the timeline {self.elsewhere[target]}"
            raise Undated(instance_id, f"counts from {target}, {place}")
        raise TimelineFault(f"{identity(timing)}: is relative to {shown(target or None)}, which is not in the timeline")

    def _pointing_at(self, instance_id: str) -> str:
        """A hint where timings that are not used have an untimed instance on their other side."""
        found = [identity(timing) for timing, _ in self.spare if reference(timing, TO) == instance_id]
        return f" (relativeFrom and relativeTo of {', '.join(found)} may be the wrong way round)" if found else ""


def _folded(tail: tuple[Hop, ...], hop: Hop) -> tuple[Hop, ...]:
    """The hops with neighbouring hops of days put together, so that long chains stay short."""
    if tail and hop[0] == 0:
        months, days = tail[-1]
        return (*tail[:-1], (months, days + hop[1]))
    return (*tail, hop)


def kind_of(timing: Element) -> str:
    """ "fixed reference", "after" or "before"; TimelineFault for any other type."""
    raw = timing.get("type")
    code = raw.get("code") if isinstance(raw, Mapping) else None
    decode = raw.get("decode") if isinstance(raw, Mapping) else raw
    words = str(decode or "").strip().lower().removesuffix(" timing type")
    kind = words if words in (FIXED, AFTER, BEFORE) else TYPE_CODES.get(str(code), "")
    if not kind:
        raise TimelineFault(f"{identity(timing)}: type {shown(decode)} is none of Fixed Reference, After, Before")
    return kind


def hop_of(timing: Element) -> Hop:
    """How far the timing moves the date, as signed (calendar months, whole days)."""
    span = span_of(timing, "value")
    before = kind_of(timing) == BEFORE
    sign = -1 if before or span.negative else 1
    return sign * span.months, sign * span.days


def window_of(timing: Element | None) -> tuple[int, int]:
    """Whole days before and after; a missing window, and one in hours, is the day itself. A window that ends
    before the day (an upper bound with a minus) has a negative second number.
    """
    if timing is None:
        return 0, 0
    upper = span_of(timing, "windowUpper")
    after = -upper.rough_days if upper.negative else upper.rough_days
    return span_of(timing, "windowLower").rough_days, after


def window_in_words(timing: Element | None) -> str:
    """What the file says of a window only for people to read: its label, where it has no bounds."""
    if timing is None or timing.get("windowLower") or timing.get("windowUpper"):
        return ""
    label = str(timing.get("windowLabel") or "")
    return label if any(sign.isdigit() for sign in label) else ""


def span_of(timing: Element, key: str) -> Span:
    """The duration under `key`; nothing at all where it is missing. TimelineFault where it cannot be read."""
    raw = timing.get(key)
    if raw is None or raw == "":
        return Span(0, 0)
    try:
        return parse_duration(str(raw))
    except ValueError as error:
        raise TimelineFault(f"{identity(timing)}: {key}: {error}") from None


def timing_from(anchor: str, hops: tuple[Hop, ...], before: int, after: int) -> Timing:
    """A timing from hops: a plain offset where they are all days, steps where months are among them."""
    if all(months == 0 for months, _ in hops):
        return Timing(anchor, sum(days for _, days in hops), before, after)
    return Timing(anchor, 0, before, after, steps=hops)
