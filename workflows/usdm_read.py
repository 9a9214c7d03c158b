"""USDM v4 JSON -> `StudyDesign`: the main timeline's visits, counted from its Fixed Reference."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from workflows.protocol import Anchor, Encounter, Setting, StudyDesign
from workflows.protocol_file import ProtocolErrors
from workflows.usdm_extension import Extension, extension_of
from workflows.usdm_timeline import (
    Element,
    Timeline,
    TimelineFault,
    Undated,
    elements,
    identity,
    shown,
    timing_from,
    window_in_words,
    window_of,
)

START = "start"
DECISION = "ScheduledDecisionInstance"
PHONE_WORDS = ("phone", "remote audio")
WARD_WORDS = ("hospital", "inpatient", "in-patient")


@dataclass(frozen=True)
class UsdmStudy:
    """A study's design, and a line for each instance that is no visit."""

    design: StudyDesign
    notes: tuple[str, ...]


def looks_like_usdm(text: str) -> bool:
    """Whether a file is JSON rather than a protocol file of ours."""
    return text.lstrip("\ufeff \t\r\n").startswith("{") and '"' in text


def read_usdm(text: str) -> UsdmStudy:
    """The first design of a USDM study. ProtocolErrors name the element by its id."""
    try:
        raw = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise ProtocolErrors((f"(line {error.lineno}): is not JSON: {error.msg}",)) from None
    except RecursionError:
        raise ProtocolErrors(("(file): is nested too deeply",)) from None
    try:
        return _Reader(raw).read()
    except TimelineFault as fault:
        raise ProtocolErrors((str(fault),)) from None


class _Reader:
    def __init__(self, raw: Any) -> None:
        self.study, self.version, self.design = _study_design(raw)
        main = _main_timeline(self.design)
        self.timeline = Timeline(main, _elsewhere(self.design, main))
        self.encounters = {identity(one): one for one in elements(self.design, "encounters")}
        self.codes = _codes(self.timeline.instances)
        self.extension: Extension | None = extension_of(self.design)
        self.faults: list[str] = []
        self.notes: list[str] = []

    def read(self) -> UsdmStudy:
        visits = [visit for visit in map(self.visit, self.timeline.instances) if visit is not None]
        anchors = self.anchors()
        if not self.faults and not anchors:
            main = identity(self.timeline.timeline)
            self.faults += [f"{main}: has no Fixed Reference, so nothing dates it", *self.notes]
        if self.faults:
            raise ProtocolErrors(tuple(self.faults))
        design = self.extension.finish(anchors, visits) if self.extension else self.foreign(anchors, visits)
        self.list_unread()
        return UsdmStudy(design, tuple(" ".join(note.split()) for note in self.notes))

    def list_unread(self) -> None:
        """A line for what the file has and the calendar has not: further designs, timings, other timelines."""
        versions = elements(self.study, "versions")
        self.notes += [f"{identity(one)}: another version of the study, not read" for one in versions[1:]]
        designs = elements(self.version, "studyDesigns")
        self.notes += [f"{identity(one)}: another study design, not read" for one in designs[1:]]
        for timing, instance in self.timeline.spare:
            dated_by = identity(self.timeline.timing_of[instance])
            self.notes.append(f"{identity(timing)}: {instance} is dated by {dated_by}, this timing is not used")
        self.notes += self.timeline.idle
        for timeline in elements(self.design, "scheduleTimelines"):
            if timeline is self.timeline.timeline:
                continue
            place = f"in the timeline {identity(timeline)}, not in the main one"
            for one in elements(timeline, "instances"):
                self.notes.append(f"{identity(one)} ({_name(one)}): {place}, no visit")

    def foreign(self, anchors: list[Anchor], visits: list[Encounter]) -> StudyDesign:
        name = str(self.study.get("label") or self.study.get("name") or identity(self.study))
        start = self.start(anchors)
        anchors.sort(key=lambda anchor: anchor.name != start)  # the first one is what a study starts with
        return StudyDesign(
            code=str(self.study.get("name") or identity(self.study)),
            title={"en": name},
            version=str(self.version.get("versionIdentifier") or "1"),
            anchors=tuple(anchors),
            encounters=tuple(visits),
            merge=False,
            settings=MappingProxyType({"anchor_aliases": {} if start == START else {START: start}}),
        )

    def start(self, anchors: list[Anchor]) -> str:
        """The Fixed Reference that is dated as `start`: one of that name, else the one that the timeline's
        entry hangs on, else the first.
        """
        names = [anchor.name for anchor in anchors]
        entry = str(self.timeline.timeline.get("entryId") or "")
        if START not in names and entry in self.timeline.by_id:
            try:
                return self.codes[self.timeline.walk(entry)[0]]
            except TimelineFault:  # a way in that nothing dates says nothing of the start
                pass
        return START if START in names else names[0]

    def visit(self, instance: Element) -> Encounter | None:
        """The encounter of one instance; None, with a note, where it is no visit; None where a fault was
        kept.
        """
        here = identity(instance)
        called = f"{here} ({self.codes[here]})"
        if str(instance.get("instanceType") or "") == DECISION:
            self.notes.append(f"{called}: a decision, no visit{_conditions(instance)}")
            return None
        encounter_id = instance.get("encounterId")
        if not encounter_id:
            self.notes.append(f"{called}: has no encounter, no visit")
            return None
        encounter = self.encounters.get(str(encounter_id))
        if encounter is None:
            self.faults.append(f"{here}: its encounter {shown(encounter_id)} is not in the design")
            return None
        try:
            return self.encounter(instance, encounter)
        except TimelineFault as fault:
            if isinstance(fault, Undated) and self.extension is None:
                why = fault.why if fault.where == here else f"hangs on {fault}"
                self.notes.append(f"{called}: no visit, as it {why}")
            elif str(fault) not in self.faults:
                self.faults.append(str(fault))
            return None

    def encounter(self, instance: Element, encounter: Element) -> Encounter:
        here = identity(instance)
        before, after = window_of(self.timeline.timing_of.get(here))
        if self.extension is not None:
            return self.extension.encounter(self.timeline, self.codes, instance, before, after)
        end, hops = self.timeline.walk(here)
        self.note_window(self.timeline.timing_of[here])
        label = str(encounter.get("label") or encounter.get("name") or self.codes[here])
        return Encounter(
            code=self.codes[here],
            label=MappingProxyType({"en": label}),
            timing=timing_from(self.codes[end], hops, before, after),
            setting=_setting(encounter),
        )

    def note_window(self, timing: Element) -> None:
        if said := window_in_words(timing):
            words = f"its window is given in words only ({shown(said)}), so it is the day itself"
            self.notes.append(f"{identity(timing)}: {words}")

    def anchors(self) -> list[Anchor]:
        if self.extension is not None:
            return self.extension.anchors(self.timeline, self.codes)
        fixed = [identity(one) for one in self.timeline.instances if self.timeline.is_fixed(identity(one))]
        return [Anchor(self.codes[one], {"en": self.codes[one]}) for one in fixed]


def _study_design(raw: Any) -> tuple[Element, Element, Element]:
    study = raw.get("study", raw) if isinstance(raw, Mapping) else None
    if not isinstance(study, Mapping):
        raise TimelineFault("(file): has no study")
    versions = elements(study, "versions")
    if not versions:
        raise TimelineFault(f"{identity(study)}: has no versions{_written_in(raw)}")
    designs = elements(versions[0], "studyDesigns")
    if not designs:
        raise TimelineFault(f"{identity(versions[0])}: has no studyDesigns{_written_in(raw)}")
    return study, versions[0], designs[0]


def _written_in(raw: Mapping[str, Any]) -> str:
    """For a file without the form of version 3 or 4: what it says of its own. A file is judged by its form, as
    one that calls itself 2.11 already has that of version 3.
    """
    said = raw.get("usdmVersion")
    written = f"; it is written in USDM {shown(said)}" if said else ""
    return f"{written}; the form of version 3 or 4 is read"


def _main_timeline(design: Element) -> Element:
    timelines = elements(design, "scheduleTimelines")
    if not timelines:
        raise TimelineFault(f"{identity(design)}: has no scheduleTimelines, so there is nothing to date")
    main = [timeline for timeline in timelines if str(timeline.get("mainTimeline")).lower() == "true"]
    if len(main) == 1:
        return main[0]
    if not main and len(timelines) == 1:
        return timelines[0]
    named = ", ".join(identity(timeline) for timeline in main or timelines)
    raise TimelineFault(
        f"{identity(design)}: has {len(main)} main timelines of {len(timelines)} ({named}); one is needed"
    )


def _elsewhere(design: Element, main: Element) -> dict[str, str]:
    """For each instance outside the main timeline the id of its own."""
    others = (timeline for timeline in elements(design, "scheduleTimelines") if timeline is not main)
    return {identity(one): identity(other) for other in others for one in elements(other, "instances")}


def _codes(instances: list[Element]) -> dict[str, str]:
    """A code for each instance: its name; name_id where two have the same name; its id where it has none."""
    counts = Counter(_name(instance) for instance in instances)
    return dict(_coded(instances, counts))


def _coded(instances: list[Element], counts: Counter[str]) -> Iterator[tuple[str, str]]:
    for instance in instances:
        name, here = _name(instance), identity(instance)
        yield here, (name if counts[name] == 1 else f"{name}_{here}") if name else here


def _name(instance: Element) -> str:
    return str(instance.get("name") or "")


def _conditions(decision: Element) -> str:
    """What a decision decides, where it says so."""
    said = [
        f"{one.get('condition')} -> {one.get('conditionTargetId')}"
        for one in elements(decision, "conditionAssignments")
    ]
    return f" ({'; '.join(said)})" if said else ""


def _setting(encounter: Element) -> Setting:
    """By telephone only where nobody need come: an encounter may be both in person and by telephone."""
    places = _said(encounter, "environmentalSettings", "environmentalSetting")  # the second is version 3's
    contact = _said(encounter, "contactModes")
    if "in person" not in contact and any(word in f"{contact} {places}" for word in PHONE_WORDS):
        return Setting.PHONE
    return Setting.INPATIENT if any(word in places for word in WARD_WORDS) else Setting.CLINIC


def _said(encounter: Element, *keys: str) -> str:
    codes = [code for key in keys for code in elements(encounter, key)]
    return " ".join(str(code.get("decode") or "").lower() for code in codes)
