"""The window and the list of approved texts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from notifications.whatsapp import content, is_open, parse_approved

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
ONE, TWO = "HX" + "1" * 32, "HX" + "b" * 32


@pytest.mark.parametrize(("ago", "open_"), [(None, False), (0, True), (23 * 60 + 54, True), (23 * 60 + 55, False)])
def test_the_window_is_a_day_less_five_minutes(ago: int | None, open_: bool) -> None:
    seen = None if ago is None else NOW - timedelta(minutes=ago)
    assert is_open(seen, now=NOW) is open_


def test_a_list_is_read() -> None:
    assert parse_approved(f" pt_BR/weekly={ONE},en/temp = {TWO} ,") == {"pt_BR/weekly": ONE, "en/temp": TWO}
    assert parse_approved("") == {}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"weekly={ONE}", "weekly"),
        (f"fr/weekly={ONE}", "fr/weekly"),
        (f"en/nonsense={ONE}", "en/nonsense"),
        ("en/weekly", "en/weekly"),
        ("en/weekly=HX1", "HX1"),
        (f"en/weekly={ONE},en/weekly={TWO}", "twice"),
    ],
)
def test_what_is_wrong_is_named(text: str, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        parse_approved(text)


def test_fields_become_numbers_in_the_catalogues_order() -> None:
    made = content(ONE, "visit_confirmed", {"tel": "1", "place": "2", "time": "3", "date": "4", "url": "unused"})
    assert made == {"content_sid": ONE, "content_variables": {"1": "4", "2": "3", "3": "2", "4": "1"}}
    assert content(ONE, "saved", {"tel": "1"})["content_variables"] == {"1": "1", "2": "192"}, "a default is filled in"
