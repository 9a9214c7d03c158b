"""What a new plan changes: the re-anchoring function, by examples and by properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.calendar_case import ENROLLED, STUDY, ZONE, day, plan
from workflows.anchors import AnchorDate
from workflows.closed_days import ClosedDays
from workflows.decisions import RuleViolation
from workflows.replanning import ExistingVisit, as_existing
from workflows.visit_calendar import PlannedVisit, plan_visits, replan
from workflows.visits import VisitStatus

ALL = {"enrolment": ENROLLED, "atg_start": day("03-09"), "infusion_1": day("03-20")}
LATER = {**ALL, "infusion_1": day("03-23")}


def existing(visits: dict[str, PlannedVisit], **status: VisitStatus) -> list[ExistingVisit]:
    return [
        replace(as_existing(v), status=status.get(code, VisitStatus.PLANNED)) for code, v in visits.items()
    ]


def test_a_later_infusion_moves_what_hangs_on_it_and_nothing_else() -> None:
    diff = replan(existing(plan(ALL)), plan(LATER).values())
    moved = {one.code: (one.to_date - one.from_date).days for one in diff.moved}
    assert set(moved.values()) == {3}
    assert {"INF1", "INF1C", "INF2", "W01", "W26", "EOS", "BM90"} <= set(moved)
    assert {"ENR", "BASE", "ATG1", "ATG5"} <= set(diff.unchanged)
    assert not diff.flagged and not diff.added and not diff.removed


@pytest.mark.parametrize("status", [VisitStatus.BOOKED, VisitStatus.COMPLETED, VisitStatus.MISSED])
def test_what_was_booked_held_or_missed_stays_and_is_flagged_with_the_reason(status: VisitStatus) -> None:
    diff = replan(existing(plan(ALL), W01=status), plan(LATER).values())
    assert "W01" not in {one.code for one in diff.moved} and "W01" in diff.unchanged
    (flag,) = [one for one in diff.flagged if one.code == "W01"]
    assert str(status) in flag.why and "outside the new window 2026-03-28 to 2026-04-01" in flag.why
    assert "W01" not in {visit.code for visit in diff.rewritten}


def test_a_booked_visit_that_still_fits_is_flagged_as_inside() -> None:
    one_day = replan(
        existing(plan(ALL), W05=VisitStatus.BOOKED), plan({**ALL, "infusion_1": day("03-21")}).values()
    )
    assert "inside the new window" in one_day.flagged[0].why


def test_planning_again_changes_nothing() -> None:
    visits = plan(ALL, closed=ClosedDays("BR", "SP"))
    for there in (list(visits.values()), existing(visits, W01=VisitStatus.BOOKED, W02=VisitStatus.COMPLETED)):
        diff = replan(there, visits.values())
        assert diff.is_empty and set(diff.unchanged) == set(visits)


def test_a_booking_elsewhere_in_the_window_is_no_news() -> None:
    visits = plan(ALL)
    there = [
        replace(one, date=one.date + timedelta(days=1), status=VisitStatus.BOOKED) for one in existing(visits)
    ]
    assert replan(there, visits.values()).is_empty


def test_cancelled_visits_do_not_come_back_and_unscheduled_ones_are_left_alone() -> None:
    visits = plan(ALL)
    unscheduled = ExistingVisit("UNS1", day("05-05"), day("05-05"), day("05-05"), scheduled=False)
    diff = replan([*existing(visits, W07=VisitStatus.CANCELLED), unscheduled], plan(LATER).values())
    assert {"W07", "UNS1"} <= set(diff.unchanged) and not diff.added and not diff.removed


def test_a_third_infusion_is_added_and_a_skipped_one_removed() -> None:
    with_third = plan({**ALL, "infusion_3": AnchorDate("infusion_3", planned=day("04-03"))})
    diff = replan(existing(plan(ALL)), with_third.values())
    assert [visit.code for visit in diff.added] == ["INF3"]
    assert {visit.code for visit in diff.rewritten} == {"W02"}  # merged into the infusion now
    back = replan(existing(with_third), plan(ALL).values())
    assert back.removed == ("INF3",)
    booked = replan(existing(with_third, INF3=VisitStatus.BOOKED), plan(ALL).values())
    assert booked.removed == () and "no longer in the plan" in booked.flagged[0].why


def test_an_actual_date_on_the_projected_day_rewrites_without_moving() -> None:
    projected = plan({"enrolment": ENROLLED, "atg_start": day("03-09")})
    diff = replan(existing(projected), plan({**ALL, "infusion_1": day("03-16")}).values())
    assert diff.moved == ()
    assert "W10" in {visit.code for visit in diff.rewritten if not visit.projected}


def test_after_the_end_of_study_took_place_nothing_later_is_planned() -> None:
    visits = plan(ALL)
    there = existing(visits, EOS=VisitStatus.COMPLETED)
    there = [
        replace(one, date=visits["EOS"].date - timedelta(days=5)) if one.code == "EOS" else one
        for one in there
    ]
    diff = replan(there, visits.values())
    assert {"W26", "R6M", "BM180"} - set(diff.removed) == set()
    assert "W25" in diff.unchanged


def test_late_visits_are_those_whose_window_is_over() -> None:
    visits = plan(ALL)
    diff = replan(existing(visits, W01=VisitStatus.COMPLETED), visits.values(), today=day("04-06"))
    assert {"W02", "INF2", "ENR"} <= set(diff.late)
    assert "W01" not in diff.late and "W03" not in diff.late


# ---------------------------------------------------------------------------------------------- properties

offsets = st.integers(0, 40)
bases = st.dates(date(2024, 1, 1), date(2032, 12, 31))


@st.composite
def anchor_sets(draw: st.DrawFn) -> dict[str, date]:
    """Dates that can be: the infusions after ATG, in order; some of them left out."""
    enrolled = draw(bases)
    dates = {"enrolment": enrolled}
    if draw(st.booleans()):
        dates["atg_start"] = enrolled + timedelta(days=draw(offsets))
        if draw(st.booleans()):
            dates["infusion_1"] = dates["atg_start"] + timedelta(days=5 + draw(offsets))
            for number in range(2, 6):
                if draw(st.booleans()):
                    last = max(dates.values())
                    dates[f"infusion_{number}"] = last + timedelta(days=draw(st.integers(0, 20)))
    return dates


closed_rules = st.sampled_from([None, ClosedDays(), ClosedDays("BR", "SP"), ClosedDays("PT")])
statuses = st.sampled_from(list(VisitStatus))


@given(anchor_sets(), closed_rules, st.data())
def test_the_order_in_which_anchors_are_recorded_does_not_matter(
    dates: dict[str, date], closed: ClosedDays | None, data: st.DataObject
) -> None:
    names = data.draw(st.permutations(list(dates)))
    shuffled = {name: dates[name] for name in names}
    assert plan_visits(STUDY, shuffled, ZONE, closed) == plan_visits(STUDY, dates, ZONE, closed)


@given(anchor_sets(), anchor_sets(), closed_rules, st.data())
def test_what_a_person_settled_never_moves_and_every_code_keeps_its_place(
    before: dict[str, date], after: dict[str, date], closed: ClosedDays | None, data: st.DataObject
) -> None:
    there = [
        replace(as_existing(visit), status=data.draw(statuses))
        for visit in plan_visits(STUDY, before, ZONE, closed)
    ]
    wanted = {visit.code: visit for visit in plan_visits(STUDY, after, ZONE, closed)}
    diff = replan(there, wanted.values())
    held = {one.code for one in there if one.status is not VisitStatus.PLANNED}
    touched = {one.code for one in diff.moved} | {visit.code for visit in diff.rewritten} | set(diff.removed)
    assert not held & touched
    codes = [one.code for one in diff.moved] + list(diff.unchanged) + list(diff.removed)
    assert sorted(codes) == sorted(one.code for one in there)
    assert not {visit.code for visit in diff.added} & {one.code for one in there}


@given(anchor_sets(), anchor_sets(), closed_rules)
def test_applying_a_diff_leads_to_the_new_plan_and_a_second_time_to_nothing(
    before: dict[str, date], after: dict[str, date], closed: ClosedDays | None
) -> None:
    old, new = plan_visits(STUDY, before, ZONE, closed), plan_visits(STUDY, after, ZONE, closed)
    diff = replan(old, new)
    record = {visit.code: visit for visit in old if visit.code not in diff.removed}
    record.update({visit.code: visit for visit in (*diff.rewritten, *diff.added)})
    assert {code: as_existing(visit) for code, visit in record.items()} == {
        v.code: as_existing(v) for v in new
    }
    assert replan(record.values(), new).is_empty
    assert {one.code for one in diff.moved} <= {visit.code for visit in diff.rewritten}


@given(anchor_sets(), closed_rules)
def test_every_date_lies_in_its_window_or_is_flagged(
    dates: dict[str, date], closed: ClosedDays | None
) -> None:
    for visit in plan_visits(STUDY, dates, ZONE, closed):
        inside = visit.window_start <= visit.date <= visit.window_end
        assert inside or "outside_window" in visit.flags, visit
        if (
            visit.setting == "clinic"
            and visit.merged_into is None
            and closed is not None
            and visit.date in closed
        ):
            assert "closed_day" in visit.flags or visit.members, visit


@given(bases, st.integers(-30, 60))
def test_an_infusion_is_taken_from_the_day_after_the_last_atg_dose_and_not_before(
    base: date, after: int
) -> None:
    dates = {
        "enrolment": base,
        "atg_start": base + timedelta(days=7),
        "infusion_1": base + timedelta(days=7 + after),
    }
    if after < 5:
        with pytest.raises(RuleViolation):
            plan_visits(STUDY, dates, ZONE)
    else:
        assert plan(dates)["W01"].date == base + timedelta(days=7 + after + 7)
