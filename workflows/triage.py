"""Triage: the rules of the protocol file on what is known -> red, amber or nothing, with every rule that
fired.

A level is the highest of all hits. No rule lowers a level, so that one more bad sign can never make things
better; a red result asks nothing more, because the advice goes out first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from workflows.conditions import holds
from workflows.facts import Facts, TemperatureReading
from workflows.findings import Finding, findings
from workflows.protocol import LEVELS, Level, TriageRule

DEFAULT_TASK = "call_today"


@dataclass(frozen=True)
class Hit:
    """A rule that fired, and the facts that made it fire."""

    rule_id: str
    version: str
    level: Level
    findings: tuple[Finding, ...]
    mark: str = ""


@dataclass(frozen=True)
class TriageResult:
    """What is to be done.

    `recheck_minutes`: ask the temperature again after so long. `silence_minutes`: with no answer by then,
    `silence_level` applies. `ask`: a template to send at once. `tasks`: kinds of task to open now. A red
    result has none of these: it is a case.
    """

    level: Level
    hits: tuple[Hit, ...] = ()
    recheck_minutes: int | None = None
    silence_minutes: int | None = None
    silence_level: Level = Level.NOTHING
    ask: str = ""
    tasks: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that fired."""
        return tuple(hit.rule_id for hit in self.hits)


def worse(a: Level, b: Level) -> Level:
    """The more urgent of two levels."""
    return max(a, b, key=LEVELS.index)


def triage(rules: Sequence[TriageRule], facts: Facts) -> TriageResult:
    """Every rule tried on the facts (`facts.now` is the moment)."""
    fired = [rule for rule in rules if holds(rule.when, facts)]
    level = Level.NOTHING
    for rule in fired:
        level = worse(level, rule.level)
    hits = tuple(
        Hit(rule.id, rule.version, rule.level, findings(rule.when, facts), rule.mark) for rule in fired
    )
    if level is Level.RED:
        return TriageResult(level, hits)
    silent = [rule for rule in fired if rule.silence_minutes is not None]
    return TriageResult(
        level=level,
        hits=hits,
        recheck_minutes=min((rule.recheck_minutes for rule in fired if rule.recheck_minutes), default=None),
        silence_minutes=min((rule.silence_minutes for rule in silent if rule.silence_minutes), default=None),
        silence_level=_worst(rule.silence_level for rule in silent),
        ask=next((rule.ask for rule in fired if rule.ask), ""),
        tasks=tuple(dict.fromkeys(rule.task or DEFAULT_TASK for rule in fired if rule.level is Level.AMBER)),
    )


def _worst(levels: Iterator[Level]) -> Level:
    worst = Level.NOTHING
    for level in levels:
        worst = worse(worst, level)
    return worst


@dataclass(frozen=True)
class FebrileNeutropenia:
    """Two research definitions, kept apart from every alert. None: not decidable without a neutrophil count.
    """

    idsa: bool | None
    ctcae: bool | None


def classify_febrile_neutropenia(
    readings: Sequence[TemperatureReading], anc_per_mm3: int | None, *, expected_below_500: bool = False
) -> FebrileNeutropenia:
    """IDSA 2010 and CTCAE v5 on a row of readings and a neutrophil count (cells per mm3).

    IDSA: >= 38.3 once, or >= 38.0 for one hour, with ANC < 500 or expected to fall below. CTCAE: > 38.3
    once, or >= 38.0 for *more* than one hour, with ANC < 1000. 38.3 exactly is the one and not the other.
    """
    highest = max((reading.celsius for reading in readings), default=Decimal(0))
    hot = _longest_at_least(readings, Decimal("38.0"))
    idsa_fever = highest >= Decimal("38.3") or hot >= timedelta(hours=1)
    ctcae_fever = highest > Decimal("38.3") or hot > timedelta(hours=1)
    low = None if anc_per_mm3 is None else anc_per_mm3 < 500
    return FebrileNeutropenia(
        idsa=_and(idsa_fever, True if expected_below_500 else low),
        ctcae=_and(ctcae_fever, None if anc_per_mm3 is None else anc_per_mm3 < 1000),
    )


def _and(fever: bool, low: bool | None) -> bool | None:
    return False if not fever else low


def _longest_at_least(readings: Sequence[TemperatureReading], limit: Decimal) -> timedelta:
    """The longest time between readings of which none was below the limit."""
    longest = run = timedelta(0)
    for before, after in pairwise(sorted(readings, key=lambda reading: reading.at)):
        both = before.celsius >= limit and after.celsius >= limit
        run = run + (after.at - before.at) if both else timedelta(0)
        longest = max(longest, run)
    return longest
