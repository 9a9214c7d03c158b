"""Calls: what they say, and one key that takes a case."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from notifications.carriers.signature import sign
from service.demo import seed
from service.models import Alert, Patient, Staff, Task
from service.use_cases import alerts
from tests.conftest import PUBLIC, TOKEN
from tests.sending import PostOffice

FIELDS = {"case": "7K", "patient": "P-001", "time": "08:00", "take": "7K4", "pass_on": "7K5", "url": "/a/x"}


@pytest.fixture
def post(world: Any) -> PostOffice:
    return PostOffice(world)


def case(post: PostOffice) -> int:
    with post.db.unit_of_work() as session:
        return alerts.open_or_join(
            session, session.get_one(Patient, post.patient_id), source="test", level="red", hits=(),
            reported_at=post.clock.now(), summary={}, now=post.clock.now(), advise=False,
        ).id  # fmt: skip


def ring(post: PostOffice, alert: int) -> Any:
    """Dr. Reis' phone rings about the case."""
    post.page(alert_id=alert, channel="voice", address=seed.REIS.phone)
    post.send()
    call = [one for one in post.simulator.calls if one.to == seed.REIS.phone][-1]
    post.simulator.answer(call)
    return call


def state(post: PostOffice, alert: int) -> Alert:
    with post.db.reading() as session:
        return session.get_one(Alert, alert)


def staff_id(post: PostOffice, person: seed.Person) -> int:
    with post.db.reading() as session:
        return session.scalars(select(Staff.id).where(Staff.email == person.email)).one()


def test_key_4_takes_the_case(post: PostOffice) -> None:
    alert = case(post)
    call = ring(post, alert)
    assert "7K" in call.said[0] and "4" in call.said[0]
    post.simulator.press(call, "4")
    row = state(post, alert)
    assert (row.status, row.acknowledged_via) == ("acknowledged", "voice")
    assert row.acknowledged_by_id == staff_id(post, seed.REIS)
    assert "assumiu" in call.said[-1]


def test_the_second_to_press_is_told_who_has_it(post: PostOffice) -> None:
    alert = case(post)
    call = ring(post, alert)
    with post.db.unit_of_work() as session:
        lima = session.get_one(Staff, staff_id(post, seed.LIMA))
        alerts.acknowledge(session, session.get_one(Alert, alert), staff=lima, via="sms", now=post.clock.now())
    post.simulator.press(call, "4")
    assert "Dr. Lima" in call.said[-1]
    assert state(post, alert).acknowledged_by_id == staff_id(post, seed.LIMA)


def test_key_5_passes_the_case_on(post: PostOffice) -> None:
    alert = case(post)
    call = ring(post, alert)
    post.simulator.press(call, "5")
    assert state(post, alert).status == "open"
    assert "passado" in call.said[-1] or "assumiu" in call.said[-1]


def test_any_other_key_says_it_again_and_takes_nothing(post: PostOffice) -> None:
    alert = case(post)
    call = ring(post, alert)
    before = len(call.said)
    post.simulator.press(call, "9")
    assert state(post, alert).status == "open" and len(call.said) > before
    post.simulator.press(call, "4")
    assert state(post, alert).status == "acknowledged"


def test_a_call_that_rings_out_moves_the_ladder_on(post: PostOffice) -> None:
    alert = case(post)
    post.page(alert_id=alert, channel="voice", address=seed.REIS.phone)
    post.send()
    call = [one for one in post.simulator.calls if one.to == seed.REIS.phone][-1]
    post.report()
    post.simulator.hang_up(call)
    post.report()
    page = [one for one in post.world.messages(channel="voice") if one.address == seed.REIS.phone][-1]
    assert page.status == "undelivered"


def test_a_patient_hears_the_advice(post: PostOffice) -> None:
    post.enqueue("safety", "go_in", channel="voice")
    post.send()
    (call,) = post.simulator.calls
    post.simulator.answer(call)
    assert "pronto-socorro" in " ".join(call.said)
    assert call.keys_to == "", "nobody listens for keys"


def ask(post: PostOffice, path: str, **form: str) -> Any:
    headers = {"X-Twilio-Signature": sign(TOKEN, PUBLIC + path, form)}
    return post.world.app.test_client().post(path, data=form, headers=headers)


def test_a_call_about_a_text_is_not_found(post: PostOffice) -> None:
    message = post.enqueue()
    assert ask(post, f"/webhooks/twilio/voice/{message}").status_code == 404
    assert ask(post, f"/webhooks/twilio/voice/{message}/digits", Digits="4").status_code == 404


def test_a_patient_who_calls_hears_the_sites_number_and_becomes_a_task(post: PostOffice) -> None:
    answer = ask(post, "/webhooks/twilio/voice", From=post.phone, CallSid="CA1")
    assert answer.status_code == 200 and "3602-0000" in answer.get_data(as_text=True)
    ask(post, "/webhooks/twilio/voice", From=post.phone, CallSid="CA1")
    with post.db.reading() as session:
        (task,) = session.scalars(select(Task).where(Task.kind == "called"))
    assert task.patient_id == post.patient_id


def test_a_stranger_who_calls_hears_the_sites_number(post: PostOffice) -> None:
    answer = ask(post, "/webhooks/twilio/voice", From="+12025550100", CallSid="CA2")
    assert "3602-0000" in answer.get_data(as_text=True)
    with post.db.reading() as session:
        assert not session.scalars(select(Task).where(Task.kind == "called")).all()
