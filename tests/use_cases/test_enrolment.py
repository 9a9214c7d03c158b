"""Enrolment: everything in one transaction, and each field refused by its name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from service.errors import Conflict
from service.models import AnchorDate, AuditEntry, Message, Occasion, Reminder, Visit
from service.use_cases import calendar, enrolment, studies
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, new, reminders, visit
from tests.workflows.calendar_case import STUDY_FILE
from workflows.decisions import RuleViolation


def test_one_call_makes_calendar_reminders_questions_welcome_and_audit(session: Any) -> None:
    patient = enrol(session)
    count = lambda table: session.scalar(
        select(func.count()).select_from(table).where(table.patient_id == patient.id)
    )  # noqa: E501
    assert count(Visit) == 42 and count(Reminder) > 50 and count(Occasion) > 0
    assert session.scalars(select(AnchorDate.name).where(AnchorDate.patient_id == patient.id)).all() == [
        "enrolment"
    ]
    (welcome,) = session.scalars(select(Message).where(Message.patient_id == patient.id)).all()
    assert welcome.template == "welcome"
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.patient_id == patient.id)).all()
    assert {"patient:enrol", "calendar:plan", "visit:complete"} <= set(actions)


def test_the_enrolment_visit_has_taken_place_and_the_rest_is_projected(session: Any) -> None:
    patient = enrol(session)
    assert (visit(session, patient, "ENR").status, visit(session, patient, "ENR").completed_on) == (
        "completed",
        day("03-02"),
    )
    assert visit(session, patient, "W26").projected and visit(session, patient, "R6M").merged_into == "W26"


def test_a_visit_announced_in_the_past_is_not_announced_now(session: Any) -> None:
    patient = enrolment.enrol_patient(
        session, new(session, enrolled_on=day("03-01")), actor=ACTOR, now=at("03-06", 12)
    )
    assert reminders(session, patient, "BASE")["BASE:-1d"].status == "skipped"
    assert reminders(session, patient, "ATG1")["ATG1:-1d"].status == "pending"


def test_reminders_wait_at_their_local_hour(session: Any) -> None:
    patient = enrol(session)
    rows = reminders(session, patient, "W02")
    due = {key: row.due_at for key, row in rows.items()}
    assert due["W02:-1d"] == at("03-29", 18) and due["W02:-3d"] == at("03-27", 10)
    assert "W02:+1d:missed" not in rows


def test_of_two_reminders_on_one_day_the_later_is_kept(session: Any) -> None:
    text = STUDY_FILE.read_text(encoding="utf-8").replace('version: "1"', 'version: "2"', 1)
    once = "      - {days: -1, template: visit_1d}\n"
    study = studies.load(
        session, text.replace(once, '      - {days: -1, at: "09:00", template: visit_1d}\n' + once, 1), actor=ACTOR,
        now=at("03-01"),
    )  # fmt: skip
    studies.confirm(session, study, by="Dr. Prado", actor=ACTOR, now=at("03-01"))
    studies.activate(session, study, actor=ACTOR, now=at("03-01"))
    patient = enrol(session)
    calendar.refresh(session, patient, now=at("03-02"))
    assert reminders(session, patient, "BASE")["BASE:-1d"].due_at == at("03-05", 18)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "12"),
        ("language", "fr"),
        ("timezone", "Mars/Olympus"),
        ("channel", "pigeon"),
        ("enrolled_on", day("03-02") - timedelta(days=400)),
        ("enrolled_on", day("03-02") + timedelta(days=400)),
        ("code", "P 001"),
        ("code", ""),
        ("code", "P-" + "0" * 40),
        ("next_of_kin", "nobody"),
    ],
)
def test_each_wrong_field_is_named(session: Any, field: str, value: Any) -> None:
    with pytest.raises(RuleViolation) as refused:
        enrol(session, **{field: value})
    assert refused.value.field == field


def test_a_code_twice_and_a_study_that_has_not_started_are_conflicts(session: Any) -> None:
    enrol(session)
    with pytest.raises(Conflict, match="has a patient P-001 already"):
        enrol(session)
    given = new(session, "P-002")
    given.study.status = studies.CONFIRMED
    with pytest.raises(Conflict, match="activate it first"):
        enrolment.enrol_patient(session, given, actor=ACTOR, now=at("03-02"))


def test_the_calendar_as_others_read_it(session: Any) -> None:
    patient = enrol(session)
    rows = calendar.as_rows(session, patient)
    assert [row["date"] for row in rows] == sorted(row["date"] for row in rows)
    first = rows[0]
    assert {
        "code",
        "label",
        "anchor",
        "date",
        "window_start",
        "window_end",
        "projected",
        "merged_into",
        "flags",
    } <= set(
        first
    )  # noqa: E501
    assert first["status"] == "completed" and first["etag"].startswith('"')
