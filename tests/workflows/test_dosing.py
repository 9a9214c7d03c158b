"""Dose arithmetic by worked examples."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.decisions import RuleViolation
from workflows.dosing import atg_dose, csa_correction, csa_level, csa_start, is_trough


@pytest.mark.parametrize(("weight", "mg"), [("70", "245.0"), ("62.5", "218.8"), ("48.3", "169.1")])
def test_atg_is_three_and_a_half_milligrams_per_kilogram(weight: str, mg: str) -> None:
    assert atg_dose(D(weight)).total == D(mg)


@pytest.mark.parametrize(
    ("weight", "total", "split"),
    [("70", 350, (175, 175)), ("64", 325, (175, 150)), ("62.5", 325, (175, 150))],
)
def test_cyclosporine_starts_at_five_per_kilogram_in_whole_capsules(
    weight: str, total: int, split: tuple[int, int]
) -> None:
    dose = csa_start(D(weight))
    assert dose.total == total and dose.split == split and dose.steps


@pytest.mark.parametrize(
    ("current", "level", "total", "capped"),
    [
        (300, 200, 300, False),
        (300, 150, 300, False),  # both ends of the range stay
        (300, 250, 300, False),
        (300, "149", 375, True),  # 402.7 is more than a quarter up
        (300, 300, 225, True),  # 200 is more than a quarter down
        (400, 260, 300, False),  # 307.7 -> 300
        (200, 260, 150, False),  # 153.8 -> 150
        (400, 120, 500, True),
        (100, 500, 75, True),
    ],
)
def test_a_correction_is_proportional_rounded_and_capped(
    current: int, level: object, total: int, capped: bool
) -> None:
    dose = csa_correction(D(current), D(str(level)))
    assert (dose.total, dose.capped) == (total, capped)
    assert sum(dose.split) == total and dose.steps


def test_where_no_capsule_fits_the_cap_the_dose_stays_and_says_why() -> None:
    dose = csa_correction(D(30), D(500))
    assert dose.total in (D(25), D(30))
    small = csa_correction(D(10), D(100))
    assert small.total == 10 and "stays" in small.steps[-2]


@given(st.integers(1, 40), st.integers(10, 2000))
def test_no_step_is_larger_than_a_quarter(capsules: int, level: int) -> None:
    current = D(capsules * 25)
    dose = csa_correction(current, D(level))
    assert abs(dose.total - current) <= current / 4
    assert dose.total > 0 and sum(dose.split) == dose.total
    if level < 150:
        assert dose.total >= current
    if level > 250:
        assert dose.total <= current


@pytest.mark.parametrize("unit", ["ng/mL", "NG/ML", "ug/L", "µg/L", "mcg/L"])
def test_levels_are_in_nanograms_per_millilitre(unit: str) -> None:
    assert csa_level(D(187), unit) == 187


@pytest.mark.parametrize("unit", ["mg/dl", "mg/dL", "nmol/L", "", "mg/L"])
def test_the_registrys_unit_and_every_other_is_refused(unit: str) -> None:
    with pytest.raises(RuleViolation, match="ng/mL or ug/L"):
        csa_level(D(187), unit)
    if unit.lower() == "mg/dl":
        with pytest.raises(RuleViolation, match="registry"):
            csa_level(D(187), unit)


@pytest.mark.parametrize("value", ["9.9", "2000.1", "NaN", "-5"])
def test_implausible_levels_are_refused(value: str) -> None:
    with pytest.raises(RuleViolation, match="level"):
        csa_level(D(value), "ng/mL")


def test_a_trough_is_eleven_to_thirteen_hours_after_the_dose() -> None:
    assert [is_trough(D(h)) for h in ("10.9", "11", "12", "13", "13.1")] == [False, True, True, True, False]


@pytest.mark.parametrize("weight", ["19.9", "250.1", "NaN"])
def test_implausible_weights_and_doses_are_refused(weight: str) -> None:
    with pytest.raises(RuleViolation, match="weight_kg"):
        csa_start(D(weight))
    with pytest.raises(RuleViolation, match="current_mg"):
        csa_correction(D(0), D(100))
