"""Days on which no clinic visit is held: weekends, public holidays, the site's own closed days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import holidays

from workflows.decisions import RuleViolation
from workflows.protocol import ClosedDayRule

SATURDAY = 5


@dataclass(frozen=True)
class ClosedDays:
    """A container of dates: `day in ClosedDays(...)`.

    `country` is an ISO 3166 code (BR), `subdivision` one of its parts (SP); both empty for no public
    holidays. `extra` are further closed days.
    """

    country: str = ""
    subdivision: str = ""
    weekends: bool = True
    extra: frozenset[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if self.country:
            _holidays(self.country, self.subdivision, 2000)

    def __contains__(self, day: object) -> bool:
        if not isinstance(day, date):
            return False
        if self.weekends and day.weekday() >= SATURDAY:
            return True
        if day in self.extra:
            return True
        return bool(self.country) and day in _holidays(self.country, self.subdivision, day.year)


def closed_days_of(rule: ClosedDayRule | None, extra: Iterable[date] = ()) -> ClosedDays:
    """The closed days of a study's rule with a site's own; without a rule only the site's own days are
    closed.
    """
    if rule is None:
        return ClosedDays(weekends=False, extra=frozenset(extra))
    return ClosedDays(rule.country, rule.subdivision, rule.weekends, frozenset(rule.extra) | frozenset(extra))


@lru_cache(maxsize=512)
def _holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    try:
        found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    except NotImplementedError:
        raise RuleViolation(
            "closed_days",
            f"{country} {subdivision}".strip(),
            "no holidays are known for this country and part",
        ) from None
    return frozenset(found)
