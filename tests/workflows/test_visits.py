"""A visit's states and windows."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.workflows.calendar_case import day
from workflows.decisions import RuleViolation
from workflows.visits import MOVES, Day, VisitStatus, check_move, check_status, is_due, is_inside, is_late


@dataclass
class Row:
    status: VisitStatus = VisitStatus.PLANNED
    date: Day = day("04-03")
    window_start: Day | None = day("04-01")
    window_end: Day | None = day("04-05")


@pytest.mark.parametrize("when", ["04-01", "04-03", "04-05"])
def test_inside_its_window_a_visit_moves_freely(when: str) -> None:
    decision = check_move(Row(), day(when))
    assert decision.changes == {"date": day(when)}


@pytest.mark.parametrize("when", ["03-31", "04-06"])
def test_outside_it_needs_a_reason_and_is_a_deviation(when: str) -> None:
    for reason in ("", "  "):
        with pytest.raises(RuleViolation, match="outside 2026-04-01 to 2026-04-05"):
            check_move(Row(), day(when), reason)
    decision = check_move(Row(), day(when), "travelling")
    assert decision.changes["deviation"] is True
    assert decision.audit[0].action == "visit:deviate"


@pytest.mark.parametrize("status", [VisitStatus.COMPLETED, VisitStatus.MISSED, VisitStatus.CANCELLED])
def test_what_is_over_does_not_move(status: VisitStatus) -> None:
    with pytest.raises(RuleViolation):
        check_move(Row(status), day("04-03"))


def test_an_unscheduled_visit_takes_any_day() -> None:
    assert is_inside(Row(window_start=None, window_end=None), day("2030-01-01"))


def test_due_from_its_date_to_the_end_of_its_window_then_late() -> None:
    row = Row()
    assert [is_due(row, day(f"04-0{n}")) for n in (2, 3, 5, 6)] == [False, True, True, False]
    assert [is_late(row, day(f"04-0{n}")) for n in (2, 3, 5, 6)] == [False, False, False, True]
    done = Row(VisitStatus.COMPLETED)
    assert not is_due(done, day("04-04")) and not is_late(done, day("05-04"))
    booked_after_its_window = Row(VisitStatus.BOOKED, day("04-20"))
    assert not is_late(booked_after_its_window, day("04-10"))


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old in VisitStatus for new in VisitStatus if new is not old]
)
def test_only_the_moves_of_the_table_are_allowed(old: VisitStatus, new: VisitStatus) -> None:
    if new in MOVES[old]:
        assert check_status(old, new, "because").changes == {"status": new}
    else:
        with pytest.raises(RuleViolation, match=f"a visit that is {old} cannot become {new}"):
            check_status(old, new, "because")


def test_going_back_needs_a_reason() -> None:
    with pytest.raises(RuleViolation, match="reason"):
        check_status(VisitStatus.COMPLETED, VisitStatus.BOOKED)
    assert check_status(VisitStatus.MISSED, VisitStatus.COMPLETED).changes
    assert check_status(VisitStatus.PLANNED, VisitStatus.PLANNED).changes == {}
