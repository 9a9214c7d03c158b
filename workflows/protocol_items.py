"""The questions' part of a study design: items, schedules, triage rules, escalation policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from workflows.protocol_visits import DayRef

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Level(StrEnum):
    """How urgent an answer is. Ordered by `LEVELS`."""

    RED = "red"
    AMBER = "amber"
    NOTHING = "nothing"


LEVELS: tuple[Level, ...] = (Level.NOTHING, Level.AMBER, Level.RED)


class ItemType(StrEnum):
    TEMPERATURE = "temperature"
    LETTERS = "letters"  # several of the choices, answered by letter
    CHOICE = "choice"  # one of the choices, answered by number
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True)
class Choice:
    """One answer: `code` is what a patient types ("A", "1"), `value` what is stored and triaged."""

    code: str
    value: str
    text: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    excludes_others: bool = False  # "N none"


@dataclass(frozen=True)
class Condition:
    """A test on answers, as a tree. `workflows.conditions` says which kinds exist and evaluates them."""

    kind: str
    args: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    of: tuple["Condition", ...] = ()


@dataclass(frozen=True)
class Item:
    """One question. `sms` is the template that asks it by text; `text` the web and telephone wording by
    language.

    `asked_when` is None for "always". `low`/`high` bound a number.
    """

    key: str
    type: ItemType
    sms: str = ""
    text: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    choices: tuple[Choice, ...] = ()
    asked_when: Condition | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    required: bool = True
    loinc: str = ""


@dataclass(frozen=True)
class Schedule:
    """When a questionnaire opens: every `every_days` at local `at`, from `start` to `end` inclusive.

    `reminders_hours` after opening; late until `late_until`, `late_days` days later, then missed.
    """

    start: DayRef
    end: DayRef
    every_days: int = 1
    at: time = time(8, 0)
    reminders_hours: tuple[int, ...] = ()
    late_until: time = time(12, 0)
    late_days: int = 1
    paused_while_admitted: bool = True


@dataclass(frozen=True)
class Questionnaire:
    """One definition for SMS, web and the telephone interview. Lower `urgency` goes first."""

    key: str
    title: Mapping[str, str]
    version: str
    items: tuple[Item, ...]
    schedule: Schedule | None = None
    recall_days: int = 1
    channels: tuple[str, ...] = ("sms", "web", "phone")
    announce: str = ""  # template that opens it by text where it cannot be asked by text
    reminder: str = ""  # template of its reminders
    urgency: int = 10
    licence: str = "Apache-2.0"
    source: str = "own wording, not a validated instrument"

    def item(self, key: str) -> Item:
        """The item called `key`; KeyError where there is none."""
        for item in self.items:
            if item.key == key:
                return item
        raise KeyError(key)


@dataclass(frozen=True)
class TriageRule:
    """One row of the triage table. Every result carries `id` and `version`.

    `recheck_minutes`: ask the temperature again after so many minutes. `silence_minutes`: with no answer by
    then,
    `silence_level` applies. `mark` is a research mark that changes no level.
    """

    id: str
    version: str
    level: Level
    when: Condition
    recheck_minutes: int | None = None
    silence_minutes: int | None = None
    silence_level: Level = Level.NOTHING
    ask: str = ""  # template asked at once ("ask_temperature")
    task: str = ""
    mark: str = ""


@dataclass(frozen=True)
class SilenceRule:
    """No answer by the last reminder + `hours`, `in_a_row` occasions running, between `start` and `end`
    (None: always).
    """

    id: str
    version: str
    questionnaire: str
    hours: int
    in_a_row: int
    level: Level
    task: str
    start: DayRef | None = None
    end: DayRef | None = None


@dataclass(frozen=True)
class EscalationStep:
    """`after` seconds from the report. Recipients: "on_call", "backup", "role:investigator", "fallback",
    "patient".
    """

    after: int
    recipients: tuple[str, ...]
    channels: tuple[str, ...]
    repeat: bool = False  # "repeat all": the earlier steps once more


@dataclass(frozen=True)
class EscalationPolicy:
    """Who is told, when, how. All times in seconds from the report.

    `exhausted_after`: medical monitor and operations are told and the patient is told to go in; then every
    `then_every` until a human acknowledges. `acknowledge_within` and `outcome_within` are the promises shown.
    """

    key: str
    steps: tuple[EscalationStep, ...]
    exhausted_after: int
    exhausted_recipients: tuple[str, ...]
    then_every: int
    acknowledge_within: int = 900
    outcome_within: int = 1800
    advice: str = "red"  # template to the patient at the moment of the report
