"""CTCAE cut-offs: each limit, from both sides; and the two research definitions of febrile neutropenia."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from workflows.decisions import RuleViolation
from workflows.grading import (
    grade_fever,
    grade_value,
    is_ctcae_febrile_neutropenia,
    is_idsa_febrile_neutropenia,
    propose_grade,
)

LOW_CASES = [
    ("anc", "2000", [("2000", 0), ("1999", 1), ("1500", 1), ("1499", 2), ("1000", 2), ("999", 3), ("500", 3), ("499", 4)]),  # noqa: E501
    ("platelets", "150000", [("150000", 0), ("149999", 1), ("75000", 1), ("74999", 2), ("50000", 2), ("49999", 3), ("25000", 3), ("24999", 4)]),  # noqa: E501
    ("hb", "12", [("12", 0), ("11.9", 1), ("10.0", 1), ("9.9", 2), ("8.0", 2), ("7.9", 3), ("3.0", 3)]),
    ("wbc", "4000", [("4000", 0), ("3999", 1), ("3000", 1), ("2999", 2), ("2000", 2), ("1999", 3), ("1000", 3), ("999", 4)]),  # noqa: E501
]  # fmt: skip  # noqa: E501
HIGH_CASES = [
    ("creatinine", "1.2", [("1.2", 0), ("1.21", 1), ("1.8", 1), ("1.81", 2), ("3.6", 2), ("3.61", 3), ("7.2", 3), ("7.21", 4)]),  # noqa: E501
    ("alt", "40", [("40", 0), ("41", 1), ("120", 1), ("121", 2), ("200", 2), ("201", 3), ("800", 3), ("801", 4)]),
    ("ast", "40", [("40", 0), ("41", 1), ("120", 1), ("121", 2), ("200", 2), ("201", 3), ("800", 3), ("801", 4)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("test", "lower", "value", "grade"), [(t, low, v, g) for t, low, rows in LOW_CASES for v, g in rows]
)
def test_counts_that_fall(test: str, lower: str, value: str, grade: int) -> None:
    assert grade_value(test, D(value), lower=D(lower)) == grade


@pytest.mark.parametrize(
    ("test", "upper", "value", "grade"), [(t, up, v, g) for t, up, rows in HIGH_CASES for v, g in rows]
)
def test_values_that_rise(test: str, upper: str, value: str, grade: int) -> None:
    assert grade_value(test, D(value), upper=D(upper)) == grade


def test_version_6_moved_the_neutrophils() -> None:
    assert [grade_value("anc", D(v), lower=D(2000)) for v in ("499", "100", "99")] == [4, 4, 4]
    assert [grade_value("anc", D(v), lower=D(2000), table="ctcae-6.0") for v in ("499", "100", "99")] == [
        3,
        3,
        4,
    ]


def test_a_grade_stands_beside_the_baselines() -> None:
    same = propose_grade("platelets", D(8000), D(9000), lower=D(150000))
    assert (same.grade, same.baseline, same.is_worse) == (4, 4, False)
    worse = propose_grade("alt", D(300), D(30), upper=D(40))
    assert (worse.grade, worse.baseline, worse.is_worse) == (3, 0, True)
    assert propose_grade("anc", D(400), None).is_worse


def test_a_deep_count_needs_no_limit_of_normal_but_a_mild_one_does() -> None:
    assert grade_value("anc", D(400)) == 4
    with pytest.raises(RuleViolation, match="lower"):
        grade_value("anc", D(1800))
    with pytest.raises(RuleViolation, match="upper"):
        grade_value("alt", D(90))


@pytest.mark.parametrize(
    ("test", "value", "table"),
    [
        ("sodium", "140", "ctcae-5.0"),
        ("anc", "-1", "ctcae-5.0"),
        ("anc", "NaN", "ctcae-5.0"),
        ("anc", "900", "ctcae-4.0"),
    ],
)  # noqa: E501
def test_what_cannot_be_graded_is_refused(test: str, value: str, table: str) -> None:
    with pytest.raises(RuleViolation):
        grade_value(test, D(value), lower=D(2000), upper=D(3000), table=table)


@pytest.mark.parametrize(
    ("celsius", "hours", "grade"),
    [
        ("37.9", 0, 0),
        ("38.0", 0, 1),
        ("39.0", 0, 1),
        ("39.1", 0, 2),
        ("40.0", 0, 2),
        ("40.1", 24, 3),
        ("40.1", 25, 4),
    ],
)
def test_fever(celsius: str, hours: int, grade: int) -> None:
    assert grade_fever(D(celsius), D(hours)) == grade


def test_38_3_exactly_is_idsa_but_not_ctcae() -> None:
    assert is_idsa_febrile_neutropenia(D("38.3"), D(0), D(400), expected=False)
    assert not is_ctcae_febrile_neutropenia(D("38.3"), D(0), D(400))
    assert is_ctcae_febrile_neutropenia(D("38.4"), D(0), D(400))


def test_an_hour_at_38_exactly_is_idsa_but_ctcae_needs_more() -> None:
    assert is_idsa_febrile_neutropenia(D("38.0"), D(1), D(499), expected=False)
    assert not is_ctcae_febrile_neutropenia(D("38.0"), D(1), D(499))
    assert is_ctcae_febrile_neutropenia(D("38.0"), D("1.1"), D(999))


def test_the_counts_of_both_definitions() -> None:
    assert not is_idsa_febrile_neutropenia(D(39), D(0), D(500), expected=False)
    assert is_idsa_febrile_neutropenia(D(39), D(0), D(500), expected=True)
    assert is_idsa_febrile_neutropenia(D(39), D(0), None, expected=True)
    assert not is_ctcae_febrile_neutropenia(D(39), D(0), D(1000))
    assert not is_ctcae_febrile_neutropenia(D(39), D(0), None)
