"""kill -9 between every two steps: nothing is lost, nothing is sent twice but pages, every end is named."""

from __future__ import annotations

import random
import signal
from collections import Counter
from dataclasses import replace
from itertools import cycle

import pytest
from sqlalchemy import select

from service.clock import Clock
from service.demo import seed
from service.models import Alert, Inbound
from tests.chaos.harness import Chaos, lives, soak_rounds
from tests.conftest import FROM

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
SENDING = ("claiming", "claimed", "sending", "answered", "recording", "recorded")


def test_a_hundred_workers_killed_while_sending(chaos: Chaos) -> None:
    died = die(chaos, 100, random.Random(1))
    assert died.total() == 100 and set(died) == set(SENDING), died
    assert chaos.found.total() >= 100, "there was something to lose"


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_again_and_again_at_any_step(chaos: Chaos) -> None:
    dice, wanted, died = random.Random(2), soak_rounds(2000), Counter[str]()
    chaos.crowd(20)
    began = Clock().monotonic()
    while died.total() < wanted:
        died += die(chaos, min(100, wanted - died.total()), dice)
        chaos.forget()
    print(f"{died.total()} kills in {Clock().monotonic() - began:.0f} s: {dict(died)}; {dict(chaos.found)}")


def die(chaos: Chaos, wanted: int, dice: random.Random, *, at_once: int = 3) -> Counter[str]:
    """So many workers are killed, each at a step of its own while others work; then one that lives does the rest, and
    nothing is lost. How many died at which step."""
    chaos.config = replace(chaos.config, send_threads=2, page_threads=2)
    died, living, steps = Counter[str](), dict[int, str](), cycle(SENDING)

    def one_died() -> bool:
        if chaos.ready() < 6 * at_once:
            chaos.enqueue("reminder", 12 * at_once)
            chaos.enqueue("page", 2 * at_once)
        dead = [one for one in living if not lives(one)]
        for process in dead:
            assert chaos.nursery.end_of(process) == -signal.SIGKILL, "it was to die at its step"
            died[living.pop(process)] += 1
        while len(living) < min(at_once, wanted - died.total()):
            name = next(steps)
            living[chaos.worker(kill_at=f"{name}:{dice.randint(1, 3)}")] = name
        return bool(dead)

    while died.total() < wanted:
        # while no report comes, what the dead had in hand is found in the carrier's list alone
        chaos.wait(one_died, deliver=died.total() // 25 % 2 == 1)
    survivor = chaos.worker()
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=True)
    chaos.stop(survivor)
    return died


def test_a_fever_survives_the_death_of_the_process_that_took_it(chaos: Chaos) -> None:
    web = chaos.web(kill_at="inbound_stored")
    chaos.simulator.receive(dict(seed.PATIENTS)["P-001"], FROM, "38,9")
    chaos.wait(lambda: not lives(web))
    with chaos.db.reading() as session:
        assert [one.status for one in session.scalars(select(Inbound))] == ["new"], "stored, not read"
    worker = chaos.worker()
    chaos.wait(lambda: _paged(chaos))
    chaos.web()
    chaos.wait(lambda: chaos.simulator.deliver() == 0)  # the carrier repeats its post
    with chaos.db.reading() as session:
        assert [one.status for one in session.scalars(select(Inbound))] == ["handled"]
        assert len(session.scalars(select(Alert)).all()) == 1
    chaos.stop(worker)


def _paged(chaos: Chaos) -> bool:
    return any("P-001" in text.body for text in chaos.simulator.texts if text.to == seed.REIS.phone)
