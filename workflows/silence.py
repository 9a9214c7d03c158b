"""Silence is a signal: which unanswered questions must reach a human, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workflows.protocol import DayRef, Level, SilenceRule


@dataclass(frozen=True)
class AskedOccasion:
    """One occasion as it stands. `excused` occasions (paused, cancelled) neither count nor break a row."""

    questionnaire: str
    for_date: date
    opens_at: datetime
    reminder_ats: tuple[datetime, ...] = ()
    answered: bool = False
    excused: bool = False

    @property
    def last_asked_at(self) -> datetime:
        """The last time the patient was asked: the last reminder, or the opening."""
        return max((self.opens_at, *self.reminder_ats))


@dataclass(frozen=True)
class SilenceDue:
    """A rule that fired: `for_dates` are the unanswered days in a row, the last one last."""

    rule_id: str
    version: str
    level: Level
    task: str
    questionnaire: str
    for_dates: tuple[date, ...]
    since: datetime


def silence_due(
    rules: Sequence[SilenceRule],
    occasions: Sequence[AskedOccasion],
    anchors: Mapping[str, date],
    now: datetime,
) -> tuple[SilenceDue, ...]:
    """Every (rule, day) whose silence has lasted long enough by `now`, oldest first.

    A rule fires once for each unanswered day, so that the caller can keep them apart by rule and last day.
    """
    return tuple(sorted(_due(rules, occasions, anchors, now), key=lambda due: (due.since, due.rule_id)))


def silent_at(rule: SilenceRule, occasion: AskedOccasion) -> datetime:
    """When the silence of this occasion is long enough for the rule."""
    return occasion.last_asked_at + timedelta(hours=rule.hours)


def _due(
    rules: Sequence[SilenceRule],
    occasions: Sequence[AskedOccasion],
    anchors: Mapping[str, date],
    now: datetime,
) -> Iterator[SilenceDue]:
    for rule in rules:
        asked = sorted(
            (o for o in occasions if o.questionnaire == rule.questionnaire and not o.excused),
            key=lambda o: o.for_date,
        )
        row: list[AskedOccasion] = []
        for occasion in asked:
            silent = not occasion.answered and silent_at(rule, occasion) <= now
            row = [*row, occasion] if silent else []
            if len(row) >= rule.in_a_row and _in_window(rule, occasion.for_date, anchors):
                days = tuple(o.for_date for o in row[-rule.in_a_row :])
                since = silent_at(rule, occasion)
                yield SilenceDue(
                    rule.id, rule.version, rule.level, rule.task, rule.questionnaire, days, since
                )


def _in_window(rule: SilenceRule, day: date, anchors: Mapping[str, date]) -> bool:
    """Inclusive; a rule with a window whose anchor is not known does not fire."""
    return _not_before(rule.start, day, anchors) and _not_after(rule.end, day, anchors)


def _not_before(ref: DayRef | None, day: date, anchors: Mapping[str, date]) -> bool:
    if ref is None:
        return True
    return ref.anchor in anchors and day >= anchors[ref.anchor] + timedelta(days=ref.offset)


def _not_after(ref: DayRef | None, day: date, anchors: Mapping[str, date]) -> bool:
    if ref is None:
        return True
    return ref.anchor in anchors and day <= anchors[ref.anchor] + timedelta(days=ref.offset)
