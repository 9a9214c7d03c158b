"""Conditions: what they mean, and that every fault in one is named by its path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from workflows.conditions import KINDS, ConditionError, anchors_of, holds, items_of, parse_condition
from workflows.facts import Facts, TemperatureReading

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def reading(celsius: str, site: str = "unknown", minutes_ago: int = 0) -> TemperatureReading:
    return TemperatureReading(Decimal(celsius), NOW - timedelta(minutes=minutes_ago), site)


def facts(**known: Any) -> Facts:
    return Facts(now=NOW, **known)


def check(raw: Any, **known: Any) -> bool:
    return holds(parse_condition(raw, "when"), facts(**known))


def test_temperature_has_sites_and_bounds() -> None:
    armpit = {"temperature": {"sites": ["armpit"], "at_least": "37.8"}}
    assert check(armpit, reading=reading("37.8", "armpit"))
    assert not check(armpit, reading=reading("37.7", "armpit"))
    assert not check(armpit, reading=reading("39.0", "mouth"))
    assert not check(armpit)
    low = {"temperature": {"below": "35.0"}}
    assert check(low, reading=reading("34.9", "ear"))
    assert not check(low, reading=reading("35.0", "ear"))


def test_a_site_nobody_knows_is_judged_as_unknown() -> None:
    assert check({"temperature": {"sites": ["unknown"], "at_least": "37"}}, reading=reading("38.0", "elbow"))


@pytest.mark.parametrize(("minutes", "held"), [(44, False), (45, True), (1440, True), (1441, False)])
def test_sustained_has_exact_ends(minutes: int, held: bool) -> None:
    rule = {"sustained": {"at_least": "37.5", "apart_minutes": [45, 1440]}}
    assert check(rule, reading=reading("37.5"), earlier=(reading("37.5", minutes_ago=minutes),)) is held


def test_a_lower_reading_between_breaks_it() -> None:
    rule = {"sustained": {"at_least": "37.5", "apart_minutes": [45, 1440]}}
    high, low = reading("37.9", minutes_ago=120), reading("37.4", minutes_ago=60)
    assert check(rule, reading=reading("37.5"), earlier=(high,))
    assert not check(rule, reading=reading("37.5"), earlier=(high, low))


def test_a_text_that_came_late_may_be_the_earlier_of_the_two() -> None:
    rule = {"sustained": {"at_least": "37.5", "apart_minutes": [45, 1440]}}
    assert check(rule, reading=reading("37.6", minutes_ago=90), earlier=(reading("37.6"),))


def test_letters_choices_numbers_and_answers() -> None:
    assert check({"letters": ["A", "B"]}, letters=frozenset("B"))
    assert not check({"letters": ["A", "B"]}, letters=frozenset("C"))
    assert check({"choice": {"item": "well", "any_of": ["much_worse"]}}, answers={"well": "much_worse"})
    assert not check({"choice": {"item": "well", "any_of": ["much_worse"]}}, answers={"well": "same"})
    assert check({"choice": {"item": "signs", "any_of": ["A"]}}, answers={"signs": ("A", "D")})
    assert check({"number": {"item": "missed", "at_least": "1"}}, answers={"missed": Decimal(1)})
    assert not check({"number": {"item": "missed", "at_least": "1"}}, answers={"missed": "1"})
    assert check({"answered": "well"}, answers={"well": "same"})
    assert check({"not": {"answered": "well"}})
    assert check({"stored": "temp_site"}, stored={"temp_site": "ear"})


def test_all_and_any() -> None:
    both = {"all": [{"letters": ["A"]}, {"heard": ["red_words"]}]}
    assert not check(both, letters=frozenset("A"))
    assert check(both, letters=frozenset("A"), red_words=frozenset({"socorro"}))
    assert check({"any": both["all"]}, letters=frozenset("A"))


@pytest.mark.parametrize(("hours", "held"), [(0, True), (24, True), (25, False), (-1, False)])
def test_within_hours_of_an_anchor(hours: int, held: bool) -> None:
    rule = {"within_hours": {"anchor": "infusion_1", "to": 24}}
    assert check(rule, anchors={"infusion_1": NOW - timedelta(hours=hours)}) is held
    assert not check(rule)


def test_a_day_without_an_hour_counts_to_its_end() -> None:
    rule = {"within_hours": {"anchor": "infusion_1", "to": 24}}
    at = NOW - timedelta(hours=47)
    assert not check(rule, anchors={"infusion_1": at})
    assert check(rule, anchors={"infusion_1": at}, days_only=frozenset({"infusion_1"}))


@pytest.mark.parametrize(("days", "held"), [(4, False), (5, True), (21, True), (22, False)])
def test_within_days_counts_the_patients_own_days(days: int, held: bool) -> None:
    rule = {"within_days": {"anchor": "atg_start", "from": 5, "to": 21}}
    assert check(rule, anchors={"atg_start": NOW - timedelta(days=days)}) is held


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("x", "when"),
        ({}, "when"),
        ({"letters": ["A"], "answered": "x"}, "when"),
        ({"never": True}, "when.never"),
        ({"letters": "A"}, "when.letters"),
        ({"letters": []}, "when.letters"),
        ({"letters": [1]}, "when.letters[0]"),
        ({"temperature": {}}, "when.temperature"),
        ({"temperature": {"at_least": 37.8}}, "when.temperature.at_least"),
        ({"temperature": {"at_least": "warm"}}, "when.temperature.at_least"),
        ({"temperature": {"at_least": "nan"}}, "when.temperature.at_least"),
        ({"temperature": {"at_least": "38", "sites": ["elbow"]}}, "when.temperature.sites[0]"),
        ({"temperature": {"at_least": "38", "site": "ear"}}, "when.temperature.site"),
        ({"sustained": {"at_least": "38", "apart_minutes": [60]}}, "when.sustained.apart_minutes"),
        ({"sustained": {"at_least": "38", "apart_minutes": [60, 5]}}, "when.sustained.apart_minutes"),
        ({"sustained": {"apart_minutes": [1, 5]}}, "when.sustained"),
        ({"choice": {"item": "a"}}, "when.choice.any_of"),
        ({"heard": ["noise"]}, "when.heard[0]"),
        ({"within_days": {"anchor": "a", "from": 3, "to": 2}}, "when.within_days"),
        ({"within_hours": {"anchor": "a", "to": True}}, "when.within_hours.to"),
        ({"recheck_due": "yes"}, "when.recheck_due"),
        ({"all": [{"letters": ["A"]}, {"any": [{"x": 1}]}]}, "when.all[1].any[0].x"),
        ({"not": []}, "when.not"),
    ],
)
def test_a_fault_is_named_by_its_path(raw: Any, path: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(raw, "when")
    assert caught.value.path == path


def test_every_kind_can_be_written_and_evaluated() -> None:
    written: dict[str, Any] = {
        "all": [{"letters": ["A"]}], "any": [{"letters": ["A"]}], "not": {"letters": ["A"]},
        "temperature": {"below": "36"}, "sustained": {"below": "35", "apart_minutes": [0, 9]}, "letters": ["A"],
        "choice": {"item": "i", "any_of": ["x"]}, "number": {"item": "i", "below": "2"}, "answered": "i",
        "stored": "i", "heard": ["help_alone"], "within_days": {"anchor": "a", "to": 1},
        "within_hours": {"anchor": "a", "to": 1}, "recheck_due": True, "contact_lost": True,
        "one_of_several": True, "advice_unanswered": True,
    }  # fmt: skip
    assert set(written) == set(KINDS)
    for kind, value in written.items():
        assert check({kind: value}) is (kind == "not")


def test_what_a_condition_reads_is_known() -> None:
    tree = parse_condition(
        {
            "all": [
                {"answered": "a"},
                {"not": {"choice": {"item": "b", "any_of": ["1"]}}},
                {"within_days": {"anchor": "c", "to": 2}},
            ]
        },
        "when",
    )
    assert items_of(tree) == {"a", "b"}
    assert anchors_of(tree) == {"c"}
