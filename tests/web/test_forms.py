"""Reading a posted form: what comes in, what comes out, which field is blamed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from service.errors import Conflict, Problem
from service.web.forms import Form
from workflows.decisions import RuleViolation


@pytest.fixture(autouse=True)
def _in_a_request(house: Any) -> Any:
    with house.app.test_request_context("/", headers={"Accept-Language": "en"}):
        yield


@pytest.mark.parametrize(
    ("method", "typed", "value"),
    [
        ("text", "  a b ", "a b"),
        ("date", "2026-02-28", date(2026, 2, 28)),
        ("time", "9:30", None),
        ("time", "09:30", "09:30"),
        ("date", "2026-02-30", None),
        ("date", "28/02/2026", None),
    ],
)
def test_readers(method: str, typed: str, value: Any) -> None:
    form = Form({"f": typed})
    assert getattr(form, method)("f") == value
    assert form.ok == (value is not None)
    assert form.value("f") == typed


@pytest.mark.parametrize(
    ("typed", "value"), [("71,5", Decimal("71.5")), ("71.5", Decimal("71.5")), ("19", None), ("NaN", None), ("x", None)]
)
def test_decimals(typed: str, value: Decimal | None) -> None:
    form = Form({"f": typed})
    assert form.decimal("f", Decimal(20), Decimal(300)) == value
    assert form.ok == (value is not None)


def test_optional_fields_may_be_empty_and_required_ones_may_not() -> None:
    form = Form({})
    assert form.date("a", required=False) is None and form.time("b") is None and form.text("c", required=False) == ""
    assert form.ok
    form.text("d")
    assert list(form.errors) == ["d"]


def test_choices() -> None:
    form = Form({"a": "x", "b": "z", "c": ""})
    assert form.one_of("a", ("x", "y")) == "x"
    assert form.one_of("c", ("x",), required=False) == ""
    assert form.ok
    assert form.one_of("b", ("x", "y")) == "" and list(form.errors) == ["b"]


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (RuleViolation("date", "x", "cannot be"), "date"),
        (RuleViolation("completed_on", "x", "cannot be"), "date"),
        (Conflict("somebody was first", field="date"), "date"),
        (Problem("no"), ""),
        (RuleViolation("elsewhere", "x", "cannot be"), ""),
    ],
)
def test_a_refusal_is_shown_at_its_field_or_at_the_top(error: Problem | RuleViolation, field: str) -> None:
    form = Form({"date": "2026-01-01"})
    form.take(error, completed_on="date")
    assert list(form.errors) == [field]


def test_many_values_are_kept() -> None:
    form = Form(MultiDict([("v", "A"), ("v", "B")]))
    assert form.typed.getlist("v") == ["A", "B"]
