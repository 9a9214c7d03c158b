"""Telephone numbers and back-off."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.catalog import check_field
from notifications.dates import short_date, short_time
from notifications.phone import PhoneError, mask, national, parse_phone
from notifications.retry import PAGES, BackOff

NOW = datetime(2026, 3, 2, 6, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("typed", "region", "number"),
    [
        ("(16) 99123-4567", "BR", "+5516991234567"),
        ("+55 16 99123-4567", "US", "+5516991234567"),
        ("whatsapp:+5516991234567", "BR", "+5516991234567"),
        ("16 3602 1000", "BR", "+551636021000"),
        ("+1 555 010 0001", "BR", "+15550100001"),
        ("912 345 678", "PT", "+351912345678"),
    ],
)
def test_numbers_as_people_type_them(typed: str, region: str, number: str) -> None:
    assert parse_phone(typed, region) == number


@pytest.mark.parametrize(
    "typed", ["", "abc", "12", "+55 16", "99999999999999999999", "(16) 99123-4567 ext. 3"]
)
def test_what_cannot_be_dialled_is_refused(typed: str) -> None:
    with pytest.raises(PhoneError):
        parse_phone(typed)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        assert parse_phone(text).startswith("+")
    except PhoneError:
        pass


def test_a_mask_hides_all_but_country_and_end() -> None:
    assert mask("+5516991234567") == "+55*********67"
    assert mask("+55") == "***"


def test_national_form_is_for_people_at_home() -> None:
    assert national("+551636021000") == "(16) 3602-1000"
    assert national("+15550100001").startswith("+1 ")


def test_back_off_doubles_to_its_cap_and_ends() -> None:
    back_off = BackOff(base=2, factor=2, cap=10, attempts=5)
    waits = [back_off.next_try_at(attempt, now=NOW) for attempt in range(1, 6)]
    assert waits == [NOW + timedelta(seconds=s) for s in (2, 4, 8, 10)] + [None]


def test_the_carrier_may_ask_for_longer() -> None:
    assert BackOff().delay(1, retry_after=60) == timedelta(seconds=60)
    assert BackOff(cap=300).delay(9, retry_after=1) == timedelta(seconds=300)


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 0.999))
def test_a_page_is_never_kept_waiting(attempt: int, jitter: float) -> None:
    assert PAGES.delay(attempt, jitter=jitter) <= timedelta(seconds=22.5)


def test_dice_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="jitter"):
        BackOff().delay(1, jitter=1.0)


@pytest.mark.parametrize(
    ("day", "language", "text"),
    [
        (date(2026, 10, 28), "pt-BR", "qua 28/10"),
        (date(2026, 10, 28), "en", "Wed 28 Oct"),
        (date(2028, 2, 29), "en", "Tue 29 Feb"),
        (date(2026, 3, 1), "pt-BR", "dom 01/03"),
    ],
)
def test_dates_are_short_and_read_one_way(day: date, language: str, text: str) -> None:
    assert short_date(day, language) == check_field("date", text)


def test_times_are_short() -> None:
    assert short_time(NOW) == "06:12" and short_time(time(9, 5)) == "09:05"
