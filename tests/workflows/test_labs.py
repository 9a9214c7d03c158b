"""Laboratory values: units that are meant, units that cannot be, and when a level is a trough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.decisions import RuleViolation
from workflows.labs import LABS, is_trough, read_value


@pytest.mark.parametrize(
    ("code", "value", "unit", "kept"),
    [
        ("csa", "10", "ng/mL", "10"),
        ("csa", "2000", "NG/ML", "2000"),
        ("csa", "212", "µg/L", "212"),
        ("csa", "212", "mcg/L", "212"),
        ("hb", "85", "g/L", "8.5"),
        ("hb", "8.5", " g / dL ", "8.5"),
        ("anc", "0.5", "10^9/L", "500"),
        ("anc", "0.499", "x10^3/µL", "499"),
        ("platelets", "21000", "/mm³", "21000"),
        ("anc", "0.499", "10^3/uL", "499"),
        ("platelets", "21", "10^3/uL", "21000"),
        ("creatinine", "88.4", "umol/L", "0.99999848"),
        ("k", "4.1", "mEq/L", "4.1"),
    ],
)
def test_a_value_in_a_unit_that_is_known(code: str, value: str, unit: str, kept: str) -> None:
    read = read_value(code, Decimal(value), unit)
    assert read.value == Decimal(kept) and read.unit == LABS[code].unit


@pytest.mark.parametrize(
    ("code", "value", "unit", "field"),
    [
        ("csa", "200", "mg/dL", "unit"),
        ("csa", "200", "mg/dl", "unit"),
        ("csa", "200", "", "unit"),
        ("csa", "9.9", "ng/mL", "value"),
        ("csa", "2000.1", "ng/mL", "value"),
        ("hb", "85", "g/dL", "value"),
        ("ferritin", "1", "ng/mL", "code"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(code: str, value: str, unit: str, field: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        read_value(code, Decimal(value), unit)
    assert caught.value.field == field


@given(st.text(max_size=12))
def test_no_unit_that_anybody_types_breaks_the_reading(unit: str) -> None:
    try:
        assert read_value("anc", Decimal(1), unit).unit == "/mm3"
    except RuleViolation as error:
        assert error.field == "unit"


@pytest.mark.parametrize(("minutes", "trough"), [(659, False), (660, True), (780, True), (781, False)])
def test_a_trough_is_eleven_to_thirteen_hours_after_the_dose(minutes: int, trough: bool) -> None:
    dose = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
    assert is_trough(dose + timedelta(minutes=minutes), dose) is trough
    assert is_trough(None, dose) is None and is_trough(dose, None) is None
