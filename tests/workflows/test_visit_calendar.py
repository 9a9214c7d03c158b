"""The first study's calendar, and every edge that its design names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.workflows.calendar_case import ENROLLED, STUDY, ZONE, day, plan
from workflows.anchors import AnchorDate
from workflows.closed_days import ClosedDays, closed_days_of
from workflows.decisions import RuleViolation
from workflows.protocol import Setting
from workflows.visit_calendar import plan_visits

ATG = day("03-09")
INFUSION = day("03-20")
ALL = {"enrolment": ENROLLED, "atg_start": ATG, "infusion_1": INFUSION}

# code, days from the anchor's date, window before and after, by the design's table; with infusion 1 on ATG + 11
TABLE = [
    ("ENR", ENROLLED, 0, 0, 0),
    ("BASE", ATG, -3, 4, 2),
    ("ATG1", ATG, 0, 0, 0),
    ("ATG2", ATG, 1, 0, 1),
    ("ATG5", ATG, 4, 0, 1),
    ("INF1C", INFUSION, 1, 0, 1),
    ("INF2", INFUSION, 7, 1, 3),
    ("W02", INFUSION, 14, 2, 2),
    ("W13", INFUSION, 91, 2, 2),
    ("W26", INFUSION, 182, 2, 2),
    ("BM30", INFUSION, 30, 7, 7),
    ("BM90", INFUSION, 90, 7, 7),
    ("BM180", INFUSION, 180, 7, 7),
    ("R3M", INFUSION, 91, 7, 7),
    ("R6M", INFUSION, 182, 7, 14),
    ("EOS", INFUSION, 182, 7, 14),
]


@pytest.mark.parametrize(("code", "base", "offset", "before", "after"), TABLE)
def test_each_visit_of_the_table_has_its_date_and_window(
    code: str, base: date, offset: int, before: int, after: int
) -> None:
    visit = plan(ALL)[code]
    nominal = base + timedelta(days=offset)
    assert (visit.date, visit.window_start, visit.window_end) == (
        nominal,
        nominal - timedelta(days=before),
        nominal + timedelta(days=after),
    )
    assert not visit.projected and visit.flags == ()


def test_the_enrolment_date_alone_projects_the_whole_calendar() -> None:
    visits = plan()
    assert len(visits) == 42
    assert [code for code, visit in visits.items() if not visit.projected] == ["ENR"]
    assert visits["ATG1"].date == ENROLLED + timedelta(days=7)
    assert visits["INF1"].date == ENROLLED + timedelta(days=14)
    assert visits["W26"].date == ENROLLED + timedelta(days=14 + 182)


def test_only_two_infusions_are_planned_until_a_third_has_a_date() -> None:
    assert {"INF1", "INF2"} <= set(plan()) and "INF3" not in plan()
    third = plan({**ALL, "infusion_3": AnchorDate("infusion_3", planned=day("04-03"))})
    assert third["INF3"].date == day("04-03") and third["INF3"].projected
    five = plan(design=replace(STUDY, settings={**STUDY.settings, "infusions_planned": 5}))
    assert {"INF3", "INF4", "INF5"} <= set(five)
    assert five["INF5"].date == five["INF1"].date + timedelta(days=28)


def test_an_unscheduled_visit_is_never_planned() -> None:
    assert "UNS" not in plan(ALL)


def test_the_plan_is_sorted_by_date_and_then_by_protocol_order() -> None:
    visits = plan_visits(STUDY, ALL, ZONE)
    order = [encounter.code for encounter in STUDY.encounters]
    assert list(visits) == sorted(visits, key=lambda visit: (visit.date, order.index(visit.code)))
    assert [visit.code for visit in visits][-3:] == ["W26", "R6M", "EOS"]


def test_a_delayed_infusion_moves_what_follows_and_is_flagged_outside_its_window() -> None:
    visits = plan({"enrolment": ENROLLED, "atg_start": ATG, "infusion_1": ATG + timedelta(days=15)})
    assert visits["INF1"].date == ATG + timedelta(days=15)
    assert visits["INF1"].flags == ("outside_window",)
    assert visits["INF1"].window_end == ATG + timedelta(days=14)
    assert visits["W01"].date == ATG + timedelta(days=22) and not visits["W01"].projected


@pytest.mark.parametrize("late_by", [-1, 0, 4])
def test_an_infusion_on_or_before_the_last_atg_day_is_refused(late_by: int) -> None:
    with pytest.raises(RuleViolation) as refused:
        plan({**ALL, "infusion_1": ATG + timedelta(days=late_by)})
    assert refused.value.field == "infusion_1"


def test_an_infusion_the_day_after_the_last_atg_dose_is_taken() -> None:
    assert plan({**ALL, "infusion_1": ATG + timedelta(days=5)})["INF1"].date == ATG + timedelta(days=5)


def test_a_refusal_against_a_projected_date_says_which_date_to_record() -> None:
    with pytest.raises(RuleViolation, match="atg_start is only projected"):
        plan({"enrolment": ENROLLED, "infusion_1": ENROLLED + timedelta(days=8)})


def test_a_skipped_third_infusion_leaves_the_plan_and_the_next_counts_from_the_second() -> None:
    dates = {**ALL, "infusion_2": day("03-27"), "infusion_4": day("04-10")}
    visits = plan(dates)
    assert "INF3" not in visits
    assert (visits["INF4"].anchor, visits["INF4"].date) == ("infusion_2", day("04-10"))
    assert visits["INF4"].window_start == day("03-27") + timedelta(days=6)
    said = {**ALL, "infusion_2": day("03-27"), "infusion_3": AnchorDate("infusion_3", skipped=True)}
    four = replace(STUDY, settings={**STUDY.settings, "infusions_planned": 4})
    assert "INF3" not in plan(said, four)
    assert plan(said, four)["INF4"].date == day("04-03")


def test_a_second_infusion_counts_from_the_actual_first_and_is_where_it_was_given() -> None:
    visits = plan({**ALL, "infusion_2": INFUSION + timedelta(days=9)})
    assert visits["INF2"].date == INFUSION + timedelta(days=9)
    assert visits["W01"].date == INFUSION + timedelta(days=7) and visits["W01"].merged_into is None


def test_an_anchor_can_be_corrected_backwards_or_taken_away() -> None:
    earlier = plan({**ALL, "infusion_1": INFUSION - timedelta(days=3)})
    assert earlier["W10"].date == plan(ALL)["W10"].date - timedelta(days=3)
    without = plan({"enrolment": ENROLLED, "atg_start": ATG})
    assert without["W10"].projected and without["W10"].date == ATG + timedelta(days=7 + 70)


def test_29_february_is_a_day_like_any_other() -> None:
    visits = plan(
        {"enrolment": day("2028-02-08"), "atg_start": day("2028-02-15"), "infusion_1": day("2028-02-22")}
    )
    assert visits["W01"].date == day("2028-02-29")
    assert visits["W02"].date == day("2028-03-07")
    born_on_it = plan({"enrolment": day("2028-02-29")})
    assert born_on_it["ATG1"].date == day("2028-03-07")


def test_two_anchors_on_one_day_merge_but_two_doses_do_not() -> None:
    visits = plan({"enrolment": ENROLLED, "atg_start": ENROLLED})
    assert visits["ATG1"].merged_into == "ENR" and visits["ENR"].members == ("ATG1",)
    assert visits["BASE"].flags == ("before_enrolment",)
    doses = plan({**ALL, "infusion_2": INFUSION})
    assert doses["INF1"].date == doses["INF2"].date
    assert doses["INF1"].merged_into is None and doses["INF2"].merged_into is None


def test_visits_of_one_day_are_one_appointment_with_the_narrowest_window() -> None:
    visits = plan(ALL)
    assert {code: visit.merged_into for code, visit in visits.items() if visit.merged_into} == {
        "W01": "INF2",
        "R3M": "W13",
        "R6M": "W26",
        "EOS": "W26",
    }
    assert visits["W26"].members == ("R6M", "EOS") and visits["W26"].ends_study
    assert (visits["W26"].window_end - visits["W26"].window_start).days == 4
    assert (visits["R6M"].window_end - visits["R6M"].window_start).days == 21


def test_merging_can_be_switched_off() -> None:
    visits = plan(ALL, replace(STUDY, merge=False))
    assert not [visit for visit in visits.values() if visit.merged_into]


def test_a_marrow_counted_from_the_last_infusion_goes_past_the_end_and_is_flagged() -> None:
    encounters = tuple(
        (
            replace(e, timing=replace(e.timing, anchor="last_infusion"))
            if e.code.startswith("BM") and e.timing
            else e
        )
        for e in STUDY.encounters
    )
    later = replace(STUDY, encounters=encounters)
    assert plan(ALL, later)["BM30"].date == INFUSION + timedelta(days=30)
    second = plan({**ALL, "infusion_2": day("03-28")}, later)
    assert second["BM30"].date == day("03-28") + timedelta(days=30)
    assert second["BM180"].flags == ("after_end_of_study",)


def test_no_infusion_by_day_28_ends_the_weekly_projection() -> None:
    dates = {"enrolment": ENROLLED, "atg_start": ATG}
    assert "W01" in plan(dates, today=ATG + timedelta(days=28))
    stopped = plan(dates, today=ATG + timedelta(days=29))
    assert not [code for code in stopped if code.startswith("W")]
    assert "EOS" in stopped
    assert "W01" in plan({**dates, "infusion_1": ATG + timedelta(days=27)}, today=ATG + timedelta(days=40))


class TestClosedDays:
    def test_a_clinic_visit_moves_to_the_nearest_open_day_and_its_window_stays(self) -> None:
        saturday = {**ALL, "infusion_1": day("03-21")}
        visit = plan(saturday, closed=ClosedDays())["W02"]
        assert (visit.date, visit.window_start, visit.window_end) == (
            day("04-03"),
            day("04-02"),
            day("04-06"),
        )
        sunday = plan({**ALL, "infusion_1": day("03-22")}, closed=ClosedDays())["W02"]
        assert sunday.date == day("04-06")

    def test_of_two_equally_near_days_the_later_is_taken(self) -> None:
        closed = {day("04-03")}
        assert plan(ALL, closed=closed)["W02"].date == day("04-04")

    def test_good_friday_moves_a_friday_visit_to_thursday(self) -> None:
        brazil = closed_days_of(STUDY.closed_days)
        assert plan(ALL, closed=brazil)["W02"].date == day("04-02")

    def test_with_no_open_day_in_the_window_it_stays_and_is_flagged(self) -> None:
        visit = plan(ALL, closed=lambda one: day("04-01") <= one <= day("04-05"))["W02"]
        assert (visit.date, visit.flags) == (day("04-03"), ("closed_day",))

    def test_what_is_merged_moves_together(self) -> None:
        visits = plan(ALL, closed={day("06-19")})
        assert visits["W13"].date == visits["R3M"].date == day("06-20")

    @pytest.mark.parametrize("code", ["INF1C", "INF2", "ATG3"])
    def test_hospital_days_and_calls_do_not_move(self, code: str) -> None:
        visit = plan(ALL, closed=lambda one: True)[code]
        assert visit.setting in (Setting.INPATIENT, Setting.PHONE)
        assert visit.date == plan(ALL)[code].date and visit.flags == ()

    def test_an_appointment_moves_inside_the_narrowest_window_only(self) -> None:
        visits = plan(ALL, closed=lambda one: day("06-17") <= one <= day("06-21"))
        assert visits["W13"].flags == ("closed_day",) and visits["W13"].date == day("06-19")


class TestZones:
    @pytest.mark.parametrize(
        "zone", ["America/New_York", "Europe/Lisbon", "America/Sao_Paulo", "Asia/Kathmandu"]
    )
    def test_dates_are_local_days_whatever_the_clock_does(self, zone: str) -> None:
        visits = plan({"enrolment": day("2026-02-20"), "infusion_1": day("2026-03-06")}, zone=zone)
        assert [visits[f"W{n:02}"].date for n in range(1, 27)] == [
            day("2026-03-06") + timedelta(days=7 * n) for n in range(1, 27)
        ]

    def test_an_instant_becomes_the_local_day_of_the_patients_zone(self) -> None:
        late = datetime(2026, 3, 21, 1, 30, tzinfo=UTC)
        assert plan({**ALL, "infusion_1": late})["INF1"].date == day("03-20")
        assert plan({**ALL, "infusion_1": late}, zone="Europe/Lisbon")["INF1"].date == day("03-21")

    def test_a_naive_instant_and_an_unknown_zone_are_refused(self) -> None:
        with pytest.raises(RuleViolation):
            plan({**ALL, "infusion_1": datetime(2026, 3, 21, 1, 30)})
        with pytest.raises(RuleViolation, match="zone"):
            plan(ALL, zone="Mars/Olympus")


def test_an_anchor_that_the_study_does_not_have_is_refused_by_name() -> None:
    with pytest.raises(RuleViolation, match="infusoin_1"):
        plan({"enrolment": ENROLLED, "infusoin_1": INFUSION})


def test_without_any_date_there_is_no_plan() -> None:
    assert plan_visits(STUDY, {}, ZONE) == ()
