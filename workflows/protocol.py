"""A study design: everything a protocol says, as frozen values.

The names follow CDISC USDM (encounter, timing, window, epoch, arm). A design is read from a
protocol file (`workflows.protocol_file`) or from a USDM study (`workflows.usdm`) and never changes:
an amendment is a new design with a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workflows.protocol_items import (
    LEVELS,
    NOTHING,
    Choice,
    Condition,
    EscalationPolicy,
    EscalationStep,
    Item,
    ItemType,
    Level,
    Questionnaire,
    Schedule,
    SilenceRule,
    TriageRule,
)
from workflows.protocol_visits import (
    Anchor,
    ClosedDayRule,
    DayRef,
    Encounter,
    PlannedWhen,
    Setting,
    Stop,
    Timing,
    VisitReminder,
)

__all__ = [
    "Anchor",
    "Choice",
    "ClosedDayRule",
    "Condition",
    "DayRef",
    "Encounter",
    "EscalationPolicy",
    "EscalationStep",
    "Item",
    "ItemType",
    "LEVELS",
    "Level",
    "NOTHING",
    "PlannedWhen",
    "Questionnaire",
    "Schedule",
    "Setting",
    "SilenceRule",
    "Stop",
    "StudyDesign",
    "Timing",
    "TriageRule",
    "VisitReminder",
]


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
    defaults_to_confirm: tuple[Mapping[str, str], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    closed_days: ClosedDayRule | None = None

    def encounter(self, code: str) -> Encounter:
        """The encounter called `code`; KeyError where there is none."""
        return self._encounters[code]

    def has_encounter(self, code: str) -> bool:
        """Whether the protocol has an encounter called `code`."""
        return code in self._encounters

    @cached_property
    def _encounters(self) -> Mapping[str, Encounter]:
        return {encounter.code: encounter for encounter in self.encounters}

    @cached_property
    def anchors_by_name(self) -> Mapping[str, Anchor]:
        """The anchors, in the protocol's order."""
        return {anchor.name: anchor for anchor in self.anchors}

    @cached_property
    def followers(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the anchors that count from each anchor when it is the one before them in its series."""
        names = [anchor.name for anchor in self.anchors]
        return {name: tuple(one.name for one in self.anchors if one.previous == name) for name in names}

    @cached_property
    def ends(self) -> frozenset[str]:
        """The codes of the encounters that end the study."""
        return frozenset(encounter.code for encounter in self.encounters if encounter.ends_study)

    @cached_property
    def reminders_of(self) -> dict[tuple[str, tuple[str, ...]], tuple[tuple[VisitReminder, str, str], ...]]:
        """What `visit_reminders` has made out of the design, by appointment: kept for the next patient."""
        return {}

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
