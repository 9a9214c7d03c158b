"""Cases from the red report to the outcome, each act in one transaction."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.models import AlertReport, AuditEntry, ContactMethod, ReplyCode, Task
from service.use_cases import alerts, escalations, pages
from tests.use_cases.case_help import (
    at,
    climb_to,
    messages,
    pages_to,
    patient,
    person,
    red,
    run_of,
    text_from,
)
from workflows.decisions import RuleViolation


def test_a_red_report_opens_a_case_pages_the_doctor_and_advises_the_patient(session):
    who = patient(session)
    alert = red(session, who)
    assert (alert.status, alert.severity, alert.reported_at) == ("open", "red", at(0))
    assert alert.first_paged_at == at(0)
    assert pages_to(session, alert) == [("Dr. Reis", "sms")]
    (advice,) = messages(session, kind="safety")
    assert (advice.template, advice.address, advice.lane) == ("red", who.phone, "pages")
    (page,) = messages(session, kind="page")
    assert page.fields["case"] == alert.case and page.fields["take"] == f"{alert.case}4"
    assert page.fields["url"].startswith("/a/") and page.wanted_while == "alert_open"
    assert run_of(session, alert).due_at == at(60)
    assert [line.event for line in alerts.log_of(session, alert)] == ["opened", "step"]
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == alert.id)).all()
    assert "alert:open" in actions


def test_the_same_report_twice_is_one_report_and_a_second_one_joins(session):
    who = patient(session)
    alert = red(session, who)
    assert red(session, who).id == alert.id
    assert len(messages(session, kind="page")) == 1
    assert red(session, who, source="text:2", seconds=20).id == alert.id
    assert session.scalars(select(AlertReport.source)).all() == ["text:1", "text:2"]
    assert len(messages(session, kind="safety")) == 2, "each report gets its own advice"
    assert run_of(session, alert).due_at == at(60), "an open ladder is not delayed"


def test_two_patients_have_two_cases_with_two_codes(session):
    one, other = red(session, patient(session, "P-001")), red(session, patient(session, "P-002"), source="text:2")
    assert one.id != other.id and one.case != other.case
    assert one.case[0] != other.case[0] and one.case[1] != other.case[1]


def test_the_first_to_take_it_has_it_and_the_second_is_told(session):
    alert = red(session, patient(session))
    climb_to(session, 200)
    reis, lima = person(session, "Dr. Reis"), person(session, "Dr. Lima")
    first = alerts.acknowledge(session, alert, staff=reis, via="sms", now=at(210))
    assert (first.first, first.by, first.at) == (True, reis, at(210))
    assert (alert.status, alert.acknowledged_via) == ("acknowledged", "sms")
    assert alert.outcome_due_at == at(210 + 1800) and run_of(session, alert).due_at is None
    assert {one.status for one in messages(session, kind="page")} == {"cancelled"}
    assert [session.get(type(lima), one.staff_id).name for one in messages(session, template="acknowledged")] == [
        "Dr. Lima"
    ]
    second = alerts.acknowledge(session, alert, staff=lima, via="console", now=at(220))
    assert (second.first, second.by, second.at) == (False, reis, at(210))
    assert alert.acknowledged_via == "sms"


def test_a_further_red_report_wakes_the_owner_on_every_channel(session):
    who = patient(session)
    alert = red(session, who)
    alerts.acknowledge(session, alert, staff=person(session, "Dr. Reis"), via="sms", now=at(30))
    last = messages(session)[-1].id
    red(session, who, source="text:2", seconds=100)
    assert pages_to(session, alert, since=last) == [("Dr. Reis", "sms"), ("Dr. Reis", "voice")]
    assert {one.template for one in messages(session, kind="page") if one.id > last} == {"page_joined"}
    assert alert.status == "acknowledged" and alert.outcome_due_at == at(1000)


def test_no_outcome_in_half_an_hour_opens_it_again(session):
    alert = red(session, patient(session))
    alerts.acknowledge(session, alert, staff=person(session, "Dr. Reis"), via="sms", now=at(30))
    assert escalations.SWEEPS[0].next_due(session) == at(1830)
    assert escalations.due(session, at(1829), 10) == []
    climb_to(session, 1830)
    assert (alert.status, alert.acknowledged_by_id) == ("open", None)
    assert [one.template for one in messages(session, kind="notice")] == ["outcome_due"]
    assert run_of(session, alert).due_at == at(1890)


@pytest.mark.parametrize("outcome", ["sent_to_er", "advised_by_phone", "wrong_reading"])
def test_an_outcome_closes_the_case_and_a_new_report_opens_another(session, outcome):
    who = patient(session)
    alert = red(session, who)
    reis = person(session, "Dr. Reis")
    alerts.outcome(session, alert, staff=reis, outcome=outcome, now=at(60))
    assert (alert.status, alert.outcome, alert.closed_at) == ("closed", outcome, at(60))
    assert escalations.SWEEPS[0].next_due(session) is None
    with pytest.raises(RuleViolation):
        alerts.outcome(session, alert, staff=reis, outcome="other", text="again", now=at(70))
    fresh = red(session, who, source="text:9", seconds=90)
    assert fresh.id != alert.id and fresh.case != alert.case
    follow_up = session.scalars(select(Task.kind).where(Task.alert_id == alert.id)).all()
    assert follow_up == (["confirm_arrival"] if outcome == "sent_to_er" else [])


def test_not_reached_goes_to_the_next_person_at_once(session):
    alert = red(session, patient(session))
    reis = person(session, "Dr. Reis")
    alerts.acknowledge(session, alert, staff=reis, via="sms", now=at(30))
    last = messages(session)[-1].id
    alerts.outcome(session, alert, staff=reis, outcome="not_reached", now=at(300))
    assert alert.status == "open" and alert.outcome is None
    assert {name for name, _ in pages_to(session, alert, since=last)} == {"Dr. Lima"}


@pytest.mark.parametrize("outcome, text", [("sent home", ""), ("other", ""), ("other", "   ")])
def test_an_outcome_that_says_nothing_is_refused(session, outcome, text):
    alert = red(session, patient(session))
    with pytest.raises(RuleViolation):
        alerts.outcome(session, alert, staff=person(session, "Dr. Reis"), outcome=outcome, text=text, now=at(60))
    assert alert.status == "open"


def test_passing_on_pages_the_backup_now_and_only_the_owner_can_let_go(session):
    alert = red(session, patient(session))
    reis, lima = person(session, "Dr. Reis"), person(session, "Dr. Lima")
    paged = alerts.pass_on(session, alert, staff=reis, via="sms", now=at(20))
    assert [one.name for one in paged] == ["Dr. Lima"]
    alerts.acknowledge(session, alert, staff=lima, via="sms", now=at(40))
    assert alerts.pass_on(session, alert, staff=reis, via="sms", now=at(50)) == []
    assert alert.acknowledged_by_id == lima.id


def test_an_amber_task_that_nobody_saw_becomes_a_case_with_its_own_ladder(session):
    who = patient(session)
    task = Task(
        patient_id=who.id,
        site_id=who.site_id,
        kind="call_patient",
        rules=["T-WATCH"],
        dedupe="x",
        created_at=at(0),
        due_at=at(7200),
    )
    session.add(task)
    session.flush()
    alert = alerts.climb(session, task, now=at(7200))
    assert (alert.severity, alert.reported_at, task.alert_id) == ("amber", at(0), alert.id)
    assert pages_to(session, alert) == [("Ana Souza", "sms"), ("Dr. Reis", "sms")]
    assert messages(session, kind="safety") == []
    raised = red(session, who, seconds=7300)
    assert raised.id == alert.id and alert.severity == "red"
    assert run_of(session, alert).due_at == at(7360), "the red ladder began again at once"


def test_a_stopped_telephone_is_called_instead(session):
    who = patient(session)
    who.opted_out, who.opted_out_by_carrier = "all", True
    red(session, who)
    (advice,) = messages(session, kind="safety")
    assert advice.channel == "voice"


def test_a_case_can_be_opened_again_by_hand_and_notes_are_kept(session):
    alert = red(session, patient(session))
    reis = person(session, "Dr. Reis")
    with pytest.raises(RuleViolation):
        alerts.reopen(session, alert, actor="system", now=at(10))
    alerts.acknowledge(session, alert, staff=reis, via="sms", now=at(30))
    alerts.note(session, alert, staff=reis, text=" on the phone with her ", now=at(40))
    alerts.reopen(session, alert, actor="system", now=at(50))
    assert alert.status == "open"
    assert [line.event for line in alerts.log_of(session, alert)][-3:] == ["note", "reopened", "step"]


def test_case_after_case_gets_another_code_for_seven_days(session):
    who = patient(session)
    codes = []
    for number in range(5):
        alert = red(session, who, source=f"text:{number}", seconds=number * 10)
        codes.append(alert.case)
        alerts.outcome(
            session, alert, staff=person(session, "Dr. Reis"), outcome="wrong_reading", now=at(number * 10 + 5)
        )
    assert len(set(codes)) == 5
    assert session.scalars(select(ReplyCode.code).order_by(ReplyCode.id)).all() == codes
    assert pages.new_case_code(session, at(0) + timedelta(days=6)) not in codes


def test_a_further_report_to_an_owner_who_sent_stop_reaches_the_phone_that_still_rings(session):
    who = patient(session)
    alert = red(session, who)
    reis = person(session, "Dr. Reis")
    alerts.acknowledge(session, alert, staff=reis, via="sms", now=at(30))
    text_from(session, reis, "STOP")
    last = messages(session)[-1].id
    red(session, who, source="text:2", seconds=100)
    assert pages_to(session, alert, since=last) == [("Dr. Reis", "voice")]
    assert alert.status == "acknowledged"


def test_a_further_report_to_an_owner_whom_nothing_reaches_opens_the_case_for_the_others(session):
    who = patient(session)
    alert = red(session, who)
    reis = person(session, "Dr. Reis")
    alerts.acknowledge(session, alert, staff=reis, via="console", now=at(30))
    for contact in session.scalars(select(ContactMethod).where(ContactMethod.staff_id == reis.id)):
        contact.verified_at = None
    session.flush()
    last = messages(session)[-1].id
    red(session, who, source="text:2", seconds=100)
    assert alert.status == "open" and run_of(session, alert).due_at > at(100)
    assert pages_to(session, alert, since=last) == [("Dr. Lima", "sms"), ("Dr. Lima", "voice")]
    reopened = [line for line in alerts.log_of(session, alert) if line.event == "reopened"]
    assert reopened[0].detail["note"] == "its owner cannot be paged"


def test_a_case_is_handed_to_a_colleague_who_takes_it(session):
    alert = red(session, patient(session))
    reis, prado = person(session, "Dr. Reis"), person(session, "Dr. Prado")
    alerts.acknowledge(session, alert, staff=reis, via="sms", now=at(30))
    last = messages(session)[-1].id
    assert alerts.hand_over(session, alert, staff=reis, to=prado, via="console", now=at(100))
    assert alert.status == "open" and run_of(session, alert).due_at == at(160)
    assert pages_to(session, alert, since=last) == [("Dr. Prado", "sms"), ("Dr. Prado", "voice")]
    assert alerts.acknowledge(session, alert, staff=prado, via="sms", now=at(120)).first
    assert [line.event for line in alerts.log_of(session, alert)][-2:] == ["handed_over", "acknowledged"]


def test_a_colleague_who_does_not_take_it_in_time_is_followed_by_the_ladder_without_the_one_who_let_go(session):
    alert = red(session, patient(session))
    reis, prado = person(session, "Dr. Reis"), person(session, "Dr. Prado")
    alerts.acknowledge(session, alert, staff=reis, via="sms", now=at(30))
    alerts.hand_over(session, alert, staff=reis, to=prado, via="console", now=at(100))
    last = messages(session)[-1].id
    climb_to(session, 160)
    assert pages_to(session, alert, since=last) == [("Dr. Lima", "sms"), ("Dr. Lima", "voice")]


def test_only_the_owner_hands_over_and_only_to_somebody_who_can_be_paged(session):
    alert = red(session, patient(session))
    reis, lima, prado = (person(session, name) for name in ("Dr. Reis", "Dr. Lima", "Dr. Prado"))
    alerts.acknowledge(session, alert, staff=reis, via="sms", now=at(30))
    assert not alerts.hand_over(session, alert, staff=lima, to=prado, via="console", now=at(40))
    assert alert.acknowledged_by_id == reis.id
    for contact in session.scalars(select(ContactMethod).where(ContactMethod.staff_id == prado.id)):
        contact.opted_out_at = at(0)
    session.flush()
    for nobody in (prado, reis):
        with pytest.raises(RuleViolation):
            alerts.hand_over(session, alert, staff=reis, to=nobody, via="console", now=at(50))
    alerts.outcome(session, alert, staff=reis, outcome="wrong_reading", now=at(60))
    assert not alerts.hand_over(session, alert, staff=reis, to=lima, via="console", now=at(70))
