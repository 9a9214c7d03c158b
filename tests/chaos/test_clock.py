"""The machine's clock jumps an hour while messages leave."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.models import Attempt
from tests.chaos.harness import Chaos, lives

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest.mark.parametrize("jump", [signal.SIGUSR1, signal.SIGUSR2], ids=["an hour ahead", "an hour back"])
def test_a_clock_that_jumps_loses_and_doubles_nothing(chaos: Chaos, jump: signal.Signals) -> None:
    chaos.simulator.faults.delay = 0.1
    chaos.enqueue("reminder", 30)
    worker = chaos.worker()
    chaos.wait(lambda: len(chaos.simulator.texts) >= 5)
    os.kill(worker, jump)
    chaos.enqueue("reminder", 5)
    chaos.enqueue("page", 2)
    chaos.wait(chaos.ended)
    assert lives(worker)
    # a page claimed before the jump may count as lost and be sent again
    chaos.check(pages_may_double=True)
    chaos.stop(worker)
    with chaos.db.reading() as session:
        claims = session.scalars(select(Attempt.claimed_at)).all()
    assert max(claims) - min(claims) > timedelta(minutes=50), "the clock did jump"
