"""Occasions: days and hours where the patient lives, across clock changes, and where an answer belongs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.occasions import (
    OccasionStatus,
    PlannedOccasion,
    occasion_for_answer,
    plan_occasions,
    status_at,
)
from workflows.protocol_file import load_design

DESIGN = load_design(files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8"))
ANCHORS = {"enrolment": date(2026, 3, 2), "atg_start": date(2026, 3, 9), "infusion_1": date(2026, 3, 16)}
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ZONES = ["America/Sao_Paulo", "America/New_York", "Europe/Lisbon", "Pacific/Apia", "Asia/Kathmandu"]


def plan(
    zone: str = "America/Sao_Paulo", start: date = date(2026, 3, 1), days: int = 400
) -> list[PlannedOccasion]:
    return list(
        plan_occasions(DESIGN, ANCHORS, ZoneInfo(zone), start=start, end=start + timedelta(days=days))
    )


def test_daily_from_atg_day_1_to_week_26_and_weekly_from_week_1() -> None:
    daily = [one.for_date for one in plan() if one.questionnaire == "daily"]
    weekly = [one.for_date for one in plan() if one.questionnaire == "weekly"]
    assert (daily[0], daily[-1]) == (date(2026, 3, 9), date(2026, 3, 16) + timedelta(days=182))
    assert len(daily) == (daily[-1] - daily[0]).days + 1
    assert weekly == [date(2026, 3, 16) + timedelta(days=7 * week) for week in range(1, 27)]


def test_the_hours_of_one_day() -> None:
    (one,) = [one for one in plan(start=date(2026, 3, 9), days=0)]
    assert one.opens_at == datetime(2026, 3, 9, 11, tzinfo=UTC)
    assert one.reminder_ats == (datetime(2026, 3, 9, 13, tzinfo=UTC), datetime(2026, 3, 9, 15, tzinfo=UTC))
    assert one.late_at == datetime(2026, 3, 10, 3, tzinfo=UTC)
    assert one.missed_at == datetime(2026, 3, 10, 15, tzinfo=UTC)


def test_nothing_without_the_anchor_and_open_ended_without_the_last() -> None:
    zone = SAO_PAULO
    assert plan_occasions(DESIGN, {}, zone, start=date(2026, 3, 1), end=date(2026, 4, 1)) == ()
    only = plan_occasions(
        DESIGN, {"atg_start": date(2026, 3, 9)}, zone, start=date(2026, 3, 1), end=date(2026, 3, 12)
    )
    assert [one.for_date.day for one in only] == [9, 10, 11, 12]


def test_a_window_that_starts_between_two_weeks() -> None:
    found = [one.for_date for one in plan(start=date(2026, 3, 24), days=8) if one.questionnaire == "weekly"]
    assert found == [date(2026, 3, 30)]


@pytest.mark.parametrize("zone", ZONES)
def test_it_opens_at_eight_where_the_patient_is_every_day_of_the_year(zone: str) -> None:
    for one in plan(zone):
        if one.questionnaire == "daily":
            local = one.opens_at.astimezone(ZoneInfo(zone))
            assert (local.date(), local.hour, local.minute) == (one.for_date, 8, 0)
        assert one.opens_at < one.reminder_ats[0] < one.late_at + timedelta(days=3)
        assert one.late_at < one.missed_at and one.opens_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 10, 31), 25),  # the clocks go back on 1 November
        ("America/New_York", date(2027, 3, 13), 23),  # and forward on 14 March
        ("Europe/Lisbon", date(2026, 10, 24), 25),
        ("Europe/Lisbon", date(2026, 3, 28), 23),
    ],
)
def test_a_day_the_clocks_change_has_another_length(zone: str, day: date, hours: int) -> None:
    anchors = {"atg_start": day - timedelta(days=1)}
    first, second = plan_occasions(DESIGN, anchors, ZoneInfo(zone), start=day, end=day + timedelta(days=1))
    assert second.opens_at - first.opens_at == timedelta(hours=hours)


def test_the_states_of_a_day() -> None:
    (one,) = plan(start=date(2026, 3, 9), days=0)
    second = timedelta(seconds=1)
    assert status_at(one, one.opens_at - second) is OccasionStatus.UPCOMING
    assert status_at(one, one.opens_at) is OccasionStatus.OPEN
    assert status_at(one, one.late_at - second) is OccasionStatus.OPEN
    assert status_at(one, one.late_at) is OccasionStatus.LATE
    assert status_at(one, one.missed_at - second) is OccasionStatus.LATE
    assert status_at(one, one.missed_at) is OccasionStatus.MISSED
    assert status_at(one, one.missed_at, answered_at=one.opens_at) is OccasionStatus.ANSWERED
    assert status_at(one, one.late_at, paused=True) is OccasionStatus.PAUSED


def test_where_an_answer_belongs() -> None:
    monday, tuesday = plan(start=date(2026, 3, 9), days=1)
    both = [monday, tuesday]
    assert occasion_for_answer(both, monday.opens_at - timedelta(seconds=1)) is None
    assert occasion_for_answer(both, monday.opens_at) is monday
    assert occasion_for_answer(both, tuesday.opens_at - timedelta(seconds=1)) is monday
    assert occasion_for_answer(both, tuesday.opens_at) is tuesday
    assert occasion_for_answer([monday], monday.missed_at) is None, "no back-filling"


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.sampled_from(ZONES))
def test_planning_twice_gives_the_same(day: date, zone: str) -> None:
    anchors = {"atg_start": day, "infusion_1": day + timedelta(days=7)}
    first = plan_occasions(DESIGN, anchors, ZoneInfo(zone), start=day, end=day + timedelta(days=20))
    again = plan_occasions(DESIGN, anchors, ZoneInfo(zone), start=day, end=day + timedelta(days=20))
    assert first == again
    keys = [(one.questionnaire, one.for_date) for one in first]
    assert len(keys) == len(set(keys)) and [one.for_date for one in first] == sorted(
        one.for_date for one in first
    )


def test_a_year_in_every_zone_asks_and_reminds_once_a_day() -> None:
    """Zones whose clocks go alike are asked once."""
    first, schedule = date(2026, 1, 1), DESIGN.questionnaire("daily").schedule
    assert schedule is not None
    days = [first + timedelta(days=number) for number in range(366)]
    clocks: dict[tuple[timedelta | None, ...], str] = {}
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        clocks.setdefault(tuple(datetime.combine(day, schedule.at, zone).utcoffset() for day in days), name)
    anchors = {"atg_start": first, "infusion_1": first + timedelta(days=400)}
    for name in clocks.values():
        zone = ZoneInfo(name)
        asked = [
            one
            for one in plan_occasions(DESIGN, anchors, zone, start=days[0], end=days[-1])
            if one.questionnaire == "daily"
        ]
        assert [one.for_date for one in asked] == days, name
        assert [one.opens_at.astimezone(zone).date() for one in asked] == days, name
        reminders = [at for one in asked for at in one.reminder_ats]
        assert len(reminders) == len(set(reminders)) == 2 * len(days), name
        assert all(one.opens_at < min(one.reminder_ats) for one in asked), name
        assert all(max(one.reminder_ats) < after.opens_at for one, after in zip(asked, asked[1:])), name
