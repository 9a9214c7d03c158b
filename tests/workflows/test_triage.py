"""Triage by the shipped protocol: every row of the table at its exact ends, and that worse is never better.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.facts import SITES, Facts, TemperatureReading
from workflows.findings import Finding
from workflows.protocol import LEVELS, Level
from workflows.protocol_file import load_design
from workflows.triage import TriageResult, classify_febrile_neutropenia, triage

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DESIGN = load_design(files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8"))
ATG = {"atg_start": NOW - timedelta(days=10)}


def reading(celsius: str | Decimal, site: str = "armpit", minutes_ago: int = 0) -> TemperatureReading:
    return TemperatureReading(Decimal(celsius), NOW - timedelta(minutes=minutes_ago), site)


def result(**known: Any) -> TriageResult:
    return triage(DESIGN.triage, Facts(now=NOW, **known))


@pytest.mark.parametrize(
    ("site", "watch", "red"),
    [
        ("mouth", "37.5", "38.0"),
        ("ear", "37.5", "38.0"),
        ("armpit", "37.5", "37.8"),
        ("forehead", "37.5", "37.8"),
        ("other", "37.5", "37.8"),
        ("unknown", "37.5", "37.8"),
        ("a place nobody listed", "37.5", "37.8"),
    ],
)
def test_fever_by_site(site: str, watch: str, red: str) -> None:
    tenth = Decimal("0.1")
    assert result(reading=reading(Decimal(watch) - tenth, site)).level is Level.NOTHING
    assert result(reading=reading(watch, site)).rules == ("T-WATCH",)
    assert result(reading=reading(Decimal(red) - tenth, site)).rules == ("T-WATCH",)
    assert result(reading=reading(red, site)).rules == ("T-RED",)
    assert result(reading=reading("42.5", site)).level is Level.RED


def test_a_watch_asks_again_in_an_hour_and_calls_after_ninety_minutes() -> None:
    watch = result(reading=reading("37.5"))
    assert (watch.recheck_minutes, watch.silence_minutes, watch.silence_level) == (60, 90, Level.AMBER)
    assert watch.tasks == ("watch_fever",)


def test_a_red_result_asks_nothing_more() -> None:
    red = result(reading=reading("37.6"), letters=frozenset("B"))
    assert red.level is Level.RED
    assert (red.recheck_minutes, red.silence_minutes, red.ask, red.tasks) == (None, None, "", ())


@pytest.mark.parametrize(
    ("minutes", "fired"), [(44, False), (45, True), (24 * 60, True), (24 * 60 + 1, False)]
)
def test_two_watches_are_a_fever(minutes: int, fired: bool) -> None:
    found = result(reading=reading("37.5", "mouth"), earlier=(reading("37.5", "armpit", minutes),))
    assert ("T-SUST" in found.rules) is fired
    assert found.level is (Level.RED if fired else Level.AMBER)


def test_no_measurement() -> None:
    none = {"temp": "no_thermometer"}
    assert result(answers=none).rules == ("T-NONE",)
    assert result(answers={"temp": "refused"}).level is Level.AMBER
    for letter in "ABCDEF":
        assert result(answers=none, letters=frozenset(letter)).level is Level.RED
    assert result(answers=none, letters=frozenset("G")).level is Level.AMBER


def test_too_cold() -> None:
    assert result(reading=reading("36.0"), letters=frozenset("G")).level is Level.AMBER
    assert "T-LOW" in result(reading=reading("35.9"), letters=frozenset("G")).rules
    assert result(reading=reading("35.9")).level is Level.NOTHING
    assert result(reading=reading("35.0")).level is Level.NOTHING
    first = result(reading=reading("34.9"))
    assert first.rules == ("T-LOW-FIRST",) and first.recheck_minutes == 60
    again = result(reading=reading("34.9"), earlier=(reading("34.8", minutes_ago=60),))
    assert again.level is Level.RED and "T-LOW" in again.rules


def test_a_fever_may_be_masked() -> None:
    taken = {"antipyretic": "taken"}
    assert result(reading=reading("36.9"), answers=taken).level is Level.NOTHING
    assert result(reading=reading("37.0"), answers=taken).rules == ("T-MASK",)
    assert result(reading=reading("37.4"), answers=taken).rules == ("T-MASK",)
    assert "T-MASK" not in result(reading=reading("37.5"), answers=taken).rules
    assert result(reading=reading("37.0"), answers={"antipyretic": "not_taken"}).level is Level.NOTHING


@pytest.mark.parametrize(
    ("letter", "level", "rule"),
    [
        ("A", Level.RED, "S-RED"), ("B", Level.RED, "S-RED"), ("C", Level.RED, "S-RED"), ("E", Level.RED, "S-RED"),
        ("D", Level.AMBER, "S-BLEED"), ("F", Level.AMBER, "S-SERUM"), ("G", Level.AMBER, "S-GI"),
    ],
)  # fmt: skip
def test_each_sign_at_normal_temperature(letter: str, level: Level, rule: str) -> None:
    found = result(reading=reading("36.6"), letters=frozenset(letter))
    assert found.level is level and found.rules == (rule,)
    assert found.hits[0].version == "1" and found.hits[0].findings == (Finding("letters", letter),)


@pytest.mark.parametrize(
    ("kind", "level"),
    [("skin", "amber"), ("stopped", "amber"), ("not_stopping", "red"), ("inside", "red"), ("head", "red")],
)
def test_each_bleeding(kind: str, level: str) -> None:
    assert result(answers={"bleeding": kind}, letters=frozenset("D")).level == level


@pytest.mark.parametrize(("days", "marked"), [(4, False), (5, True), (21, True), (22, False)])
def test_serum_sickness_is_a_mark_and_not_a_level(days: int, marked: bool) -> None:
    found = result(letters=frozenset("F"), anchors={"atg_start": NOW - timedelta(days=days, hours=1)})
    marks = {hit.mark for hit in found.hits}
    if days > 4:
        assert found.level is Level.AMBER
    assert ("possible_serum_sickness" in marks) is marked


@pytest.mark.parametrize(("hours", "level"), [(0, "red"), (24, "red"), (25, "amber")])
@pytest.mark.parametrize("anchor", ["infusion_1", "infusion_2", "infusion_5"])
def test_a_rash_after_an_infusion_is_red(hours: int, level: str, anchor: str) -> None:
    assert result(letters=frozenset("F"), anchors={anchor: NOW - timedelta(hours=hours)}).level == level


@pytest.mark.parametrize(("hours", "level"), [(0, "red"), (120, "red"), (121, "amber")])
def test_a_rash_during_atg_is_red(hours: int, level: str) -> None:
    assert result(letters=frozenset("F"), anchors={"atg_start": NOW - timedelta(hours=hours)}).level == level


def test_much_worse_and_the_weekly_form() -> None:
    assert result(answers={"well": "much_worse"}).rules == ("W-WORSE",)
    assert result(answers={"well": "little_worse"}).level is Level.NOTHING
    assert result(answers={"infection": "antibiotic"}).tasks == ("weekly_event",)
    assert result(answers={"call_me": "call"}).tasks == ("call_requested",)


def test_what_was_heard() -> None:
    assert result(red_words=frozenset({"chest_pain"})).rules == ("N-TEXT-RED",)
    fever = result(fever_without_number=True)
    assert (fever.level, fever.ask, fever.silence_minutes, fever.silence_level) == (
        Level.AMBER, "ask_temperature", 15, Level.RED,
    )  # fmt: skip
    cry = result(help_alone=True)
    assert (cry.level, cry.ask, cry.silence_minutes, cry.silence_level) == (
        Level.AMBER,
        "ask_temperature",
        15,
        Level.RED,
    )
    assert result(contact_lost=True).rules == ("N-UNDEL",)


def test_nothing_known_is_nothing_and_never_a_reassurance() -> None:
    assert result() == TriageResult(Level.NOTHING)


TENTHS = st.integers(340, 425).map(lambda tenths: Decimal(tenths) / 10)
READINGS = st.builds(lambda c, s, m: reading(c, s, m), TENTHS, st.sampled_from(SITES), st.integers(1, 3000))
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "temp": st.sampled_from(["no_thermometer", "refused"]),
        "bleeding": st.sampled_from(["skin", "stopped", "not_stopping", "inside", "head"]),
        "antipyretic": st.sampled_from(["taken", "not_taken"]),
        "well": st.sampled_from(["better", "much_worse"]),
    },
)
FACTS = st.builds(
    lambda current, earlier, answers, letters, red, fever, alone, days: Facts(
        now=NOW, reading=current, earlier=tuple(earlier), answers=answers, letters=frozenset(letters),
        red_words=frozenset(red), fever_without_number=fever, help_alone=alone,
        anchors={"atg_start": NOW - timedelta(days=days), "infusion_1": NOW - timedelta(days=days - 7)},
    ),
    st.none() | READINGS.map(lambda r: replace(r, at=NOW)), st.lists(READINGS, max_size=4), ANSWERS,
    st.sets(st.sampled_from("ABCDEFG")), st.sets(st.just("socorro")), st.booleans(), st.booleans(), st.integers(0, 60),
)  # fmt: skip


def rank(facts: Facts) -> int:
    return LEVELS.index(triage(DESIGN.triage, facts).level)


@given(FACTS, st.sampled_from("ABCDEFG"))
def test_one_more_sign_never_lowers_the_level(facts: Facts, letter: str) -> None:
    assert rank(replace(facts, letters=facts.letters | {letter})) >= rank(facts)


@given(FACTS)
def test_a_word_of_distress_never_lowers_the_level(facts: Facts) -> None:
    assert rank(replace(facts, red_words=frozenset({"socorro"}))) >= rank(facts)
    assert rank(replace(facts, fever_without_number=True)) >= rank(facts)


@given(FACTS, TENTHS, TENTHS)
def test_hotter_never_lowers_the_level(facts: Facts, a: Decimal, b: Decimal) -> None:
    low, high = sorted((max(a, Decimal("36.0")), max(b, Decimal("36.0"))))
    now = [replace(facts, reading=reading(value, "unknown"), earlier=()) for value in (low, high)]
    assert rank(now[0]) <= rank(now[1])


@given(FACTS, TENTHS, st.sampled_from(SITES))
def test_the_unknown_site_is_the_strictest(facts: Facts, celsius: Decimal, site: str) -> None:
    known = replace(facts, reading=reading(celsius, site))
    assert rank(replace(facts, reading=reading(celsius, "unknown"))) >= rank(known)


@given(FACTS, st.sampled_from(["taken", "not_taken"]), st.integers(0, 60))
def test_no_antipyretic_and_no_day_lowers_a_red(facts: Facts, antipyretic: str, days: int) -> None:
    red = replace(facts, letters=facts.letters | {"B"})
    answers = {**facts.answers, "antipyretic": antipyretic}
    other = replace(red, answers=answers, anchors={"atg_start": NOW - timedelta(days=days)})
    assert rank(other) == rank(red) == LEVELS.index(Level.RED)


def test_research_classes_are_kept_apart_from_alerts() -> None:
    def at(celsius: str, minutes_ago: int = 0) -> TemperatureReading:
        return reading(celsius, "mouth", minutes_ago)

    once = classify_febrile_neutropenia([at("38.3")], 400)
    assert (once.idsa, once.ctcae) == (True, False), "38.3 exactly differs between the two"
    assert classify_febrile_neutropenia([at("38.4")], 400).ctcae is True
    hour = classify_febrile_neutropenia([at("38.0", 60), at("38.0")], 400)
    assert (hour.idsa, hour.ctcae) == (True, False), "one hour, and more than one hour"
    assert classify_febrile_neutropenia([at("38.0", 61), at("38.0")], 400).ctcae is True
    assert classify_febrile_neutropenia([at("38.0", 90), at("37.9", 45), at("38.0")], 400).idsa is False
    assert classify_febrile_neutropenia([at("38.5")], 700).idsa is False
    assert classify_febrile_neutropenia([at("38.5")], 700).ctcae is True
    assert classify_febrile_neutropenia([at("38.5")], 1000).ctcae is False
    assert classify_febrile_neutropenia([at("38.5")], 500).idsa is False
    assert classify_febrile_neutropenia([at("38.5")], 700, expected_below_500=True).idsa is True
    unknown = classify_febrile_neutropenia([at("38.5")], None)
    assert (unknown.idsa, unknown.ctcae) == (None, None)
    assert classify_febrile_neutropenia([], None).idsa is False
