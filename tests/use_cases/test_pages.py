"""Pages up the whole ladder, and what the team answers by text and by key."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.models import ContactMethod, Site, Staff, Task
from service.use_cases import alerts, contacts, escalations, oncall
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


def contacts_of(session, who: Staff) -> list[ContactMethod]:
    return list(session.scalars(select(ContactMethod).where(ContactMethod.staff_id == who.id)))


def test_the_ladder_pages_person_after_person_and_ends_at_operations_and_the_patient(session):
    alert = red(session, patient(session))
    climb_to(session, 900)
    told = pages_to(session, alert)
    assert told[:2] == [("Dr. Reis", "sms"), ("Dr. Reis", "voice")]
    assert set(told[2:4]) == {("Dr. Lima", "sms"), ("Dr. Lima", "voice")}
    assert set(told[4:6]) == {("Dr. Prado", "sms"), ("Dr. Prado", "voice")}
    assert len(told[6:12]) == 6 and {name for name, _ in told[6:12]} == {"Dr. Reis", "Dr. Lima", "Dr. Prado"}
    assert {name for name, _ in told[12:]} == {"Dr. Mota", "Bia Nunes"}
    assert ("Bia Nunes", "email") in told
    assert run_of(session, alert).exhausted_at == at(900)
    assert [one.template for one in messages(session, kind="safety")] == ["red", "go_in"]
    assert {session.get(Staff, one.staff_id).name for one in messages(session, template="alarm")} == {
        "Bia Nunes",
        "Ada Lopes",
    }
    assert session.scalars(select(Task.kind)).all() == ["exhausted"]
    last = messages(session)[-1].id
    climb_to(session, 1200)
    assert len({name for name, _ in pages_to(session, alert, since=last)}) == 5
    assert [one.template for one in messages(session, kind="safety")] == ["red", "go_in"], "told once"


def test_nobody_on_call_pages_the_fallback_and_alarms_operations(session):
    who = patient(session)
    site = session.get(Site, who.site_id)
    (rota,) = oncall.rotas_of(session, site.id)
    rota.layers = [{**rota.layers[0], "start": "2030-01-07"}, rota.layers[1]]
    site.settings = {"fallback_staff": [person(session, "Dr. Prado").id]}
    alert = red(session, who)
    assert pages_to(session, alert) == [("Dr. Prado", "sms")]
    assert messages(session, kind="page")[0].template == "nobody_on_call"
    assert len(messages(session, template="alarm")) > 0
    assert session.scalars(select(Task.kind)).all() == ["nobody_on_call"]


def test_an_unreachable_doctor_is_announced_and_skipped_without_waiting(session):
    who = patient(session)
    reis = person(session, "Dr. Reis")
    for contact in contacts_of(session, reis):
        contact.verified_at = None
    alert = red(session, who)
    assert {name for name, _ in pages_to(session, alert)} == {"Dr. Lima"}
    told = messages(session, template="unreachable")
    assert {session.get(Staff, one.staff_id).name for one in told} == {"Bia Nunes", "Ada Lopes", "Ana Souza"}
    assert {one.fields["who"] for one in told} == {"Dr. Reis"}


@pytest.mark.parametrize("by_sweep", [True, False])
def test_a_page_that_cannot_be_delivered_moves_the_ladder_on_at_once(session, by_sweep):
    alert = red(session, patient(session))
    (page,) = messages(session, kind="page")
    page.status = "undelivered" if by_sweep else "failed_permanent"
    session.flush()
    if by_sweep:
        run_id = run_of(session, alert).id
        assert escalations.failed_due(session, at(5), 10) == [run_id]
        escalations.SWEEPS[1].handle(session, run_id, at(5))
    else:
        alerts.page_failed(session, page, now=at(5))
        sms = next(one for one in contacts_of(session, person(session, "Dr. Reis")) if one.channel == "sms")
        assert contacts.as_rule(sms, at(6)).broken and not contacts.as_rule(sms, at(3700)).broken
    assert pages_to(session, alert)[1:] == [("Dr. Reis", "voice")]
    assert escalations.failed_due(session, at(6), 10) == []
    before = len(messages(session, kind="page"))
    alerts.page_failed(session, page, now=at(7))
    assert len(messages(session, kind="page")) == before, "told twice, moved once"


def test_a_call_that_nobody_answers_hurries_nothing_and_breaks_no_contact(session):
    alert = red(session, patient(session))
    climb_to(session, 60)
    (call,) = messages(session, channel="voice")
    call.status = "undelivered"
    session.flush()
    alerts.page_failed(session, call, now=at(90))
    assert run_of(session, alert).due_at == at(180)
    assert escalations.failed_due(session, at(90), 10) == []
    assert all(one.failed_at is None for one in contacts_of(session, person(session, "Dr. Reis")))


def test_a_failed_text_and_an_unanswered_call_together_move_on(session):
    alert = red(session, patient(session))
    climb_to(session, 180)
    last = messages(session)[-1].id
    lima = person(session, "Dr. Lima").id
    text, call = (messages(session, channel=channel, staff_id=lima)[0] for channel in ("sms", "voice"))
    text.status = "failed_temporary"
    session.flush()
    alerts.page_failed(session, text, now=at(181))
    assert pages_to(session, alert, since=last) == [], "the call may still be answered"
    call.status = "undelivered"
    session.flush()
    alerts.page_failed(session, call, now=at(200))
    assert {name for name, _ in pages_to(session, alert, since=last)} == {"Dr. Prado"}


def test_a_code_takes_the_case_and_says_so(session):
    alert = red(session, patient(session))
    assert text_from(session, person(session, "Dr. Reis"), f"{alert.case.lower()}4 ok") == "taken"
    assert alert.status == "acknowledged" and alert.acknowledged_via == "sms"
    (answer,) = messages(session, template="acknowledged_you")
    assert (answer.kind, answer.address) == ("reply", "+5516991110002")


def test_a_code_of_a_case_that_somebody_has_names_them(session):
    alert = red(session, patient(session))
    climb_to(session, 200)
    text_from(session, person(session, "Dr. Reis"), f"{alert.case}4", seconds=210)
    assert text_from(session, person(session, "Dr. Lima"), f"{alert.case}4", seconds=220) == "already taken"
    (answer,) = messages(session, template="already_taken")
    assert answer.fields["who"] == "Dr. Reis" and answer.fields["time"] == "08:03"


def test_a_code_passes_on(session):
    alert = red(session, patient(session))
    assert text_from(session, person(session, "Dr. Reis"), f"{alert.case}5") == "passed on"
    assert messages(session, template="passed_on")[0].fields["who"] == "Dr. Lima"
    assert alert.status == "open"


def test_somebody_elses_code_takes_nothing(session):
    alert = red(session, patient(session))
    assert text_from(session, person(session, "Dr. Mota"), f"{alert.case}4") == "unknown code"
    assert alert.status == "open"
    assert messages(session, template="ack_unknown")[0].address == "+5516991110005"


def test_a_bare_ok_takes_the_only_case_but_never_one_of_two(session):
    reis = person(session, "Dr. Reis")
    one = red(session, patient(session, "P-001"))
    other = red(session, patient(session, "P-002"), source="text:2")
    assert text_from(session, reis, "Ok!") == "listed"
    assert (one.status, other.status) == ("open", "open")
    (listed,) = messages(session, template="ack_list")
    assert listed.fields["cases"] == f"{one.case}4 P-001, {other.case}4 P-002"
    assert text_from(session, reis, f"{one.case}4", seconds=70) == "taken"
    assert text_from(session, reis, "ok", seconds=80) == "taken"
    assert (one.status, other.status) == ("acknowledged", "acknowledged")


def test_what_cannot_be_read_takes_nothing_and_says_so(session):
    reis = person(session, "Dr. Reis")
    assert text_from(session, reis, "quem?") == "unknown"
    alert = red(session, patient(session))
    assert text_from(session, reis, "ja vou", seconds=70) == "listed"
    assert alert.status == "open"


def test_a_closed_case_says_so(session):
    alert = red(session, patient(session))
    reis = person(session, "Dr. Reis")
    alerts.outcome(session, alert, staff=reis, outcome="wrong_reading", now=at(30))
    assert text_from(session, reis, f"{alert.case}4") == "already closed"
    assert text_from(session, reis, f"{alert.case}5", seconds=70) == "already closed"


def test_stop_from_an_on_call_phone_alarms_operations_and_the_ladder_calls_it_at_once(session):
    who = patient(session)
    reis = person(session, "Dr. Reis")
    assert text_from(session, reis, "PARE", seconds=5) == "stop"
    assert "Dr. Reis enviou STOP" in messages(session, template="alarm")[0].fields["alarm"]
    alert = red(session, who, seconds=10)
    assert pages_to(session, alert) == [("Dr. Reis", "voice")]
    assert text_from(session, reis, "START", seconds=20) == "start"
    assert all(one.opted_out_at is None for one in contacts_of(session, reis))


def test_keys_on_the_call_take_and_pass_on(session):
    alert = red(session, patient(session))
    climb_to(session, 60)
    call = messages(session, kind="page", channel="voice")[0]
    assert alerts.voice_digit(session, call, "9", now=at(70)) == "unknown"
    assert alerts.voice_digit(session, call, "5", now=at(71)) == "passed"
    lima = person(session, "Dr. Lima")
    theirs = next(one for one in messages(session, channel="voice") if one.staff_id == lima.id)
    assert alerts.voice_digit(session, theirs, "4", now=at(80)) == "taken"
    assert (alert.acknowledged_by_id, alert.acknowledged_via) == (lima.id, "voice")
    assert alerts.voice_digit(session, call, "4", now=at(90)) == "already_taken"
    assert alerts.voice_digit(session, call, "5", now=at(91)) == "already_taken"
    alerts.outcome(session, alert, staff=lima, outcome="advised_by_phone", now=at(100))
    assert alerts.voice_digit(session, theirs, "4", now=at(110)) == "closed"
