"""Patients after enrolment: status, reachability, zone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.errors import NotFound
from service.models import AuditEntry, Message, Occasion, Reminder, Visit
from service.use_cases import anchors, calendar, occasion_clock, outbox, patients
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, reminders, visit
from workflows.decisions import RuleViolation


def set_status(session: Any, patient: Any, status: str, on: str = "03-20", **more: Any) -> Any:
    given = {"reason": "because", "actor": ACTOR, "now": at(on)} | more
    return patients.set_status(session, patient, status=status, on=day(on), **given)


def update(session: Any, patient: Any, **changes: Any) -> Any:
    return patients.update(session, patient, reason="asked to", actor=ACTOR, now=at("03-20"), **changes)


@pytest.mark.parametrize("status", ["died", "withdrawn", "completed"])
def test_every_end_stops_everything_that_would_be_sent(session: Any, status: str) -> None:
    patient = enrol(session)
    outbox.enqueue(
        session, now=at("03-20"), kind="reminder", template="visit_ahead", patient=patient, dedupe="x",
        fields={"date": "sex 20/03", "time": "09:00"},
    )  # fmt: skip
    set_status(session, patient, status)
    assert patient.status == status and patient.ended_at == at("03-20")
    of = lambda table, column: set(session.scalars(select(column).where(table.patient_id == patient.id)))
    assert "pending" not in of(Reminder, Reminder.status)
    assert of(Visit, Visit.status) == {"completed", "cancelled"}
    assert not {"upcoming", "open"} & of(Occasion, Occasion.status)
    assert "ready" not in set(
        session.scalars(
            select(Message.status).where(Message.patient_id == patient.id, Message.kind == "reminder")
        )
    )


def test_an_end_recorded_by_mistake_is_taken_back_with_the_same_rows(session: Any) -> None:
    patient = enrol(session)
    anchors.commit(
        session, patient, anchor="infusion_1", date=day("03-16"), reason="given", actor=ACTOR, now=at("03-16")
    )
    before = {row.code: row.id for row in calendar.visits_of(session, patient)}
    set_status(session, patient, "died")
    set_status(session, patient, "enrolled", reason="the wrong patient")
    assert patient.ended_at is None
    assert {row.code: row.id for row in calendar.visits_of(session, patient)} == before
    assert (visit(session, patient, "W10").status, visit(session, patient, "INF1").status) == (
        "planned",
        "completed",
    )
    assert [row for row in reminders(session, patient, "W10").values() if row.status == "pending"]


def test_admission_is_a_flag_beside_the_status(session: Any) -> None:
    patient = enrol(session)
    set_status(session, patient, "admitted")
    assert (patient.status, patient.admitted_at) == ("enrolled", at("03-20"))
    set_status(session, patient, "discharged", on="03-22")
    assert patient.admitted_at is None
    with pytest.raises(RuleViolation, match="not admitted"):
        set_status(session, patient, "discharged", on="03-22")


def test_after_the_end_a_change_of_zone_plans_nothing(session: Any) -> None:
    patient = enrol(session)
    set_status(session, patient, "withdrawn")
    update(session, patient, timezone="Europe/Lisbon")
    assert {row.status for row in calendar.visits_of(session, patient)} == {"completed", "cancelled"}


def test_a_patient_who_moves_zone_keeps_dates_and_gets_messages_at_the_new_hour(session: Any) -> None:
    patient = enrol(session)
    before = {row.code: row.date for row in calendar.visits_of(session, patient)}
    update(session, patient, timezone="Europe/Lisbon")
    assert {row.code: row.date for row in calendar.visits_of(session, patient)} == before
    assert reminders(session, patient, "W02")["W02:-1d"].due_at == at("03-29", 14)  # 18:00 in Lisbon's summer


def test_an_opt_out_is_kept_and_taken_back(session: Any) -> None:
    patient = enrol(session)
    update(session, patient, opted_out="reminders")
    assert (patient.opted_out, patient.opted_out_at) == ("reminders", at("03-20"))
    update(session, patient, opted_out=None)
    assert (patient.opted_out, patient.opted_out_at) == (None, None)


def test_a_new_number_makes_a_patient_reachable_again(session: Any) -> None:
    patient = enrol(session)
    patient.unreachable_at, patient.opted_out_by_carrier = at("03-10"), True
    update(session, patient, phone="(16) 99111-0009")
    assert (patient.phone, patient.unreachable_at, patient.opted_out_by_carrier) == (
        "+5516991110009",
        None,
        False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phone", "1"),
        ("language", "fr"),
        ("timezone", "Mars"),
        ("channel", "pigeon"),
        ("opted_out", "some"),
        ("code", "P-009"),
    ],
)
def test_each_wrong_change_is_named(session: Any, name: str, value: str) -> None:
    patient = enrol(session)
    with pytest.raises(RuleViolation) as refused:
        update(session, patient, **{name: value})
    assert refused.value.field == name


def test_changes_need_a_reason_and_are_audited_with_before_and_after(session: Any) -> None:
    patient = enrol(session)
    with pytest.raises(RuleViolation, match="reason"):
        patients.update(session, patient, reason=" ", actor=ACTOR, now=at("03-20"), weight_kg="60")
    update(session, patient, weight_kg="61.5")
    (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "patient:change")).all()
    assert entry.detail["before"] == {"weight_kg": None} and entry.detail["reason"] == "asked to"


def test_a_question_that_an_admission_took_back_is_asked_after_the_discharge(session: Any) -> None:
    patient = enrol(session)
    query = select(Occasion).where(Occasion.questionnaire == "daily").order_by(Occasion.opens_at)
    daily = session.scalars(query).first()
    opened, on = daily.opens_at, daily.for_date.strftime("%m-%d")
    occasion_clock.handle(session, daily.id, opened)
    set_status(session, patient, "admitted", on, now=opened + timedelta(minutes=1))
    set_status(session, patient, "discharged", on, now=opened + timedelta(minutes=5))
    occasion_clock.handle(session, daily.id, opened + timedelta(minutes=5))
    asked = select(Message.template, Message.status).where(Message.occasion_id == daily.id).order_by(Message.id)
    assert session.execute(asked).all() == [("temp", "cancelled"), ("temp", "ready")]


def test_patients_are_found_by_id_and_by_telephone(session: Any) -> None:
    first = enrol(session)
    second = enrol(session, "P-002")
    set_status(session, first, "withdrawn")
    assert [one.code for one in patients.by_phone(session, "+5516991110001")] == ["P-002", "P-001"]
    assert patients.get(session, second.id) is second
    for number in (0, -1, 999_999, 2**70):
        with pytest.raises(NotFound):
            patients.get(session, number)
