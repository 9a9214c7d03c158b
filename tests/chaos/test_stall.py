"""A process that stands still past its lease, and comes back: it sends nothing that another has dealt with."""

from __future__ import annotations

import os
import random
import signal
from dataclasses import replace
from datetime import timedelta

import pytest

from service.clock import Clock
from tests.chaos.harness import Chaos, soak_rounds

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


def stopped(process: int) -> bool:
    """Whether the process stands still (SIGSTOP)."""
    with open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] in ("T", "t")


@pytest.mark.parametrize(("step", "kind"), [("sending", "page"), ("sending", "reminder"), ("answered", "reminder")])
def test_a_stalled_worker_comes_back_and_sends_nothing_twice(chaos: Chaos, step: str, kind: str) -> None:
    """One message is in flight, so that it is known where the process stood still."""
    chaos.config = replace(chaos.config, send_threads=1, page_threads=1)
    stall(chaos, kind, step)
    chaos.check(pages_may_double=False)


@pytest.mark.soak
def test_stalled_again_and_again(chaos: Chaos) -> None:
    """As long as SQLite's one lock may be held by the process that stands still, no other works beside it."""
    dice = random.Random(2)
    chaos.config = replace(chaos.config, send_threads=1, page_threads=1)
    for _ in range(soak_rounds()):
        stall(chaos, dice.choice(("page", "reminder")), dice.choice(("sending", "answered")))
    chaos.check(pages_may_double=False)


def stall(chaos: Chaos, kind: str, step: str) -> None:
    """One message, whose sender stands still at `step` for longer than its lease."""
    chaos.enqueue(kind, 1)
    stalled = chaos.worker(kill_at=f"stop:{step}")
    chaos.wait(lambda: stopped(stalled))
    lease_is_over = Clock().machine() + timedelta(seconds=chaos.config.lease_seconds)
    others = []
    if not chaos.db.is_sqlite:  # where a process that stands still may hold SQLite's one lock
        others.append(chaos.worker())
        chaos.wait(chaos.ended)
    chaos.wait(lambda: Clock().machine() > lease_is_over)
    os.kill(stalled, signal.SIGCONT)
    chaos.wait(chaos.ended)
    for process in (stalled, *others):
        chaos.stop(process)
