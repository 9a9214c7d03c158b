"""ISO 8601 durations, as far as they move a calendar date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

NUMBER = r"(-?\d+(?:[.,]\d+)?)"
DURATION = re.compile(
    rf"([+-])?P(?:{NUMBER}Y)?(?:{NUMBER}M)?(?:{NUMBER}W)?(?:{NUMBER}D)?"
    rf"(?:T(?:{NUMBER}H)?(?:{NUMBER}M)?(?:{NUMBER}S)?)?"
)
LONGEST = 60
SECONDS_A_DAY = 86_400
DAYS_A_MONTH = 30  # only for windows; a hop of months is counted in calendar months


@dataclass(frozen=True)
class Span:
    """Calendar months and whole days; hours and minutes below a day are dropped. `negative`: a leading
    minus.
    """

    months: int
    days: int
    negative: bool = False

    @property
    def rough_days(self) -> int:
        """The length as days, a month taken as 30: for windows, which have no first day to count months
        from.
        """
        return self.months * DAYS_A_MONTH + self.days


def parse_duration(text: str) -> Span:
    """`P2W`, `P1DT12H`, `PT4H`, `P1M`; `-P7D` and `P-7D` are the same. Raises ValueError for what is no
    duration, for parts of a month, and for parts of different signs.
    """
    if len(text) > LONGEST:
        raise ValueError(f"{text[:LONGEST]!r}... is not an ISO 8601 duration")
    found = DURATION.fullmatch(text.strip().upper())
    if found is None or not any(found.groups()[1:]):
        raise ValueError(f"{text!r} is not an ISO 8601 duration")
    sign, *parts = found.groups()
    signs = {part[0] == "-" for part in parts if part}
    if len(signs) > 1:
        raise ValueError(f"{text!r} has parts of different signs")
    years, months, weeks, days, hours, minutes, seconds = (
        abs(Decimal((part or "0").replace(",", "."))) for part in parts
    )
    calendar_months = years * 12 + months
    if calendar_months != int(calendar_months):
        raise ValueError(f"{text!r} has a part of a month, which is no date")
    total = ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds
    if calendar_months > 12_000 or total > 3_660_000 * SECONDS_A_DAY:
        raise ValueError(f"{text!r} is longer than any study")
    return Span(int(calendar_months), int(total // SECONDS_A_DAY), (sign == "-") != signs.pop())
