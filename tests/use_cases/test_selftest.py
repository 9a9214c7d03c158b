"""The chain's own tests: planned, sent, seen or alarmed; holes that are told before they come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from notifications.carriers.base import SendResult
from notifications.message import Channel, OutboundMessage
from service.demo import seed
from service.models import Alert, ChainTest, ContactMethod, Heartbeat, Message, Patient, Rota, Task
from service.use_cases import cover_notices, selftest, watch
from service.use_cases.watch import Severity
from service.watchdog import Watchdog
from tests.use_cases.case_help import at, messages, patient, person

DAY = 86_400


class Mails:
    """A mail server of this process."""

    def __init__(self) -> None:
        self.got: list[OutboundMessage] = []

    def send(self, message: OutboundMessage) -> SendResult:
        self.got.append(message)
        return SendResult("")


@pytest.fixture
def ward(world: Any) -> Any:
    """A study with a patient, watched, and nothing unread."""
    world.enrol("P-001")
    Watchdog(world.runtime).look()
    world.phone("Bia Nunes").reads_all()
    return world


def chain_tests(world: Any, kind: str = "page") -> list[ChainTest]:
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(ChainTest).where(ChainTest.kind == kind).order_by(ChainTest.id)))


def critical(world: Any) -> set[str]:
    with world.runtime.db.unit_of_work() as session:
        for kind in ("scheduler", "lane:pages"):
            session.merge(Heartbeat(name=kind, kind=kind, seen_at=world.clock.machine()))
    with world.runtime.db.reading() as session:
        found = watch.findings(session, now=world.now, machine_now=world.clock.machine())
    return {one.kind for one in found if one.severity is Severity.CRITICAL}


def test_every_morning_a_page_goes_through_the_whole_chain(ward: Any) -> None:
    Watchdog(ward.runtime).look()
    (planned,) = chain_tests(ward)
    assert (planned.status, planned.due_at) == ("waiting", at(3600)), "09:00 at the site"
    ward.advance_to(at(3600))
    text = ward.phone("Bia Nunes").expects("teste diario", "09:00")
    (message,) = ward.messages(template="chain_test")
    assert (message.lane, message.kind, message.alert_id, message.patient_id) == ("pages", "page", None, None)
    assert "P-001" not in text
    ward.advance(minutes=10)
    first, second = chain_tests(ward)
    assert first.status == "seen" and (second.status, second.due_at) == ("waiting", at(3600 + DAY))
    assert not critical(ward)
    with ward.runtime.db.reading() as session:
        assert not session.scalars(select(Alert)).all(), "no case"


def test_a_page_that_is_not_seen_is_alarmed_without_the_carrier_and_tried_again(ward: Any) -> None:
    ward.simulator.faults.undelivered.add(seed.BIA.phone)
    ward.advance_to(at(3600))
    assert not critical(ward), "ten minutes to arrive"
    ward.advance(minutes=10)
    first, second = chain_tests(ward)
    assert first.status == "missed" and first.why.startswith("undelivered")
    assert second.due_at == ward.now + timedelta(minutes=15)
    assert critical(ward) == {"page_test"}
    mails = Mails()
    ward.runtime.carriers = {**ward.runtime.carriers, Channel.EMAIL: mails}
    Watchdog(ward.runtime).look()
    assert [("test page" in one.text, one.to) for one in mails.got] == [(True, "alarms@vigilia.example")]
    ward.simulator.faults.undelivered.clear()
    ward.advance(minutes=25)
    assert chain_tests(ward)[1].status == "seen" and not critical(ward)


def test_a_carrier_that_accepts_and_is_silent_is_not_seen(ward: Any) -> None:
    ward.simulator.faults.silent = True
    ward.advance_to(at(3600))
    ward.advance(minutes=10)
    assert chain_tests(ward)[0].status == "missed" and "page_test" in critical(ward)


def test_a_tick_that_does_not_send_the_page_shows(ward: Any) -> None:
    ward.clock.advance(timedelta(hours=1, minutes=6))
    assert "page_test" in critical(ward)


def test_nobody_of_operations_to_send_it_to(ward: Any) -> None:
    with ward.runtime.db.unit_of_work() as session:
        for one in session.scalars(select(ContactMethod)):
            one.verified_at = None
    ward.advance_to(at(3600))
    assert chain_tests(ward)[0].why == "nobody of operations has a verified telephone"
    assert chain_tests(ward)[1].due_at == at(3600 + DAY) and "page_test" in critical(ward)


def test_administrators_where_there_is_no_operator(session: Any) -> None:
    patient(session)
    person(session, "Bia Nunes").active = False
    selftest.plan(session, now=at(0))
    (test,) = session.scalars(select(ChainTest).where(ChainTest.kind == "page"))
    selftest.handle(session, test.id, at(3600))
    assert [one.address for one in messages(session, template="chain_test")] == [seed.ADA.phone]


def test_nothing_is_tested_where_no_study_has_a_patient(session: Any) -> None:
    assert selftest.plan(session, now=at(0)) == 0


def test_two_workers_plan_one_test(session: Any) -> None:
    patient(session)
    assert selftest.plan(session, now=at(0)) == 1
    assert selftest.plan(session, now=at(60)) == 0


# --- every contact, every month


def monthly(session: Any) -> list[ChainTest]:
    return list(session.scalars(select(ChainTest).where(ChainTest.kind == "contact").order_by(ChainTest.id)))


def text_of_reis(session: Any) -> ContactMethod:
    who = person(session, "Dr. Reis")
    return session.scalars(
        select(ContactMethod).where(ContactMethod.staff_id == who.id, ContactMethod.channel == "sms")
    ).one()


def proven(session: Any, seconds: float) -> None:
    """Everybody's contact worked then."""
    for one in session.scalars(select(ContactMethod)):
        one.last_delivered_at = at(seconds)
    session.flush()


def test_a_contact_that_was_silent_for_a_month_is_tested_in_the_morning(session: Any) -> None:
    patient(session)
    proven(session, 20 * DAY)
    contact = text_of_reis(session)
    contact.last_delivered_at = at(0)
    selftest.plan(session, now=at(26 * DAY))
    assert not monthly(session)
    selftest.plan(session, now=at(28 * DAY))
    selftest.plan(session, now=at(28 * DAY + 60))
    (test,) = monthly(session)
    assert (test.contact_id, test.due_at) == (contact.id, at(28 * DAY + 7200)), "10:00 at the site"
    selftest.handle(session, test.id, test.due_at)
    (message,) = messages(session, template="contact_test")
    assert (message.address, message.lane) == (contact.address, "bulk"), "never before a page"
    message.status = "delivered"
    session.flush()
    selftest.handle(session, test.id, test.due_at)
    assert test.status == "seen"
    selftest.plan(session, now=at(29 * DAY))
    assert len(monthly(session)) == 1


def test_a_contact_whose_test_does_not_arrive_is_flagged_until_one_does(session: Any) -> None:
    patient(session)
    proven(session, 20 * DAY)
    contact = text_of_reis(session)
    contact.last_delivered_at = at(0)
    selftest.plan(session, now=at(28 * DAY))
    (test,) = monthly(session)
    selftest.handle(session, test.id, test.due_at)
    (message,) = messages(session, template="contact_test")
    message.status, message.reason = "undelivered", "the phone is off"
    session.flush()
    selftest.handle(session, test.id, test.due_at)
    (finding,) = [one for one in watch.reachable(session, at(28 * DAY + 14000)) if one.kind == "contact_test"]
    assert finding.detail == "Dr. Reis: the monthly test by sms did not arrive (undelivered: the phone is off)"
    assert finding.severity is Severity.WARNING
    site = session.get_one(Patient, 1).site_id
    assert [one.kind for one in watch.reachable(session, at(28 * DAY + 14000), site)].count("contact_test") == 1
    contact.last_delivered_at = at(29 * DAY)
    selftest.plan(session, now=at(57 * DAY))
    again = next(one for one in monthly(session) if one.contact_id == contact.id and one.status == "waiting")
    selftest.handle(session, again.id, again.due_at)
    session.get_one(Message, again.messages[0]).status = "delivered"
    selftest.handle(session, again.id, again.due_at)
    flagged = [one.detail for one in watch.reachable(session, at(57 * DAY)) if one.kind == "contact_test"]
    assert not [one for one in flagged if "Dr. Reis" in one]


def voice_test(ward: Any) -> Any:
    """Dr. Reis' telephone rings, after a month in which nobody called it."""
    with ward.runtime.db.unit_of_work() as session:
        for one in session.scalars(select(ContactMethod)):
            one.verified_at = one.last_delivered_at = at(0)
            if one.channel != "voice" or one.address != seed.REIS.phone:
                one.opted_out_at = at(0)
        session.get_one(Patient, 1).admitted_at = at(0)  # so that no question makes the clock crawl
    ward.clock.advance(timedelta(days=28))
    with ward.runtime.db.unit_of_work() as session:
        for test in session.scalars(select(ChainTest)):
            test.status, test.ended_at = "dropped", ward.now
        selftest.plan(session, now=ward.now)
    return next(one for one in chain_tests(ward, "contact") if one.status == "waiting")


def state_of(ward: Any, test: ChainTest) -> tuple[str, str]:
    with ward.runtime.db.reading() as session:
        row = session.get_one(ChainTest, test.id)
        return row.status, row.why


def test_a_telephone_is_called_every_month_and_one_key_confirms_it(ward: Any) -> None:
    test = voice_test(ward)
    ward.advance_to(test.due_at)
    (call,) = ward.phone("Dr. Reis").calls
    ward.simulator.answer(call)
    assert "teste" in call.said[0] and "tecle 1" in call.said[0]
    ward.simulator.press(call, "4")
    assert state_of(ward, test)[0] == "sent", "no key but 1 confirms, and nothing else happens"
    ward.simulator.press(call, "1")
    assert "confirmado" in call.said[-1] and state_of(ward, test) == ("seen", "")
    with ward.runtime.db.reading() as session:
        assert session.get_one(ContactMethod, test.contact_id).last_delivered_at == ward.now
        assert not [one for one in watch.reachable(session, ward.now) if one.kind == "contact_test"]


def test_a_voice_mail_that_takes_the_call_confirms_nothing_and_the_next_mornings_try_again(ward: Any) -> None:
    test = voice_test(ward)
    ward.advance_to(test.due_at)
    (call,) = ward.phone("Dr. Reis").calls
    ward.simulator.answer(call)
    ward.simulator.hang_up(call)
    ward.advance(hours=1)
    assert state_of(ward, test) == ("missed", "the call was taken and no key confirmed it")
    with ward.runtime.db.reading() as session:
        assert session.get_one(ContactMethod, test.contact_id).last_delivered_at == at(0)
        assert [one.kind for one in watch.reachable(session, ward.now)].count("contact_test") == 1
    ward.advance(days=6)
    tried = [one for one in chain_tests(ward, "contact") if one.contact_id == test.contact_id]
    assert [one.status for one in tried] == ["missed"] * 3, "three mornings, then the next month"


def test_a_code_that_verifies_the_contact_again_takes_the_flag_away(ward: Any) -> None:
    test = voice_test(ward)
    ward.advance_to(test.due_at)
    ward.advance(hours=1)
    assert state_of(ward, test)[0] == "missed"
    with ward.runtime.db.unit_of_work() as session:
        assert test.id in [one.id for one, _ in selftest.faults(session, ward.now)]
        session.get_one(ContactMethod, test.contact_id).verified_at = ward.now + timedelta(seconds=1)
        session.flush()
        assert test.id not in [one.id for one, _ in selftest.faults(session, ward.now)]


def test_who_has_left_or_opted_out_is_not_tested(session: Any) -> None:
    patient(session)
    proven(session, 0)
    contact = text_of_reis(session)
    contact.opted_out_at = at(0)
    selftest.plan(session, now=at(28 * DAY))
    assert contact.id not in {one.contact_id for one in monthly(session)}
    lima = person(session, "Dr. Lima")
    mine = next(one for one in monthly(session) if session.get_one(ContactMethod, one.contact_id).staff_id == lima.id)
    lima.active = False
    selftest.handle(session, mine.id, mine.due_at)
    assert mine.status == "dropped" and not messages(session, template="contact_test")


# --- holes


def test_a_hole_that_comes_is_told_by_email_once_a_day(session: Any) -> None:
    patient(session)
    assert cover_notices.tell(session, now=at(0)) == 0
    rota = session.scalars(select(Rota)).one()
    rota.layers = [{**rota.layers[0], "until": "2026-03-03"}, rota.layers[1]]
    session.flush()
    told = cover_notices.tell(session, now=at(0))
    mails = [one for one in messages(session, template="alarm") if one.channel == "email"]
    assert told == len(mails) == 3
    assert {one.address for one in mails} == {seed.ANA.email, seed.BIA.email, seed.ADA.email}
    assert "ninguém de plantão, 2026-03-04 08:00" in mails[0].fields["alarm"]
    assert cover_notices.tell(session, now=at(3600)) == 0
    assert cover_notices.tell(session, now=at(DAY)) == 3
    assert not session.scalars(select(Task).where(Task.kind == "hole")).all()
