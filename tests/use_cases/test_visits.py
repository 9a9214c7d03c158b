"""One visit at a time: booked, moved, held, missed, cancelled; and what a patient answers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.errors import Conflict, NotFound, Stale
from service.models import AnchorDate, AuditEntry, Deviation, Message, Task
from service.use_cases import anchors, patients
from service.use_cases import reminders as reminder_sweep
from service.use_cases import visits
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, reminders, visit
from workflows.decisions import RuleViolation


@pytest.fixture
def patient(session: Any) -> Any:
    """Two infusions behind them: weeks 2 and later are ahead."""
    found = enrol(session)
    anchors.commit(
        session, found, anchor="infusion_1", date=day("03-16"), reason="given", actor=ACTOR, now=at("03-16")
    )
    return found


def change(session: Any, patient: Any, code: str, now: Any = None, **what: Any) -> Any:
    return visits.change(session, visit(session, patient, code), actor=ACTOR, now=now or at("03-17"), **what)


def test_a_booking_has_an_hour_and_its_reminders_stay_with_it(session: Any, patient: Any) -> None:
    booked = change(session, patient, "W03", booked_at=at("04-07", 14))
    assert (booked.status, booked.date, booked.booked_at) == ("booked", day("04-07"), at("04-07", 14))
    assert reminders(session, patient, "W03")["W03:-1d"].due_at == at("04-06", 18)
    assert session.scalars(select(Deviation)).all() == []


def test_moving_without_an_hour_books_the_clinic_hour_and_then_keeps_the_hour_there_was(
    session: Any, patient: Any
) -> None:
    assert change(session, patient, "W03", date=day("04-07")).booked_at == at("04-07", 9)
    change(session, patient, "W03", booked_at=at("04-07", 14))
    assert change(session, patient, "W03", date=day("04-08")).booked_at == at("04-08", 14)


def test_outside_the_window_only_with_a_reason_which_is_a_deviation(session: Any, patient: Any) -> None:
    with pytest.raises(RuleViolation) as refused:
        change(session, patient, "W03", date=day("04-10"))
    assert refused.value.field == "date"
    change(session, patient, "W03", date=day("04-10"), reason="strike of the buses")
    (deviation,) = session.scalars(select(Deviation)).all()
    assert (deviation.kind, deviation.days_outside, deviation.reason) == (
        "moved_outside_window",
        2,
        "strike of the buses",
    )  # noqa: E501


def test_what_is_held_together_is_booked_and_held_together(session: Any, patient: Any) -> None:
    change(session, patient, "W26", date=day("09-15"))
    assert {visit(session, patient, code).date for code in ("W26", "R6M", "EOS")} == {day("09-15")}
    change(session, patient, "W13", now=at("06-15"), status="completed", completed_on=day("06-15"))
    assert visit(session, patient, "R3M").completed_on == day("06-15")


def test_a_part_that_does_not_fit_the_new_day_gets_its_own(session: Any, patient: Any) -> None:
    change(session, patient, "INF2", date=day("03-26"))  # three days on: inside -1/+3, outside week 1's -2/+2
    assert (visit(session, patient, "INF2").status, visit(session, patient, "INF2").date) == (
        "booked",
        day("03-26"),
    )
    week = visit(session, patient, "W01")
    assert (week.status, week.date, week.merged_into) == ("planned", day("03-23"), None)


def test_a_booked_infusion_plans_its_anchor_and_what_follows_is_projected_from_it(
    session: Any, patient: Any
) -> None:
    change(session, patient, "INF2", booked_at=at("03-24", 8))
    row = session.scalars(select(AnchorDate).where(AnchorDate.name == "infusion_2")).one()
    assert (row.planned_date, row.actual_date) == (day("03-24"), None)
    change(session, patient, "INF2", status="planned")
    assert session.scalars(select(AnchorDate).where(AnchorDate.name == "infusion_2")).all() == []
    assert visit(session, patient, "INF2").date == day("03-23")


def test_a_held_infusion_records_its_anchor(session: Any, patient: Any) -> None:
    change(session, patient, "INF2", now=at("03-24", 15), status="completed", completed_on=day("03-24"))
    row = session.scalars(select(AnchorDate).where(AnchorDate.name == "infusion_2")).one()
    assert row.actual_date == day("03-24")
    assert visit(session, patient, "INF2").status == "completed"


def test_held_outside_the_window_needs_a_reason(session: Any, patient: Any) -> None:
    late = at("04-10", 15)
    with pytest.raises(RuleViolation) as refused:
        change(session, patient, "W03", now=late, status="completed", completed_on=day("04-10"))
    assert refused.value.field == "completed_on"
    done = change(
        session, patient, "W03", now=late, status="completed", completed_on=day("04-10"), reason="fever"
    )
    assert done.completed_on == day("04-10")
    assert session.scalars(select(Deviation.kind)).all() == ["held_outside_window"]
    assert all(row.status != "pending" for row in reminders(session, patient, "W03").values())


def test_a_missed_visit_is_followed_up_the_day_after(session: Any, patient: Any) -> None:
    with pytest.raises(RuleViolation, match="not missed yet"):
        change(session, patient, "W03", status="missed")
    change(session, patient, "W03", now=at("04-06", 20), status="missed")
    row = reminders(session, patient, "W03")["W03:+1d:missed"]
    assert (row.status, row.due_at, row.template) == ("pending", at("04-07", 10), "missed")
    change(session, patient, "W03", now=at("04-07", 9), date=day("04-08"), reason="came on Wednesday")
    assert visit(session, patient, "W03").status == "booked"


def test_a_cancelled_visit_does_not_come_back_by_itself(session: Any, patient: Any) -> None:
    change(session, patient, "W05", status="cancelled")
    anchors.commit(
        session,
        patient,
        anchor="infusion_1",
        date=day("03-17"),
        reason="typed wrong",
        actor=ACTOR,
        now=at("03-17"),
    )  # noqa: E501
    assert visit(session, patient, "W05").status == "cancelled"
    assert all(row.status == "cancelled" for row in reminders(session, patient, "W05").values())
    with pytest.raises(RuleViolation, match="reason"):
        change(session, patient, "W05", status="planned")
    change(session, patient, "W05", status="planned", reason="cancelled by mistake")
    assert (visit(session, patient, "W05").status, visit(session, patient, "W05").date) == (
        "planned",
        day("04-22"),
    )  # from Tiradentes' day
    assert any(row.status == "pending" for row in reminders(session, patient, "W05").values())


def test_a_cancelled_part_leaves_the_rest_with_its_reminders(session: Any, patient: Any) -> None:
    change(session, patient, "W26", status="cancelled")
    assert visit(session, patient, "R6M").merged_into is None
    assert visit(session, patient, "EOS").merged_into == "R6M"


def test_the_end_of_study_visit_ends_the_study(session: Any, patient: Any) -> None:
    change(session, patient, "W26", now=at("09-14", 15), status="completed", completed_on=day("09-14"))
    assert patient.status == "completed"
    assert visit(session, patient, "W25").status == "cancelled"
    with pytest.raises(Conflict, match="nothing more is booked"):
        change(session, patient, "W25", now=at("09-15"), date=day("09-16"))


def test_an_old_version_and_an_unknown_visit_are_refused(session: Any, patient: Any) -> None:
    seen = visit(session, patient, "W03").version_id
    change(session, patient, "W03", date=day("04-07"), expect_version=seen)
    with pytest.raises(Stale):
        change(session, patient, "W03", date=day("04-08"), expect_version=seen)
    for number in (0, 999_999, 2**70):
        with pytest.raises(NotFound):
            visits.get(session, number)


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"status": "eaten"}, "status"),
        ({}, "status"),
        ({"status": "completed", "completed_on": date(2027, 1, 1)}, "completed_on"),
        ({"date": date(2026, 4, 7), "booked_at": at("04-08", 9)}, "booked_at"),
    ],
)
def test_each_wrong_field_is_named(session: Any, patient: Any, what: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        change(session, patient, "W03", **what)
    assert refused.value.field == field


def test_an_unscheduled_visit_is_numbered_and_no_plan_touches_it(session: Any, patient: Any) -> None:
    first = visits.add_unscheduled(
        session, patient, date=day("03-19"), label="Nosebleed", reason="came by", actor=ACTOR, now=at("03-17")
    )
    second = visits.add_unscheduled(
        session,
        patient,
        date=day("03-17") - timedelta(days=1),
        reason="came by",
        actor=ACTOR,
        now=at("03-17"),
    )  # noqa: E501
    assert (first.code, first.status, first.booked_at) == ("UNS1", "booked", at("03-19", 9))
    assert (second.code, second.status) == ("UNS2", "completed")
    anchors.commit(
        session,
        patient,
        anchor="infusion_1",
        date=day("03-17"),
        reason="typed wrong",
        actor=ACTOR,
        now=at("03-17"),
    )  # noqa: E501
    assert (first.date, first.status) == (day("03-19"), "booked")
    change(session, patient, "UNS1", date=day("05-20"))
    assert first.date == day("05-20")
    with pytest.raises(RuleViolation, match="date"):
        visits.add_unscheduled(session, patient, date=day("02-01"), reason="x", actor=ACTOR, now=at("03-17"))


def test_ok_confirms_the_next_appointment_once(session: Any, patient: Any) -> None:
    found = visits.patient_confirms(session, patient, now=at("03-22", 19))
    assert found is not None and found.code == "INF2" and found.confirmed_at == at("03-22", 19)
    visits.patient_confirms(session, patient, now=at("03-22", 20))
    assert found.confirmed_at == at("03-22", 19)
    change(session, patient, "INF2", now=at("03-22", 21), date=day("03-24"))
    assert found.confirmed_at is None


def test_change_asks_a_coordinator_once(session: Any, patient: Any) -> None:
    for hour in (19, 20):
        visits.patient_asks_change(session, patient, now=at("03-22", hour))
    (task,) = session.scalars(select(Task).where(Task.kind == "visit_change")).all()
    assert task.detail == {"visit": "INF2", "date": "2026-03-23"} and task.level == "nothing"


def test_who_has_left_has_no_appointment_to_confirm(session: Any, patient: Any) -> None:
    patients.set_status(
        session, patient, status="withdrawn", on=day("03-17"), reason="asked to", actor=ACTOR, now=at("03-17")
    )
    assert visits.patient_confirms(session, patient, now=at("03-17")) is None


def test_every_change_is_in_the_audit_trail(session: Any, patient: Any) -> None:
    change(session, patient, "W03", date=day("04-07"))
    change(session, patient, "W03", date=day("04-07"), booked_at=at("04-07", 14))
    change(session, patient, "W04", status="cancelled")
    change(session, patient, "W02", now=at("03-30"), status="completed")
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.actor == ACTOR)).all()
    assert {"visit:move", "visit:book", "visit:cancel", "visit:complete"} <= set(actions)


def sent(session: Any, patient: Any, template: str) -> list[Message]:
    query = select(Message).where(Message.patient_id == patient.id, Message.template == template)
    return list(session.scalars(query.order_by(Message.id)))


def remind(session: Any, patient: Any, code: str, key: str, now: Any) -> Message:
    """The reminder is due: it is in the outbox."""
    row = reminders(session, patient, code)[key]
    reminder_sweep.handle(session, row.id, now)
    return session.get_one(Message, row.message_id)


def test_a_reminder_that_waits_in_the_outbox_does_not_leave_with_the_old_day(session: Any, patient: Any) -> None:
    message = remind(session, patient, "W03", "W03:-3d", at("04-03", 10))
    change(session, patient, "W03", now=at("04-03", 10), date=day("04-08"))
    session.refresh(message)
    assert (message.status, message.reason) == ("cancelled", "the visit moved")
    again = [row for row in reminders(session, patient, "W03").values() if row.status == "pending"]
    assert sorted(row.due_at for row in again) == [at("04-05", 10), at("04-07", 18)]
    assert sent(session, patient, "visit_moved") == []


def test_who_was_told_the_old_day_is_told_the_new_one_once(session: Any, patient: Any) -> None:
    remind(session, patient, "W03", "W03:-3d", at("04-03", 10)).status = "delivered"
    for _ in range(2):
        change(session, patient, "W03", now=at("04-03", 11), date=day("04-08"))
    (message,) = sent(session, patient, "visit_moved")
    assert message.fields["date"] == "qua 08/04" and message.fields["time"] == "09:00"
    change(session, patient, "W03", now=at("04-03", 12), booked_at=at("04-08", 14))
    assert [one.fields["time"] for one in sent(session, patient, "visit_moved") if one.status == "ready"] == ["14:00"]


def test_who_was_told_nothing_yet_is_not_told_of_a_move(session: Any, patient: Any) -> None:
    change(session, patient, "W09", date=day("05-19"))
    assert sent(session, patient, "visit_moved") == []


def test_ok_and_change_are_answered(session: Any, patient: Any) -> None:
    visits.patient_confirms(session, patient, now=at("03-22", 19))
    visits.patient_asks_change(session, patient, now=at("03-22", 20))
    assert [one.fields["date"] for one in sent(session, patient, "visit_confirmed")] == ["seg 23/03"]
    assert len(sent(session, patient, "call_booked")) == 1
