"""What happens to a calendar in six months: late and skipped infusions, corrections, an early end, a late undo."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from service.errors import Conflict
from service.models import Deviation, Occasion, Patient, Reminder, Task, Visit
from service.use_cases import anchors, calendar, calendar_stops, patients, visits
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, reminders, visit
from workflows.decisions import RuleViolation


def record(session: Any, patient: Patient, anchor: str, on: str | None, *, now: str) -> dict[str, Any]:
    when = day(on) if on else None
    return anchors.commit(
        session, patient, anchor=anchor, date=when, reason="as it happened", actor=ACTOR, now=at(now, 15)
    )


def dates(session: Any, patient: Patient) -> dict[str, Any]:
    return {row.code: row.date for row in calendar.visits_of(session, patient)}


@pytest.fixture
def patient(session: Any) -> Patient:
    """Enrolled on Monday 2 March, ATG from the 9th."""
    found = enrol(session)
    record(session, found, "atg_start", "03-09", now="03-09")
    return found


def test_an_infusion_delayed_to_day_15_is_a_deviation_and_moves_what_follows(session: Any, patient: Patient) -> None:
    before = dates(session, patient)
    diff = record(session, patient, "infusion_1", "03-24", now="03-24")  # day 15 after ATG day 1; the window ends on 14
    (deviation,) = session.scalars(select(Deviation))
    assert (deviation.kind, deviation.days_outside) == ("held_outside_window", 1)
    after = dates(session, patient)
    assert (after["W01"], after["W10"]) == (day("03-31"), day("06-02"))
    assert {code: after[code] for code in ("ATG1", "ATG5")} == {code: before[code] for code in ("ATG1", "ATG5")}
    assert {"W10", "BM90", "EOS"} <= {one["code"] for one in diff["moved"]}


def test_a_skipped_infusion_leaves_the_next_one_counted_from_the_last_that_was_given(
    session: Any, patient: Patient
) -> None:
    record(session, patient, "infusion_1", "03-16", now="03-16")
    record(session, patient, "infusion_2", "03-24", now="03-24")
    record(session, patient, "infusion_3", "03-31", now="03-24")  # planned
    visits.change(
        session, visit(session, patient, "INF3"), status="cancelled", reason="skipped", actor=ACTOR, now=at("03-31")
    )
    record(session, patient, "infusion_4", "04-02", now="04-02")
    fourth = visit(session, patient, "INF4")
    assert (fourth.status, fourth.anchor) == ("completed", "infusion_2")
    assert (fourth.window_start, fourth.window_end) == (day("03-30"), day("04-03"))
    assert visit(session, patient, "INF3").status == "cancelled"


def test_no_infusion_by_day_28_stops_the_weeks_and_raises_a_task(session: Any, patient: Patient) -> None:
    assert calendar_stops.due(session, at("04-06", 9), 10) == []  # day 28
    (number,) = calendar_stops.due(session, at("04-07", 9), 10)
    calendar_stops.handle(session, number, at("04-07", 9))
    (task,) = session.scalars(select(Task).where(Task.patient_id == patient.id))
    assert task.kind == "no_infusion_by_day_28"
    weeks = [row for row in calendar.visits_of(session, patient) if row.code.startswith("W")]
    assert len(weeks) == 26 and {row.status for row in weeks} == {"cancelled"}
    waiting = session.scalar(
        select(func.count()).select_from(Reminder).join(Visit).where(
            Visit.code.startswith("W"), Reminder.status == "pending"
        )
    )  # fmt: skip
    assert waiting == 0
    ids = {row.code: row.id for row in weeks}
    record(session, patient, "infusion_1", "04-08", now="04-08")
    back = [row for row in calendar.visits_of(session, patient) if row.code.startswith("W")]
    assert {row.code: row.id for row in back} == ids and {row.status for row in back} == {"planned"}
    assert visit(session, patient, "W01").date == day("04-15")


def test_two_anchors_on_one_day(session: Any, patient: Patient) -> None:
    record(session, patient, "infusion_1", "03-16", now="03-16")
    record(session, patient, "infusion_2", "03-16", now="03-16")  # two bags, both recorded as infusions
    first, second = visit(session, patient, "INF1"), visit(session, patient, "INF2")
    assert first.completed_on == second.completed_on == day("03-16")
    assert first.merged_into is None and second.merged_into is None  # dosing visits never merge
    assert visit(session, patient, "W01").date == day("03-23")


def test_a_date_is_corrected_backwards_and_then_taken_away(session: Any, patient: Patient) -> None:
    planned = dates(session, patient)
    record(session, patient, "infusion_1", "03-20", now="03-20")
    record(session, patient, "infusion_1", "03-18", now="03-21")
    assert dates(session, patient)["W02"] == day("04-01")
    record(session, patient, "infusion_1", None, now="03-21")
    assert dates(session, patient) == planned
    assert visit(session, patient, "INF1").status == "planned"


def test_the_last_visit_held_early_ends_the_study_before_week_26(session: Any, patient: Patient) -> None:
    record(session, patient, "infusion_1", "03-16", now="03-16")
    last = visit(session, patient, "EOS")
    assert last.merged_into == "W26"
    visits.change(session, last, date=day("09-08"), actor=ACTOR, now=at("09-01"))  # in its window, before W26
    assert visit(session, patient, "W26").date > day("09-08")
    visits.change(session, last, status="completed", completed_on=day("09-08"), actor=ACTOR, now=at("09-08", 15))
    assert patient.status == "completed"
    week = visit(session, patient, "W26")
    assert week.status == "cancelled" and {row.status for row in reminders(session, patient, "W26").values()} == {
        "cancelled"
    }
    open_questions = select(func.count()).select_from(Occasion).where(
        Occasion.patient_id == patient.id, Occasion.next_due_at.is_not(None)
    )  # fmt: skip
    assert session.scalar(open_questions) == 0


def test_an_undo_is_refused_once_something_was_settled_on_the_new_calendar(session: Any, patient: Patient) -> None:
    record(session, patient, "infusion_1", "03-20", now="03-20")
    visits.change(session, visit(session, patient, "W01"), status="completed", actor=ACTOR, now=at("03-27", 15))
    with pytest.raises(Conflict, match=r"settled since this change: W01 \(completed\)"):
        anchors.undo(session, patient, actor=ACTOR, now=at("03-28"))
    assert visit(session, patient, "W02").date == day("04-02")  # Good Friday is closed: the day before
    record(session, patient, "infusion_1", "03-19", now="03-28")  # the way that remains: the right date, with a reason
    assert visit(session, patient, "W01").completed_on == day("03-27")
    assert visit(session, patient, "INF1").completed_on == day("03-19")


def test_an_undo_is_refused_for_a_patient_who_has_left(session: Any, patient: Patient) -> None:
    record(session, patient, "infusion_1", "03-16", now="03-16")
    patients.set_status(
        session, patient, status="withdrawn", on=day("03-17"), reason="asked to", actor=ACTOR, now=at("03-17")
    )
    with pytest.raises(Conflict, match="withdrawn"):
        anchors.undo(session, patient, actor=ACTOR, now=at("03-18"))


def test_a_move_outside_the_window_needs_a_reason_and_is_kept(session: Any, patient: Patient) -> None:
    record(session, patient, "infusion_1", "03-16", now="03-16")
    week = visit(session, patient, "W03")
    with pytest.raises(RuleViolation, match="a reason makes it a deviation"):
        visits.change(session, week, date=day("04-14"), actor=ACTOR, now=at("04-01"))
    visits.change(session, week, date=day("04-14"), reason="a holiday", actor=ACTOR, now=at("04-01"))
    (deviation,) = session.scalars(select(Deviation).where(Deviation.visit_id == week.id))
    assert (deviation.kind, deviation.reason) == ("moved_outside_window", "a holiday")
    assert deviation.days_outside == (day("04-14") - week.window_end).days
