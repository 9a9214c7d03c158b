"""Re-anchoring on real rows: preview, commit, undo."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from service.errors import Conflict
from service.models import AnchorDate, AuditEntry, Deviation, Reminder, Task, Visit
from service.use_cases import anchors, calendar, calendar_stops, patients, visits
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, reminders, visit
from workflows.decisions import RuleViolation


def commit(
    session: Any, patient: Any, anchor: str, when: str | None, now: Any = None, **more: Any
) -> dict[str, Any]:
    given = {"reason": "as it happened", "actor": ACTOR, "now": now or at(when or "03-30")} | more
    return anchors.commit(session, patient, anchor=anchor, date=day(when) if when else None, **given)


def everything(session: Any, patient: Any) -> dict[str, Any]:
    """All that a preview must leave alone."""
    rows = {
        v.code: (v.date, v.status, v.window_start, tuple(v.flags), v.merged_into, v.version_id)
        for v in calendar.visits_of(session, patient)
    }  # noqa: E501
    due = {
        r.id: (r.due_at, r.status)
        for r in session.scalars(select(Reminder).where(Reminder.patient_id == patient.id))
    }
    counts = [
        session.scalar(select(func.count()).select_from(table))
        for table in (AnchorDate, AuditEntry, Deviation)
    ]
    return {"rows": rows, "due": due, "counts": counts, "revision": patient.revision}


def test_recording_the_first_infusion_moves_what_hangs_on_it(session: Any) -> None:
    patient = enrol(session)
    diff = commit(session, patient, "infusion_1", "03-20", time="14:30")
    moved = {one["code"]: (one["from"], one["to"]) for one in diff["moved"]}
    assert moved["INF1"] == ("2026-03-16", "2026-03-20") and moved["W10"] == ("2026-05-25", "2026-05-29")
    assert {"ENR", "BASE", "ATG1"} <= set(diff["unchanged"]) and diff["revision"] == 1
    assert diff["messages_retimed"] > 50
    first = visit(session, patient, "INF1")
    assert (first.status, first.completed_on, first.date) == ("completed", day("03-20"), day("03-20"))
    assert not visit(session, patient, "W10").projected
    assert reminders(session, patient, "W10")["W10:-3d"].due_at == at("05-26", 10)


def test_the_phone_check_is_counted_from_the_hour_of_the_infusion(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "infusion_1", "03-20", time="14:30", now=at("03-20", 15))
    due = {key: row.due_at for key, row in reminders(session, patient, "INF1C").items()}
    assert due == {
        "INF1C:+4h": at("03-20", 18).replace(minute=30),
        "INF1C:+24h": at("03-21", 14).replace(minute=30),
    }


def test_a_preview_says_what_the_commit_does_and_changes_nothing(session: Any) -> None:
    patient = enrol(session)
    before = everything(session, patient)
    shown = anchors.preview(session, patient, anchor="infusion_1", date=day("03-20"), now=at("03-20"))
    assert everything(session, patient) == before
    done = commit(session, patient, "infusion_1", "03-20")
    assert {key: value for key, value in done.items() if key != "revision"} == shown


def test_a_preview_that_is_refused_changes_nothing_either(session: Any) -> None:
    patient = enrol(session)
    before = everything(session, patient)
    with pytest.raises(RuleViolation, match="cannot be before"):
        anchors.preview(session, patient, anchor="infusion_1", date=day("03-12"), now=at("03-12"))
    assert everything(session, patient) == before


def test_undo_puts_the_calendar_back(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "atg_start", "03-09")
    before = everything(session, patient)["rows"]
    commit(session, patient, "infusion_1", "03-27", reason="late")
    assert visit(session, patient, "INF1").completed_on == day("03-27")
    assert session.scalar(select(func.count()).select_from(Deviation)) == 1
    undone = anchors.undo(session, patient, actor=ACTOR, now=at("03-28"))
    assert undone["revision"] == 2
    after = everything(session, patient)["rows"]
    assert {c: row[:5] for c, row in after.items()} == {c: row[:5] for c, row in before.items()}
    assert session.scalar(select(func.count()).select_from(Deviation)) == 0
    last = calendar.last_revision(session, patient)
    assert last is not None and last.number == 1
    anchors.undo(session, patient, actor=ACTOR, now=at("03-28"))
    with pytest.raises(Conflict, match="no change"):
        anchors.undo(session, patient, actor=ACTOR, now=at("03-28"))


def test_a_date_corrected_backwards_and_taken_away(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "infusion_1", "03-20")
    commit(session, patient, "infusion_1", "03-18", now=at("03-21"), reason="typed wrong")
    assert visit(session, patient, "INF1").completed_on == day("03-18")
    assert visit(session, patient, "W02").date == day("04-01")
    commit(session, patient, "infusion_1", None, now=at("03-21"), reason="not given after all")
    assert (visit(session, patient, "INF1").status, visit(session, patient, "INF1").date) == (
        "planned",
        day("03-16"),
    )
    assert visit(session, patient, "W02").projected


def test_a_date_to_come_is_planned_and_one_in_the_past_has_happened(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "infusion_1", "03-19", now=at("03-09"))
    row = session.scalars(select(AnchorDate).where(AnchorDate.name == "infusion_1")).one()
    assert (row.planned_date, row.actual_date) == (day("03-19"), None)
    assert visit(session, patient, "INF1").status == "planned" and visit(session, patient, "W01").projected
    commit(session, patient, "infusion_1", "03-20")
    assert (row.planned_date, row.actual_date) == (day("03-19"), day("03-20"))
    with pytest.raises(RuleViolation, match="cannot be planned before"):
        commit(session, patient, "infusion_2", "03-19", now=at("03-10"))


def test_what_a_person_settled_stays_and_is_flagged_until_the_plan_comes_back(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "infusion_1", "03-20")
    visits.change(session, visit(session, patient, "W05"), date=day("04-24"), actor=ACTOR, now=at("03-21"))
    diff = commit(session, patient, "infusion_1", "03-23", now=at("03-23"))
    assert "W05" not in {one["code"] for one in diff["moved"]}
    assert [one["code"] for one in diff["flagged"]] == ["W05"]
    booked = visit(session, patient, "W05")
    assert booked.date == day("04-24") and "outside the new window" in booked.flags[0]
    anchors.undo(session, patient, actor=ACTOR, now=at("03-23"))
    assert booked.flags == []


def test_a_third_infusion_comes_goes_and_comes_back_as_the_same_row(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "infusion_1", "03-16")
    commit(session, patient, "infusion_2", "03-23")
    first = commit(session, patient, "infusion_3", "03-31", now=at("03-24"))
    assert first["added"] == ["INF3"]
    number = visit(session, patient, "INF3").id
    away = commit(session, patient, "infusion_3", None, now=at("03-24"), reason="no third one")
    assert away["removed"] == ["INF3"] and visit(session, patient, "INF3").status == "cancelled"
    assert "INF3" not in {row["code"] for row in calendar.as_rows(session, patient)}
    again = commit(session, patient, "infusion_3", "04-01", now=at("03-25"))
    assert again["added"] == ["INF3"]
    assert (visit(session, patient, "INF3").id, visit(session, patient, "INF3").status) == (number, "planned")
    assert reminders(session, patient, "INF3")["INF3:-1d"].status in ("pending", "cancelled")
    assert [r.due_at for r in reminders(session, patient, "INF3").values() if r.status == "pending"]


def test_a_cancelled_infusion_is_skipped_and_the_next_counts_from_the_one_before(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "infusion_1", "03-16")
    visits.change(session, visit(session, patient, "INF2"), status="cancelled", actor=ACTOR, now=at("03-17"))
    assert visit(session, patient, "W01").merged_into is None
    assert [r.status for r in reminders(session, patient, "W01").values() if r.status == "pending"]
    commit(session, patient, "infusion_3", "03-27", now=at("03-17"))
    assert visit(session, patient, "INF3").anchor == "infusion_1"
    assert visit(session, patient, "INF2").status == "cancelled"


def test_no_infusion_by_day_28_stops_the_weeks_and_an_infusion_brings_them_back(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "atg_start", "03-09")
    week = visit(session, patient, "W01").id
    late = at("04-07", 9)
    (timer,) = calendar_stops.due(session, late, 10)
    calendar_stops.handle(session, timer, late)
    assert visit(session, patient, "W01").status == "cancelled"
    assert session.scalars(select(Task.kind)).all() == ["no_infusion_by_day_28"]
    diff = commit(session, patient, "infusion_1", "04-10", reason="delayed by an infection")
    assert "W01" in diff["added"]
    assert (visit(session, patient, "W01").id, visit(session, patient, "W01").date) == (week, day("04-17"))


@pytest.mark.parametrize(
    ("anchor", "when", "field"),
    [
        ("infusion_9", "03-20", "anchor"),
        ("last_infusion", "03-20", "anchor"),
        ("infusion_1", "03-10", "infusion_1"),
        ("atg_start", "02-27", "atg_start"),
        ("enrolment", None, "date"),
    ],
)
def test_what_cannot_be_is_refused_by_name(session: Any, anchor: str, when: str | None, field: str) -> None:
    patient = enrol(session)
    with pytest.raises(RuleViolation) as refused:
        commit(session, patient, anchor, when, now=at("03-21"))
    assert refused.value.field == field


def test_a_commit_needs_a_reason_a_time_of_day_and_a_patient_who_is_there(session: Any) -> None:
    patient = enrol(session)
    with pytest.raises(RuleViolation, match="reason"):
        commit(session, patient, "infusion_1", "03-20", reason=" ")
    with pytest.raises(RuleViolation, match="time"):
        commit(session, patient, "infusion_1", "03-20", time="25:00")
    patients.set_status(
        session, patient, status="died", on=day("03-18"), reason="sepsis", actor=ACTOR, now=at("03-19")
    )
    with pytest.raises(Conflict, match="the calendar is closed"):
        commit(session, patient, "infusion_1", "03-20")


def test_a_corrected_enrolment_moves_the_projection_and_the_patients_own_date(session: Any) -> None:
    patient = enrol(session)
    commit(session, patient, "enrolment", "03-04", reason="signed two days later")
    assert patient.enrolled_on == day("03-04")
    assert visit(session, patient, "ENR").completed_on == day("03-04")
    assert visit(session, patient, "ATG1").date == day("03-11")


def test_visits_keep_their_rows_whatever_moves(session: Any) -> None:
    patient = enrol(session)
    before = {v.code: v.id for v in calendar.visits_of(session, patient)}
    for when in ("03-16", "03-25", "03-14", "03-20"):
        commit(session, patient, "infusion_1", when, now=at("03-26"))
    assert {v.code: v.id for v in calendar.visits_of(session, patient)} == before
    assert session.scalar(select(func.count()).select_from(Visit)) == len(before)
