"""Questions of the shipped protocol: which comes next, and what each answer says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.answers import Answer, Wrong, read_answer
from workflows.facts import Facts
from workflows.protocol import ItemType
from workflows.protocol_file import load_design
from workflows.questionnaires import letters_of, missing_items, next_item, read_all, read_form, with_answers

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DESIGN = load_design(files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8"))
DAILY, WEEKLY = DESIGN.questionnaire("daily"), DESIGN.questionnaire("weekly")
NEW, KNOWN = Facts(now=NOW), Facts(now=NOW, stored={"temp_site": "armpit"})


def next_key(answers: dict[str, Any], facts: Facts = KNOWN) -> str | None:
    item = next_item(DAILY, answers, facts)
    return item.key if item else None


def asked(answers: dict[str, Any], facts: Facts = KNOWN) -> list[str]:
    """The questions in order when those of `answers` are answered so, and all others blandly."""
    bland = {"temp": Decimal("36.5"), "temp_site": "armpit", "signs": ("none",), "bleeding": "skin",
             "antipyretic": "not_taken", "doses": "all", "well": "same", "recheck": Decimal("36.5")}  # fmt: skip
    given_so_far: dict[str, Any] = {}
    order = []
    while (key := next_key(given_so_far, facts)) is not None:
        order.append(key)
        given_so_far[key] = answers.get(key, bland[key])
    return order


def test_the_shortest_day() -> None:
    assert asked({}) == ["temp", "signs", "doses", "well"]


def test_the_site_is_asked_once_and_again_with_a_temperature() -> None:
    assert asked({}, NEW) == ["temp", "temp_site", "signs", "doses", "well"]
    assert "temp_site" not in asked({"temp": Decimal("37.4")})
    assert "temp_site" in asked({"temp": Decimal("37.5")})
    assert "temp_site" not in asked({"temp": "no_thermometer"}, NEW)


def test_bleeding_and_antipyretic_are_asked_when_they_matter() -> None:
    assert asked({"signs": ("D",)}) == ["temp", "signs", "bleeding", "antipyretic", "doses", "well"]
    assert asked({"signs": ("G",)}) == ["temp", "signs", "antipyretic", "doses", "well"]
    assert "antipyretic" not in asked({"temp": Decimal("36.9")})
    assert "antipyretic" in asked({"temp": Decimal("37.0")})


def test_the_recheck_is_asked_when_it_is_due() -> None:
    assert "recheck" not in asked({"temp": Decimal("37.6")})
    due = Facts(now=NOW, stored={"temp_site": "armpit"}, recheck_due=True)
    assert next_key({"temp": Decimal("37.6"), "temp_site": "armpit"}, due) == "recheck"


def test_missing_is_not_normal() -> None:
    assert [item.key for item in missing_items(DAILY, {}, KNOWN)] == ["temp", "signs", "doses", "well"]
    assert "bleeding" in [item.key for item in missing_items(DAILY, {"signs": ("D",)}, KNOWN)]
    assert with_answers(DAILY, {}, KNOWN).reading is None


@pytest.mark.parametrize(
    ("item", "text", "value"),
    [
        ("temp", "37,8", Decimal("37.8")),
        ("temp", "37 e 38", Decimal("38.0")),
        ("temp", "NO", "no_thermometer"),
        ("temp", "não", "no_thermometer"),
        ("temp", "nao tenho termometro", "no_thermometer"),
        ("temp", "no_thermometer", "no_thermometer"),
        ("temp", "nao quero", "refused"),
        ("temp_site", "1", "armpit"),
        ("temp_site", "Axila", "armpit"),
        ("temp_site", "mouth", "mouth"),
        ("signs", "AD", ("A", "D")),
        ("signs", "a d", ("A", "D")),
        ("signs", "A, D", ("A", "D")),
        ("signs", "A and D", ("A", "D")),
        ("signs", "N", ("none",)),
        ("signs", "nada", ("none",)),
        ("signs", "none", ("none",)),
        ("signs", "AN", ("A",)),
        ("signs", "A Z", ("A",)),
        ("signs", "d, z, a", ("A", "D")),
        ("signs", "calafrio", ("A",)),
        ("signs", "falta de ar e vomito", ("B", "G")),
        ("bleeding", "1", "skin"),
        ("bleeding", "1 e 3", "not_stopping"),
        ("bleeding", "dois", "stopped"),
        ("antipyretic", "sim", "taken"),
        ("antipyretic", "Yes", "taken"),
        ("antipyretic", "n", "not_taken"),
        ("doses", "Todas", "all"),
        ("doses", "4.", "told_to_stop"),
        ("well", "muito pior", "much_worse"),
        ("well", " 4 ", "much_worse"),
    ],
)
def test_an_answer(item: str, text: str, value: Any) -> None:
    found = read_answer(DAILY.item(item), text, "pt-BR")
    assert isinstance(found, Answer) and (found.value, found.raw) == (value, text)


@pytest.mark.parametrize(
    ("item", "text", "reason"),
    [
        ("temp", "", "empty"),
        ("temp", "bom", "unreadable"),
        ("temp", "45", "out_of_range"),
        ("signs", "37", "is_a_temperature"),
        ("signs", "tudo bem", "unreadable"),
        ("signs", "XYZ", "unreadable"),
        ("signs", "N Z", "unreadable"),
        ("signs", "ai", "unreadable"),
        ("bleeding", "6", "unreadable"),
        ("doses", "12", "unreadable"),
        ("well", "37,8", "is_a_temperature"),
    ],
)
def test_what_is_no_answer(item: str, text: str, reason: str) -> None:
    found = read_answer(DAILY.item(item), text)
    assert isinstance(found, Wrong) and found.reason == reason


def test_numbers_have_bounds() -> None:
    item = WEEKLY.item("red_cell_bags")
    assert read_answer(item, "2") == Answer(Decimal(2), "2")
    assert read_answer(item, "41") == Wrong("out_of_range")
    assert read_answer(item, "-1") == Wrong("out_of_range")
    assert read_answer(item, "two or 3, 4") == Wrong("unreadable")
    assert read_answer(WEEKLY.item("free_text"), "  hello ") == Answer("hello", "  hello ")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("36,8 N 1 2", {"temp": "36.8", "signs": ("none",), "doses": "all", "well": "same"}),
        ("36,8N12", {"temp": "36.8", "signs": ("none",), "doses": "all", "well": "same"}),
        ("36.8, N, 1, 2", {"temp": "36.8", "signs": ("none",), "doses": "all", "well": "same"}),
        ("36.8 AD 1 2", {"temp": "36.8", "signs": ("A", "D"), "doses": "all", "well": "same"}),
        ("36,8 C 1 2", {"temp": "36.8", "signs": ("C",), "doses": "all", "well": "same"}),
        ("36,8C N 1 2", {"temp": "36.8", "signs": ("none",), "doses": "all", "well": "same"}),
        ("37,2 N 1 2", {"temp": "37.2", "signs": ("none",), "doses": "all", "well": "same"}),
        (
            "37,2 N 2 1 2",
            {"temp": "37.2", "signs": ("none",), "antipyretic": "not_taken", "doses": "all", "well": "same"},
        ),
        ("NO N 1 2", {"temp": "no_thermometer", "signs": ("none",), "doses": "all", "well": "same"}),
        ("38,9 A", {"temp": "38.9", "signs": ("A",)}),
    ],
)
def test_one_message_for_everything(text: str, values: dict[str, Any]) -> None:
    found = {key: answer.value for key, answer in read_all(DAILY, text, "pt-BR", KNOWN).items()}
    assert found == {key: Decimal(value) if value[0].isdigit() else value for key, value in values.items()}


@pytest.mark.parametrize(
    "text", ["36,8", "N", "", "36,8 N 1 2 3 4 5", "N 1 2", "37 anos", "36,8 xyz", "bom dia"]
)
def test_what_is_not_everything(text: str) -> None:
    assert read_all(DAILY, text, "pt-BR", KNOWN) == {}


def test_a_page_is_read_by_the_same_rules() -> None:
    answers, faults = read_form(DAILY, {"temp": "36,8", "signs": "N", "doses": "9", "well": ""}, "pt-BR")
    assert {key: answer.value for key, answer in answers.items()} == {
        "temp": Decimal("36.8"),
        "signs": ("none",),
    }
    assert set(faults) == {"doses"}


def test_signs_are_letters_without_the_one_for_none() -> None:
    assert letters_of(DAILY, {"signs": ("none",)}) == frozenset()
    assert letters_of(DAILY, {"signs": ["A", "B"]}) == {"A", "B"}


def test_every_question_has_its_words_in_both_languages() -> None:
    for form in (DAILY, WEEKLY):
        assert form.source == "own wording, not a validated instrument" and form.licence and form.version
        for item in form.items:
            texts = [item.text, *(choice.text for choice in item.choices)]
            assert all(text.get("en") and text.get("pt-BR") for text in texts), item.key
            if "sms" in form.channels:
                assert item.sms, item.key
            codes = [choice.code for choice in item.choices]
            assert len(codes) == len(set(codes))


@given(st.sampled_from([*DAILY.items, *WEEKLY.items]), st.text(max_size=60))
def test_no_text_raises(item: Any, text: str) -> None:
    found = read_answer(item, text)
    assert isinstance(found, Answer | Wrong)
    if isinstance(found, Answer) and item.type is ItemType.CHOICE:
        assert found.value in {choice.value for choice in item.choices}
    read_all(DAILY, text, "en", NEW)
