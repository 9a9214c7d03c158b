"""Closed days: weekends, holidays, and the site's own."""

from __future__ import annotations

from datetime import date

import pytest

from workflows.closed_days import ClosedDays, closed_days_of
from workflows.decisions import RuleViolation
from workflows.protocol import ClosedDayRule

BRAZIL = ClosedDays("BR", "SP")


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 4, 3), "Good Friday"),
        (date(2026, 4, 21), "Tiradentes"),
        (date(2026, 7, 9), "the revolution of 1932, in Sao Paulo only"),
        (date(2026, 12, 25), "Christmas"),
        (date(2026, 3, 7), "a Saturday"),
        (date(2026, 3, 8), "a Sunday"),
    ],
)
def test_closed(day: date, why: str) -> None:
    assert day in BRAZIL, why


def test_open_on_an_ordinary_day_and_on_another_states_holiday() -> None:
    assert date(2026, 3, 9) not in BRAZIL
    assert date(2026, 7, 9) not in ClosedDays("BR")
    assert date(2026, 7, 9) not in ClosedDays("BR", "RJ")


def test_a_sites_own_days_are_added_to_the_studys() -> None:
    rule = ClosedDayRule("BR", "SP", True, (date(2026, 6, 5),))
    days = closed_days_of(rule, [date(2026, 6, 8)])
    assert date(2026, 6, 5) in days and date(2026, 6, 8) in days and date(2026, 6, 9) not in days
    only_own = closed_days_of(None, [date(2026, 6, 8)])
    assert date(2026, 6, 8) in only_own and date(2026, 6, 7) not in only_own


def test_what_is_no_date_is_not_closed() -> None:
    assert "2026-12-25" not in BRAZIL


@pytest.mark.parametrize(("country", "part"), [("XX", ""), ("BR", "XX")])
def test_a_country_or_part_that_does_not_exist_is_refused_at_once(country: str, part: str) -> None:
    with pytest.raises(RuleViolation, match="closed_days"):
        ClosedDays(country, part)
