"""What USDM has no word for, kept in extension attributes of our own studies.

The visits, their distances and windows are plain USDM. The extension holds which anchor a visit counts
from, what may not be before what, merging, closed days, stops, reminders and settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date, time
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError

from workflows.protocol import Anchor, DayRef, Encounter, StudyDesign, VisitReminder
from workflows.protocol_schemas import (
    AnchorSchema,
    ClosedDaysSchema,
    EncounterSchema,
    StopSchema,
    expand,
    stop_from,
)
from workflows.usdm_timeline import (
    Element,
    Hop,
    Timeline,
    TimelineFault,
    elements,
    identity,
    timing_from,
)

DESIGN_URL = "urn:vigilia:usdm:design:1"
VISIT_URL = "urn:vigilia:usdm:visit:1"
START = "start"
DESIGN_NAMES = ("code", "version", "title", "confirmed_by_site", "study_days", "merge", "profile")
DESIGN_LISTS = ("defaults_to_confirm", "settings", "closed_days", "anchors", "stops")


def plain(value: Any) -> Any:
    """A value of `workflows.protocol` as JSON: dataclasses as mappings without their empty fields."""
    if isinstance(value, VisitReminder):
        moment = (
            {"hours": value.hours} if value.hours is not None else {"days": value.days, "at": plain(value.at)}
        )
        return {"template": value.template, **moment, "only": value.only}
    if is_dataclass(value):
        pairs = ((field.name, plain(getattr(value, field.name))) for field in fields(value))
        return {name: inner for name, inner in pairs if inner not in (None, "", [], {})}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return value


def design_extension(design: StudyDesign) -> dict[str, Any]:
    """The part of a design that goes into the study design's extension attribute."""
    content = {name: plain(getattr(design, name)) for name in (*DESIGN_NAMES, *DESIGN_LISTS)}
    content["settings"].pop("anchor_aliases", None)
    return content


def visit_extension(encounter: Encounter) -> dict[str, Any]:
    """The part of an encounter that goes into its instance's extension attribute."""
    own = plain(encounter)
    own.pop("optional", None)
    timing = encounter.timing
    if timing is not None:
        own["timing"] = {
            "anchor": timing.anchor,
            **({"not_before": plain(timing.not_before)} if timing.not_before else {}),
        }
    return {**own, "code": encounter.code}


def extension_of(design: Element) -> "Extension | None":
    """The extension of a study design that we wrote; None for any other."""
    content = _content(design, DESIGN_URL)
    return None if content is None else Extension(content, identity(design))


def anchor_instance(anchor: Anchor, anchors: Mapping[str, Anchor]) -> str:
    """The code of the visit that stands for an anchor in the timeline; the anchor's own name where none
    does.
    """
    if anchor.latest_of:
        return anchor_instance(anchors[anchor.latest_of[0]], anchors)
    return anchor.recorded_by or anchor.name


class Extension:
    """Reads our own studies back, with distances and windows from the timeline itself."""

    def __init__(self, content: dict[str, Any], place: str) -> None:
        missing = [name for name in (*DESIGN_NAMES, *DESIGN_LISTS) if name not in content]
        if missing:
            raise TimelineFault(f"{place}: its extension attribute lacks {', '.join(missing)}")
        self.content, self.place = content, place
        self.names = {
            anchor.name: anchor for anchor in _load(AnchorSchema(many=True), content["anchors"], place)
        }

    def encounter(
        self, timeline: Timeline, codes: Mapping[str, str], instance: Element, before: int, after: int
    ) -> Encounter:
        content = _content(instance, VISIT_URL)
        here = identity(instance)
        if content is None:
            raise TimelineFault(f"{here}: lacks the extension attribute {VISIT_URL}")
        # The code is the instance's name, which may be longer than a protocol file's codes.
        loaded = _load(EncounterSchema(), content | {"code": "VISIT"}, here)
        encounter = expand(loaded, dict(self.content["settings"]))[0]
        assert encounter.timing is not None
        anchor = self._anchor(encounter.timing.anchor, here)
        standing_for = anchor_instance(anchor, self.names)
        own = standing_for == codes[here]
        hops = () if own else self._hops(timeline, codes, here, standing_for)
        timing = timing_from(anchor.name, hops, before, after)
        timing = replace(timing, not_before=encounter.timing.not_before)
        return replace(encounter, code=codes[here], timing=timing)

    def anchors(self, timeline: Timeline, codes: Mapping[str, str]) -> list[Anchor]:
        """The anchors, each default's distance taken from the timeline where a visit of its own stands for
        both.
        """
        ids = {code: here for here, code in codes.items()}
        found = []
        for anchor in self.names.values():
            own = ids.get(anchor.recorded_by or "")
            counted = _content(timeline.by_id[own], VISIT_URL) if own else None
            if anchor.default is not None and own and counted:
                named = counted.get("timing", {}).get("anchor")
                source = anchor_instance(self._anchor(anchor.default.anchor, self.place), self.names)
                if named == anchor.name:
                    days = self._days(timeline, codes, own, source)
                    anchor = replace(anchor, default=DayRef(anchor.default.anchor, days))
            found.append(anchor)
        return found

    def finish(self, anchors: list[Anchor], visits: list[Encounter]) -> StudyDesign:
        content, order = self.content, tuple(visit.code for visit in visits)
        stops = _load(StopSchema(many=True), content["stops"], self.place)
        closed = content["closed_days"]
        aliases = {anchor.recorded_by: anchor.name for anchor in anchors if anchor.recorded_by}
        if all(anchor.name != START for anchor in anchors):
            aliases[START] = anchors[0].name
        settings = {**content["settings"], "anchor_aliases": aliases}
        return StudyDesign(
            code=str(content["code"]),
            title=dict(content["title"]),
            version=str(content["version"]),
            anchors=tuple(anchors),
            encounters=tuple(visits),
            confirmed_by_site=bool(content["confirmed_by_site"]),
            study_days=int(content["study_days"]),
            merge=bool(content["merge"]),
            stops=tuple(stop_from(stop, order) for stop in stops),
            profile=str(content["profile"]),
            defaults_to_confirm=tuple(
                {"en": each} if isinstance(each, str) else dict(each) for each in content["defaults_to_confirm"]
            ),
            settings=MappingProxyType(settings),
            closed_days=None if closed is None else _load(ClosedDaysSchema(), closed, self.place),
        )

    def _anchor(self, name: str, place: str) -> Anchor:
        if name not in self.names:
            raise TimelineFault(f"{place}: no anchor is called {name!r}")
        found: Anchor = self.names[name]
        return found

    def _days(self, timeline: Timeline, codes: Mapping[str, str], here: str, target: str) -> int:
        hops = self._hops(timeline, codes, here, target)
        if any(months for months, _ in hops):
            raise TimelineFault(f"{here}: counts in months, which an anchor does not")
        return sum(days for _, days in hops)

    def _hops(
        self, timeline: Timeline, codes: Mapping[str, str], here: str, target: str
    ) -> tuple[Hop, ...]:
        goal = {instance for instance, code in codes.items() if code == target}
        end, hops = timeline.walk(here, goal)
        if end not in goal:
            raise TimelineFault(f"{here}: its timings do not lead to {target}")
        return hops


def _content(element: Element, url: str) -> dict[str, Any] | None:
    for attribute in elements(element, "extensionAttributes"):
        if attribute.get("url") == url:
            try:
                content = json.loads(str(attribute.get("valueString")))
            except json.JSONDecodeError:
                raise TimelineFault(f"{identity(attribute)}: its valueString is not JSON") from None
            if not isinstance(content, dict):
                raise TimelineFault(f"{identity(attribute)}: its valueString must be a JSON object")
            return content
    return None


def _load(schema: Schema, content: Any, place: str) -> Any:
    try:
        return schema.load(content)
    except ValidationError as error:
        raise TimelineFault(f"{place}: its extension attribute cannot be read: {error.messages}") from None
