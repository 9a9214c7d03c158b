"""A study design: everything a protocol says, as frozen values.

The names follow CDISC USDM (encounter, timing, window, epoch, arm). A design is read from a
protocol file (`workflows.protocol_file`) or from a USDM study (`workflows.usdm`) and never changes:
an amendment is a new design with a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Setting(StrEnum):
    """Where a visit takes place. Only `clinic` visits avoid closed days."""

    CLINIC = "clinic"
    INPATIENT = "inpatient"
    PHONE = "phone"


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
class DayRef:
    """A day counted from an anchor: `offset` calendar days after it (negative: before)."""

    anchor: str
    offset: int = 0


@dataclass(frozen=True)
class Timing:
    """When an encounter is due.

    `anchor` is an anchor's name, `offset` whole calendar days from it. `before` and `after` are the window in
    days, inclusive, both >= 0. `not_before` is a floor: never earlier than that day (the window shrinks too).
    `steps` are (calendar months, days) taken one after the other from the anchor, where a USDM study counts
    in months; they stand in for `offset` when there are any.
    """

    anchor: str
    offset: int = 0
    before: int = 0
    after: int = 0
    not_before: DayRef | None = None
    steps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Anchor:
    """A dated event that visits hang on.

    `default` projects the anchor while it has no date of its own (atg_start: enrolment + 7).
    `optional` anchors (infusion_3..5) are projected only up to `planned` of the study's setting.
    `recorded_by` is the encounter whose completion dates the anchor, where there is one (INF1 -> infusion_1).
    `not_before`: an earlier actual date is refused. `previous`: the anchor to count from when this one was
    skipped.
    `latest_of`: derived, the latest of these that has happened (before that: the first one's projection).
    """

    name: str
    label: Mapping[str, str]
    default: DayRef | None = None
    optional: bool = False
    recorded_by: str | None = None
    not_before: DayRef | None = None
    previous: str = ""
    latest_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedWhen:
    """An optional encounter is planned when the study's `setting` is at least this number."""

    setting: str
    at_least: int


@dataclass(frozen=True)
class ClosedDayRule:
    """Days on which no clinic visit is held: weekends, a country's public holidays, and `extra` days."""

    country: str = ""
    subdivision: str = ""
    weekends: bool = True
    extra: tuple[date, ...] = ()


@dataclass(frozen=True)
class VisitReminder:
    """A message that hangs on a visit.

    `days` from the visit's date (-1: the day before; +1: the day after), at local time `at`; or, when
    `hours` is set, so
    many hours after the visit's anchor happened (its time of day where known, else the clinic hour).
    `only` is "missed" for the reminder that goes out when the visit was missed, "" otherwise.
    """

    template: str
    days: int = 0
    at: time = time(10, 0)
    hours: int | None = None
    only: str = ""


@dataclass(frozen=True)
class Encounter:
    """A planned visit. Its identity with a patient is (patient, `code`), never a date."""

    code: str
    label: Mapping[str, str]
    timing: Timing | None  # None: unscheduled, never planned
    setting: Setting = Setting.CLINIC
    dosing: bool = False  # dosing visits never merge with each other
    optional: bool = False  # planned only as far as the study's setting says
    needs_actual: bool = False  # planned only once its anchor has an actual date ("previous actual infusion")
    epoch: str = ""
    reminders: tuple[VisitReminder, ...] = ()
    labs: tuple[str, ...] = ()
    ends_study: bool = False
    planned_when: PlannedWhen | None = None


@dataclass(frozen=True)
class Stop:
    """Stops projecting `codes` when `anchor` has no actual date by `by`; raises a task of kind `task`."""

    id: str
    anchor: str
    by: DayRef
    codes: tuple[str, ...]
    task: str


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


@dataclass(frozen=True)
class StudyDesign:
    """A whole protocol. `settings` are the numbers that are neither a visit nor a rule (see the file's
    comments).
    """

    code: str
    title: Mapping[str, str]
    version: str
    anchors: tuple[Anchor, ...]
    encounters: tuple[Encounter, ...]
    confirmed_by_site: bool = False
    study_days: int = 182
    merge: bool = True
    stops: tuple[Stop, ...] = ()
    questionnaires: tuple[Questionnaire, ...] = ()
    triage: tuple[TriageRule, ...] = ()
    silence: tuple[SilenceRule, ...] = ()
    policies: tuple[EscalationPolicy, ...] = ()
    profile: str = "full"
    defaults_to_confirm: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    closed_days: ClosedDayRule | None = None

    def encounter(self, code: str) -> Encounter:
        """The encounter called `code`; KeyError where there is none."""
        for encounter in self.encounters:
            if encounter.code == code:
                return encounter
        raise KeyError(code)

    def questionnaire(self, key: str) -> Questionnaire:
        """The questionnaire called `key`; KeyError where there is none."""
        for questionnaire in self.questionnaires:
            if questionnaire.key == key:
                return questionnaire
        raise KeyError(key)

    def policy(self, level: Level) -> EscalationPolicy:
        """The policy for alerts of this level: its own, else the one for red."""
        by_key = {policy.key: policy for policy in self.policies}
        return by_key.get(str(level)) or by_key[str(Level.RED)]
