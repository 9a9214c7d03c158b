"""Inclusion and exclusion, one criterion at a time."""

from __future__ import annotations

import pytest

from tests.workflows.calendar_case import day
from workflows.eligibility import EXCLUSION, INCLUSION, age_on, assess

ON = day("03-02")
BORN = day("1990-05-05")
MET: dict[str, bool | None] = {**dict.fromkeys(INCLUSION, True), **dict.fromkeys(EXCLUSION, False)}


def test_everything_met_is_eligible() -> None:
    found = assess(BORN, MET, ON)
    assert found.eligible and found.reasons == () and found.unknown == ()


@pytest.mark.parametrize("key", [*INCLUSION, *EXCLUSION])
def test_each_criterion_excludes_alone_and_says_so(key: str) -> None:
    found = assess(BORN, {**MET, key: not MET[key]}, ON)
    assert not found.eligible and found.reasons == ({**INCLUSION, **EXCLUSION}[key],)


@pytest.mark.parametrize("key", [*INCLUSION, *EXCLUSION])
def test_a_criterion_without_an_answer_is_never_met(key: str) -> None:
    for answers in ({**MET, key: None}, {name: value for name, value in MET.items() if name != key}):
        found = assess(BORN, answers, ON)
        assert not found.eligible and found.unknown == (key,) and found.reasons == ()


@pytest.mark.parametrize(
    ("born", "eligible"),
    [
        ("2008-03-02", True),
        ("2008-03-03", False),
        ("1960-03-03", True),
        ("1960-03-02", False),
    ],
)
def test_age_is_18_to_65_in_completed_years(born: str, eligible: bool) -> None:
    assert assess(day(born), MET, ON).eligible is eligible


def test_a_birthday_on_29_february_comes_on_1_march() -> None:
    assert age_on(day("2008-02-29"), day("2026-02-28")) == 17
    assert age_on(day("2008-02-29"), day("2026-03-01")) == 18


def test_without_a_birth_date_the_age_is_unknown_and_strange_keys_are_an_error() -> None:
    assert assess(None, MET, ON).unknown == ("age",)
    with pytest.raises(KeyError, match="height"):
        assess(BORN, {**MET, "height": True}, ON)
