"""Anchors: actual before planned before projected, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.calendar_case import ENROLLED, STUDY, ZONE, day
from workflows.anchors import (
    AnchorDate,
    check_planned,
    counted_from,
    day_of,
    due_stops,
    is_skipped,
    resolve_anchors,
    shift,
)
from workflows.decisions import RuleViolation
from workflows.protocol import DayRef, Timing


def resolved(**anchors: date | AnchorDate) -> dict[str, AnchorDate]:
    return resolve_anchors(STUDY, {"enrolment": ENROLLED, **anchors}, ZONE)


def test_an_actual_date_wins_over_a_planned_one_and_that_over_the_projection() -> None:
    assert resolved()["atg_start"].date == day("03-09") and not resolved()["atg_start"].is_actual
    planned = AnchorDate("atg_start", planned=day("03-11"))
    assert resolved(atg_start=planned)["atg_start"].date == day("03-11")
    both = AnchorDate("atg_start", planned=day("03-11"), actual=day("03-12"))
    assert resolved(atg_start=both)["atg_start"].date == day("03-12")
    assert resolved(atg_start=both)["infusion_1"].date == day("03-19")


def test_an_aware_instant_gives_date_and_time_of_the_zone() -> None:
    found = resolved(infusion_1=datetime(2026, 3, 20, 17, 45, tzinfo=UTC))["infusion_1"]
    assert (found.actual, found.actual_time) == (day("03-20"), time(14, 45))


def test_the_last_infusion_is_the_latest_that_happened() -> None:
    assert resolved()["last_infusion"].date == resolved()["infusion_1"].date
    given_two = resolved(infusion_1=day("03-18"), infusion_2=day("03-26"))
    assert given_two["last_infusion"].actual == day("03-26")


def test_a_skipped_anchor_is_counted_from_the_one_before() -> None:
    anchors = resolved(infusion_1=day("03-18"), infusion_2=day("03-25"), infusion_4=day("04-08"))
    assert is_skipped(STUDY, anchors, "infusion_3") and not is_skipped(STUDY, anchors, "infusion_5")
    assert counted_from(STUDY, anchors, "infusion_3") == "infusion_2"
    both = resolved(
        infusion_1=day("03-18"),
        infusion_2=AnchorDate("infusion_2", skipped=True),
        infusion_3=AnchorDate("infusion_3", skipped=True),
    )
    assert counted_from(STUDY, both, "infusion_3") == "infusion_1"


@pytest.mark.parametrize(
    ("name", "when"),
    [("atg_start", "03-01"), ("infusion_1", "03-13"), ("infusion_2", "03-15"), ("atg_start", "1850-01-01")],
)
def test_dates_out_of_order_are_refused_by_the_anchors_name(name: str, when: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        resolved(**{name: day(when)})
    assert refused.value.field == name


def test_a_planned_date_out_of_order_is_refused_where_it_is_planned() -> None:
    anchors = resolved(atg_start=day("03-09"), infusion_1=AnchorDate("infusion_1", planned=day("03-12")))
    with pytest.raises(RuleViolation, match="cannot be planned before 2026-03-14"):
        check_planned(STUDY, anchors, "infusion_1")
    check_planned(STUDY, anchors, "atg_start")


def test_days_are_counted_from_anchors() -> None:
    assert day_of(resolved(), DayRef("atg_start", 28)) == day("04-06")
    assert day_of(resolve_anchors(STUDY, {}, ZONE), DayRef("atg_start", 28)) is None


def test_the_stop_is_due_after_day_28_without_an_infusion() -> None:
    assert due_stops(STUDY, resolved(), day("04-06")) == ()
    assert [stop.task for stop in due_stops(STUDY, resolved(), day("04-07"))] == ["no_infusion_by_day_28"]
    assert due_stops(STUDY, resolved(infusion_1=day("03-20")), day("04-07")) == ()


def test_calendar_months_end_on_the_last_day_there_is() -> None:
    month, back = Timing("a", steps=((1, 0),)), Timing("a", steps=((-1, 0),))
    assert shift(day("01-31"), month) == day("02-28")
    assert shift(day("2028-01-31"), month) == day("2028-02-29")
    assert shift(day("12-15"), month) == day("2027-01-15")
    assert shift(day("03-31"), back) == day("02-28")
    assert shift(day("01-10"), Timing("a", steps=((0, 21), (1, 0)))) == day("02-28")


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(-40, 40))
def test_months_there_and_back_stay_within_the_month(base: date, months: int) -> None:
    moved = shift(base, Timing("a", steps=((months, 0),)))
    assert (moved.year * 12 + moved.month) - (base.year * 12 + base.month) == months
    assert moved.day == base.day or (moved + timedelta(days=1)).day == 1
