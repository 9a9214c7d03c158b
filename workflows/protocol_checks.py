"""What must be true across a protocol file: names that exist, codes that are unique, chains that end."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from workflows.conditions import anchors_of, items_of
from workflows.protocol import Condition, DayRef, ItemType, StudyDesign

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
CARRIER_WORDS = frozenset({"YES", "CANCEL", "END", "QUIT", "STOP", "START", "HELP"})
CHANNELS = frozenset({"sms", "web", "phone"})
CHOICES = {"amber_at_night": ("climb", "morning"), "before_the_tap": ("strict", "report")}


def check_design(
    design: StudyDesign, places: Sequence[int], loaded: Mapping[str, Any], templates: Collection[str] | None
) -> list[str]:
    """Every fault of sense as `path: what is wrong`, in file order.

    `places[i]` is the entry in the file of encounter i (one entry may make many); `loaded` the file's own
    values, for
    what a design no longer shows; `templates` the known message templates, or None to leave them unchecked.
    """
    return [*_Checks(design, places, loaded, templates).run()]


class _Checks:
    def __init__(
        self,
        design: StudyDesign,
        places: Sequence[int],
        loaded: Mapping[str, Any],
        templates: Collection[str] | None,
    ) -> None:
        self.design, self.places, self.loaded, self.templates = design, places, loaded, templates
        self.anchors = {anchor.name: anchor for anchor in design.anchors}
        self.codes = {encounter.code for encounter in design.encounters}

    def run(self) -> Iterator[str]:
        yield from self.check_anchors()
        yield from self.check_encounters()
        yield from self.check_stops()
        yield from self.check_questionnaires()
        yield from self.check_triage()
        yield from self.check_policies()
        yield from self.choices()

    def check_anchors(self) -> Iterator[str]:
        yield from _doubled([a.name for a in self.design.anchors], "anchors", "name")
        for index, anchor in enumerate(self.design.anchors):
            here = f"anchors[{index}]"
            yield from self.languages(anchor.label, f"{here}.label")
            yield from self.day(anchor.default, f"{here}.default")
            yield from self.day(anchor.not_before, f"{here}.not_before")
            if anchor.previous:
                yield from self.anchor(anchor.previous, f"{here}.previous")
            for place, name in enumerate(anchor.latest_of):
                yield from self.anchor(name, f"{here}.latest_of[{place}]")
            if anchor.recorded_by is not None:
                yield from self.visit(anchor.recorded_by, f"{here}.recorded_by")
            yield from self.chain(anchor.name, here)

    def chain(self, name: str, here: str) -> Iterator[str]:
        """Following default, previous or latest_of from an anchor must never come back to it."""
        open_ends, seen = self.sources(name), set()
        while open_ends:
            source = open_ends.pop()
            if source == name:
                yield f"{here}: the anchor {name!r} is counted from itself in the end"
                return
            if source not in seen:
                seen.add(source)
                open_ends.extend(self.sources(source))

    def sources(self, name: str) -> list[str]:
        anchor = self.anchors.get(name)
        if anchor is None:
            return []
        return [
            *([anchor.default.anchor] if anchor.default else []),
            *filter(None, [anchor.previous]),
            *anchor.latest_of,
        ]

    def check_encounters(self) -> Iterator[str]:
        first_place: dict[str, int] = {}
        for place, encounter in zip(self.places, self.design.encounters, strict=True):
            if encounter.code in first_place:
                earlier = first_place[encounter.code]
                yield f"encounters[{place}].code: {encounter.code!r} is used twice (encounters[{earlier}])"
            first_place.setdefault(encounter.code, place)
        done: set[int] = set()
        for place, encounter in zip(self.places, self.design.encounters, strict=True):
            here = f"encounters[{place}]"
            if not CODE.fullmatch(encounter.code):
                yield f"{here}.code: {encounter.code!r} may hold only letters, digits, '.', '_' and '-'"
            if place in done:
                continue
            done.add(place)
            yield from self.languages(encounter.label, f"{here}.label")
            raw = self.loaded["encounters"][place]["timing"]
            if encounter.timing is not None:
                named = f"{here}.timing.anchor_setting" if raw["anchor_setting"] else f"{here}.timing.anchor"
                yield from self.anchor(encounter.timing.anchor, named)
                yield from self.day(encounter.timing.not_before, f"{here}.timing.not_before")
            elif encounter.reminders:
                yield f"{here}.reminders: an unscheduled visit can have none"
            when = encounter.planned_when
            if when is not None and type(self.design.settings.get(when.setting)) is not int:
                yield f"{here}.planned_when.setting: settings has no whole number called {when.setting!r}"
            for index, reminder in enumerate(encounter.reminders):
                yield from self.template(reminder.template, f"{here}.reminders[{index}].template")

    def check_stops(self) -> Iterator[str]:
        yield from _doubled([stop.id for stop in self.design.stops], "stops", "id")
        for index, stop in enumerate(self.design.stops):
            yield from self.anchor(stop.anchor, f"stops[{index}].anchor")
            yield from self.day(stop.by, f"stops[{index}].by")
            for place, code in enumerate(code for code in stop.codes if code not in self.codes):
                yield from self.visit(code, f"stops[{index}].codes[{place}]")

    def check_questionnaires(self) -> Iterator[str]:
        yield from _doubled([q.key for q in self.design.questionnaires], "questionnaires", "key")
        for index, questionnaire in enumerate(self.design.questionnaires):
            here = f"questionnaires[{index}]"
            yield from self.languages(questionnaire.title, f"{here}.title")
            for place, channel in enumerate(questionnaire.channels):
                if channel not in CHANNELS:
                    yield f"{here}.channels[{place}]: {channel!r} is none of {', '.join(sorted(CHANNELS))}"
            if questionnaire.schedule is not None:
                yield from self.day(questionnaire.schedule.start, f"{here}.schedule.start")
                yield from self.day(questionnaire.schedule.end, f"{here}.schedule.end")
            for name in ("announce", "reminder"):
                yield from self.template(getattr(questionnaire, name), f"{here}.{name}")
            keys = [item.key for item in questionnaire.items]
            yield from _doubled(keys, f"{here}.items", "key")
            for place, item in enumerate(questionnaire.items):
                spot = f"{here}.items[{place}]"
                yield from self.template(item.sms, f"{spot}.sms")
                yield from self.condition(item.asked_when, f"{spot}.asked_when", keys)
                if item.type in (ItemType.CHOICE, ItemType.LETTERS) and not item.choices:
                    yield f"{spot}.choices: a question of type {item.type} needs choices"
                yield from _doubled([choice.code for choice in item.choices], f"{spot}.choices", "code")
                for number, choice in enumerate(item.choices):
                    if choice.code.upper() in CARRIER_WORDS:
                        yield f"{spot}.choices[{number}].code: the carrier takes {choice.code!r} for itself"
                if item.low is not None and item.high is not None and item.low > item.high:
                    yield f"{spot}.low: is above high"

    def check_triage(self) -> Iterator[str]:
        items = [item.key for questionnaire in self.design.questionnaires for item in questionnaire.items]
        yield from _doubled([rule.id for rule in self.design.triage], "triage", "id")
        for index, rule in enumerate(self.design.triage):
            yield from self.condition(rule.when, f"triage[{index}].when", items)
            yield from self.template(rule.ask, f"triage[{index}].ask")
        yield from _doubled([rule.id for rule in self.design.silence], "silence", "id")
        known = [questionnaire.key for questionnaire in self.design.questionnaires]
        for index, silence in enumerate(self.design.silence):
            yield from _known(
                silence.questionnaire, known, f"silence[{index}].questionnaire", "questionnaire"
            )
            yield from self.day(silence.start, f"silence[{index}].start")
            yield from self.day(silence.end, f"silence[{index}].end")

    def check_policies(self) -> Iterator[str]:
        keys = [policy.key for policy in self.design.policies]
        yield from _doubled(keys, "policies", "key")
        if self.design.triage and "red" not in keys:
            yield "policies: must have one with the key 'red', since triage rules can open alerts"
        for index, policy in enumerate(self.design.policies):
            yield from self.template(policy.advice, f"policies[{index}].advice")
            for place in range(1, len(policy.steps)):
                if policy.steps[place].after < policy.steps[place - 1].after:
                    yield f"policies[{index}].steps[{place}].after: is earlier than the step before it"

    def anchor(self, name: str, path: str) -> Iterator[str]:
        yield from _known(name, self.anchors, path, "anchor")

    def visit(self, code: str, path: str) -> Iterator[str]:
        if code not in self.codes:
            yield f"{path}: no visit has the code {code!r}"

    def day(self, ref: DayRef | None, path: str) -> Iterator[str]:
        if ref is not None:
            yield from self.anchor(ref.anchor, f"{path}.anchor")

    def condition(self, condition: Condition | None, path: str, items: Collection[str]) -> Iterator[str]:
        if condition is None:
            return
        for key in sorted(items_of(condition)):
            yield from _known(key, items, path, "question")
        for name in sorted(anchors_of(condition)):
            yield from self.anchor(name, path)

    def template(self, key: str, path: str) -> Iterator[str]:
        if key and self.templates is not None and key not in self.templates:
            yield f"{path}: no message template is called {key!r}"

    def choices(self) -> Iterator[str]:
        """Settings that are one of a few words."""
        for name, words in CHOICES.items():
            if name in self.design.settings and self.design.settings[name] not in words:
                yield f"settings.{name}: one of {', '.join(words)}, not {self.design.settings[name]!r}"

    def languages(self, texts: Mapping[str, str], path: str) -> Iterator[str]:
        wanted = self.design.settings.get("languages", ())
        for language in wanted if isinstance(wanted, list) else ():
            if language not in texts:
                yield f"{path}: has no text in {language}"


def _known(name: str, names: Iterable[str], path: str, kind: str) -> Iterator[str]:
    names = list(names)
    if name not in names:
        yield f"{path}: no {kind} is called {name!r}; there are: {', '.join(names) or 'none'}"


def _doubled(names: Sequence[str], path: str, key: str) -> Iterator[str]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"{path}[{index}].{key}: {name!r} is used twice (also {path}[{names.index(name)}])"
