"""A carrier that fails in each of its ways, over real HTTP, to real processes; and a scheduler that dies."""

from __future__ import annotations

import os
import signal
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from notifications.carriers.signature import sign
from service.demo import seed
from service.demo.sim_state import Pending
from service.models import Alert, Attempt, Inbound, Message, Receipt, Task
from tests.chaos.harness import Chaos, lives
from tests.conftest import FROM, PUBLIC

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
A_DAY = timedelta(days=1)
FAULTS = ("", "http_500", "http_429", "http_503", "refuse", "lose_answer")


def test_a_carrier_that_fails_in_every_way_loses_and_doubles_nothing(chaos: Chaos) -> None:
    """Requests fail in turn, of those that were taken the answer is lost, and each report comes twice, backwards."""
    faults = chaos.simulator.faults
    faults.double = faults.reverse = True
    hit: Counter[str] = Counter()

    def plan(number: int) -> str:
        fault = FAULTS[number % len(FAULTS)] if number <= 30 else ""
        hit[fault] += 1
        return fault

    faults.plan = plan
    chaos.enqueue("reminder", 24)
    chaos.enqueue("page", 4)
    chaos.web()
    worker = chaos.worker()
    chaos.wait(chaos.ended)
    chaos.stop(worker)
    assert set(hit) == set(FAULTS) and min(hit.values()) >= 5, hit
    chaos.check(pages_may_double=False)
    with chaos.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Receipt)) >= 4 * len(chaos.simulator.texts)


def test_accepted_and_silent_undelivered_forged_and_a_day_late(chaos: Chaos) -> None:
    faults = chaos.simulator.faults
    chaos.web()
    worker = chaos.worker()
    faults.silent = True
    silent = chaos.enqueue("reminder", 2)
    chaos.wait(lambda: chaos.states() == {"accepted": 2})
    faults.silent = False
    faults.undelivered.add(dict(seed.PATIENTS)["P-001"])
    chaos.enqueue("reminder")
    chaos.wait(lambda: chaos.states() == {"accepted": 2, "undelivered": 1})
    chaos.wait(lambda: _count(chaos, Task, Task.kind == "undeliverable") == 1)
    first, second = chaos.simulator.texts[:2]
    form = chaos.simulator.report(first).form | {"MessageStatus": "delivered", "SmsStatus": "delivered"}
    assert chaos.simulator.post is not None
    for signature in ({}, {"X-Twilio-Signature": sign("another", first.callback, form)}):
        assert chaos.simulator.post(first.callback.partition("#")[0], form, signature)[0] == 403
    assert chaos.states()["accepted"] == 2, "a forged report changes nothing"
    with chaos.db.unit_of_work() as session:  # the message is a day old when its report comes
        for row in session.scalars(select(Attempt).where(Attempt.message_id.in_(silent))):
            row.claimed_at -= A_DAY
        session.execute(update(Message).where(Message.id.in_(silent)).values(sent_at=chaos.clock.now() - A_DAY))
    for text in (first, second):
        text.status = "delivered"
        assert chaos.simulator.push(chaos.simulator.report(text))[0] == 204
    assert chaos.states() == {"delivered": 2, "undelivered": 1}
    chaos.stop(worker)


def test_a_text_that_is_posted_twice_is_one(chaos: Chaos) -> None:
    chaos.web()
    worker = chaos.worker()
    chaos.simulator.receive(dict(seed.PATIENTS)["P-001"], FROM, "38,9")
    again = Pending(f"{PUBLIC}/webhooks/twilio/sms", chaos.simulator.inbound_form(chaos.simulator.inbound[0]))
    assert {chaos.simulator.push(again)[0] for _ in range(3)} == {200}
    chaos.wait(lambda: any("P-001" in text.body for text in chaos.simulator.texts if text.to == seed.REIS.phone))
    chaos.stop(worker)
    assert _count(chaos, Inbound) == _count(chaos, Alert) == 1
    assert _count(chaos, Message, Message.template == "red", Message.channel == "sms") == 1


def test_a_worker_whose_scheduler_died_ends_and_another_goes_on(chaos: Chaos) -> None:
    faint = chaos.faint_worker()
    chaos.enqueue("reminder", 3)
    chaos.wait(chaos.ended)
    os.kill(faint, signal.SIGUSR1)
    chaos.wait(lambda: not lives(faint))
    assert chaos.nursery.end_of(faint) == 1, "its supervisor sees a failure"
    chaos.enqueue("page", 2)
    worker = chaos.worker()
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=False)
    chaos.stop(worker)


def test_a_worker_that_is_told_to_end_finishes_or_hands_back_what_it_holds(chaos: Chaos) -> None:
    chaos.simulator.faults.delay = 0.3
    chaos.enqueue("reminder", 40)
    for _ in range(2):
        before = len(chaos.simulator.texts)
        worker = chaos.worker()
        chaos.wait(lambda before=before: len(chaos.simulator.texts) > before + 2, deliver=False)
        chaos.stop(worker)
        assert chaos.nursery.end_of(worker) == 0
        assert not chaos.states().keys() & {"claimed", "unknown", "expired"}, "nothing is left in its hands"
    chaos.simulator.faults.delay = 0
    last = chaos.worker()
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=False)
    assert set(chaos.states()) == {"delivered"}
    chaos.stop(last)


def _count(chaos: Chaos, table: type, *where: object) -> int:
    with chaos.db.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where))
