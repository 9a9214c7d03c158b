"""What is known about a patient at the moment of a decision: the one input of conditions and of triage.

A caller builds `Facts` from rows and from nothing else:

- `reading` is the temperature of *this* report (None when the report has none); `earlier` are the readings
  that
  came before it, corrected ones left out, in any order.
- `answers` are this occasion's answers by item key (a choice's value, a tuple of values, a Decimal, a text).
- `letters` are the signs of this report: the `signs` answer together with every sign that was heard in free
  text.
- `anchors` are instants; a name in `days_only` is an anchor whose hour is not known: its instant is local
  midnight,
  and every limit counted in hours is a day longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone, tzinfo
from decimal import Decimal
from typing import Any

UNKNOWN_SITE = "unknown"
SITES: tuple[str, ...] = ("armpit", "mouth", "ear", "forehead", "other", UNKNOWN_SITE)
NO_THERMOMETER = "no_thermometer"
REFUSED = "refused"


@dataclass(frozen=True)
class TemperatureReading:
    """A measured temperature: degrees Celsius to 0.1, the instant it was reported, where it was taken."""

    celsius: Decimal
    at: datetime
    site: str = UNKNOWN_SITE
    confirmed: bool = True


@dataclass(frozen=True)
class Facts:
    """See the module. `now` is aware UTC, `zone` the patient's own zone."""

    now: datetime
    reading: TemperatureReading | None = None
    earlier: tuple[TemperatureReading, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    letters: frozenset[str] = frozenset()
    red_words: frozenset[str] = frozenset()
    fever_without_number: bool = False
    help_alone: bool = False
    anchors: Mapping[str, datetime] = field(default_factory=dict)
    days_only: frozenset[str] = frozenset()
    stored: Mapping[str, str] = field(default_factory=dict)
    recheck_due: bool = False
    contact_lost: bool = False
    one_of_several: bool = False
    advice_unanswered: bool = False
    zone: tzinfo = timezone.utc

    @property
    def today(self) -> date:
        """The patient's own date."""
        return self.now.astimezone(self.zone).date()

    def anchor_date(self, name: str) -> date | None:
        """The patient's local date of an anchor; None where it has none."""
        at = self.anchors.get(name)
        return None if at is None else at.astimezone(self.zone).date()
