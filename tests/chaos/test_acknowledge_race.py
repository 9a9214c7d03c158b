"""An acknowledgement against the tick and the sender, again and again: no page is claimed after it has committed.

Three threads are let go at the same moment; what each committed, and when, is read from the rows afterwards.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from notifications.carriers.base import SendResult
from notifications.message import Channel, OutboundMessage
from service.demo import seed
from service.models import Alert, Attempt, EscalationRun, Message, Patient, Staff
from service.sender import Sender
from service.use_cases import alerts, escalations, outbox_claim
from service.use_cases.wanted import SEND
from tests.conftest import START
from workflows.alerts import Outcome

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


class Taking:
    """A carrier that takes everything at once."""

    def send(self, _message: OutboundMessage) -> SendResult:
        return SendResult("")


class Arena:
    """One patient, whose case is opened, raced for and closed, round after round."""

    def __init__(self, runtime: Any) -> None:
        self.runtime, self.db = runtime, runtime.db
        runtime.carriers = {channel: Taking() for channel in Channel}
        with self.db.unit_of_work() as session:
            self.patient = seed.enrol(session, "P-001", on=START.date(), now=START).id
            self.doctor = session.scalars(select(Staff.id).where(Staff.name == "Dr. Reis")).one()
            session.execute(Message.__table__.update().values(status="cancelled", reason="not part of this test"))
        self.acknowledged = threading.Event()
        self.after: list[int] = []  # pages claimed too late
        self.case = 0
        self.dice = random.Random(1)

    def round(self, number: int) -> None:
        with self.db.unit_of_work() as session:
            now = self.runtime.clock.now()
            case = alerts.open_or_join(
                session, session.get_one(Patient, self.patient), source=f"round:{number}", level="red", hits=["T-RED"],
                reported_at=now, summary={}, now=now, advise=False,
            ).id  # fmt: skip
            run = session.scalars(select(EscalationRun).where(EscalationRun.alert_id == case)).one()
            run.due_at, run_id = now, run.id  # the next rung is due at this very moment
        self.case = case
        self.acknowledged.clear()
        acts = [lambda: self.take(case), lambda: self.climb(run_id), self.claim]
        self.dice.shuffle(acts)
        together(acts)
        self.claim()
        with self.db.unit_of_work() as session:
            alert = session.get_one(Alert, case)
            assert alert.status == "acknowledged"
            run = session.scalars(select(EscalationRun).where(EscalationRun.alert_id == case)).one()
            assert run.due_at is None
            left = session.scalars(
                select(Message.status).where(Message.alert_id == case, Message.kind == "page").distinct()
            )
            assert set(left) <= {"accepted", "cancelled"}, "a page waits on although somebody has the case"
            who = session.get_one(Staff, self.doctor)
            alerts.outcome(session, alert, staff=who, outcome=Outcome.WRONG_READING, now=self.runtime.clock.now())

    def take(self, case: int) -> None:
        def act() -> None:
            with self.db.unit_of_work() as session:
                who = session.get_one(Staff, self.doctor)
                now = self.runtime.clock.now()
                alerts.acknowledge(session, session.get_one(Alert, case), staff=who, via="sms", now=now)

        patiently(act)
        self.acknowledged.set()  # committed

    def climb(self, run_id: int) -> None:
        def act() -> None:
            with self.db.unit_of_work() as session:
                escalations.SWEEPS[0].handle(session, run_id, self.runtime.clock.now())

        patiently(act)

    def claim(self) -> None:
        """Claim and send pages; a claim that began after the acknowledgement had committed must find none."""
        sender = Sender(self.runtime)

        def act() -> None:
            too_late = self.acknowledged.is_set()
            tickets, _ended = sender.claim("pages", 50)
            if too_late:
                self.after += [one.message.id for one in tickets if one.message.kind == "page"]
            sender.record([sender.deliver(one) for one in tickets])

        patiently(act)
        patiently(act)


def together(acts: list[Callable[[], None]]) -> None:
    """Each in its own thread, let go at the same moment. What one raises is raised here."""
    start, failed = threading.Barrier(len(acts)), []

    def run(act: Callable[[], None]) -> None:
        start.wait(30)
        try:
            act()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    if failed:
        raise failed[0]


def patiently(act: Callable[[], None]) -> None:
    """The edges try a race again; so does this."""
    for left in range(20, -1, -1):
        try:
            return act()
        except (OperationalError, StaleDataError):
            if not left:
                raise


def race(runtime: Any, rounds: int) -> Arena:
    arena = Arena(runtime)
    for number in range(rounds):
        arena.round(number)
    with runtime.db.reading() as session:
        doubled = session.execute(select(Attempt.message_id, Attempt.number).where(Attempt.number > 1)).all()
    assert not doubled, "two senders had one page"
    return arena


def test_no_page_is_claimed_after_the_acknowledgement(runtime: Any) -> None:
    assert race(runtime, int(os.environ.get("VIGILIA_TEST_RACES", "100"))).after == []


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_no_page_is_claimed_after_ten_thousand_acknowledgements(runtime: Any) -> None:
    assert race(runtime, int(os.environ.get("VIGILIA_TEST_RACES", "10000"))).after == []


def test_finds_a_page_that_is_claimed_late(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the check of the claim and the cancelling taken out, the race is lost and seen."""
    arena = Arena(runtime)
    monkeypatch.setattr("service.use_cases.outbox.cancel_for", lambda *_, **__: 0)
    monkeypatch.setattr("service.use_cases.wanted._lapsed", lambda *_: SEND)
    monkeypatch.setattr(outbox_claim, "still_wanted", lambda *_, **__: SEND)
    monkeypatch.setattr("tests.chaos.test_acknowledge_race.together", lambda _acts: arena.take(arena.case))
    arena.round(1)
    assert arena.after
