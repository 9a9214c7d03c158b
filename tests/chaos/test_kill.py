"""kill -9 between every two steps: nothing is lost, nothing is sent twice but pages, every end is named."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from service.demo import seed
from service.models import Alert, Inbound
from tests.chaos.harness import Chaos, lives, soak_rounds
from tests.conftest import FROM

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
SENDING = ("claiming", "claimed", "sending", "answered", "recording", "recorded")
FEW = ("claimed", "sending", "answered")


@pytest.mark.parametrize("step", FEW)
def test_a_worker_killed_while_sending(chaos: Chaos, step: str) -> None:
    chaos.enqueue("reminder", 6)
    chaos.enqueue("page", 2)
    killed = chaos.worker(kill_at=step)
    chaos.wait(lambda: not lives(killed))
    survivor = chaos.worker()
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=True)
    chaos.stop(survivor)


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


@pytest.mark.soak
def test_killed_again_and_again_at_any_step(chaos: Chaos) -> None:
    dice = random.Random(1)
    for _ in range(soak_rounds()):
        chaos.enqueue("reminder", dice.randint(1, 12))
        chaos.enqueue("page", dice.randint(0, 2))
        killed = chaos.worker(kill_at=f"{dice.choice(SENDING)}:{dice.randint(1, 3)}")
        chaos.wait(lambda process=killed: not lives(process) or chaos.ended())
        if lives(killed):
            chaos.stop(killed)
    survivor = chaos.worker()
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=True)
    chaos.stop(survivor)
