"""A process that stands still past its lease, and comes back: it sends nothing that another has dealt with."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
from collections.abc import Iterator
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


def test_twenty_stalled_workers_come_back_and_send_nothing_twice(chaos: Chaos) -> None:
    assert stall(chaos, 20, random.Random(1)) == 20
    assert chaos.found.total() >= 20


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_stalled_again_and_again(chaos: Chaos) -> None:
    dice, wanted, done = random.Random(2), soak_rounds(500), 0
    chaos.crowd(20)
    began = Clock().monotonic()
    while done < wanted:
        done += stall(chaos, min(10, wanted - done), dice)
        chaos.forget()
    print(f"{done} stalls in {Clock().monotonic() - began:.0f} s: {dict(chaos.found)}")


def stall(chaos: Chaos, wanted: int, dice: random.Random, *, at_once: int = 10) -> int:
    """So many workers stand still with a message in hand for longer than its lease, while another works and deals with
    what they hold; then they go on. How many did."""
    chaos.config = replace(chaos.config, send_threads=1, page_threads=1)
    done = 0
    while done < wanted:
        still = list(_stopped(chaos, min(at_once, wanted - done), dice))
        leases_are_over = Clock().machine() + timedelta(seconds=chaos.config.lease_seconds)
        survivor = chaos.worker()
        chaos.wait(lambda: Clock().machine() > leases_are_over)
        # one that stands still in a transaction keeps its rows from the others: not all can end before it goes on
        enough = leases_are_over + timedelta(seconds=5)
        chaos.wait(lambda: chaos.ended() or Clock().machine() > enough)
        assert all(stopped(one) for one in still)
        for one in still:
            os.kill(one, signal.SIGCONT)
        chaos.stop(*still)
        chaos.wait(chaos.ended)
        chaos.stop(survivor)
        done += len(still)
    # a page whose claim ran out is sent again, though its sender may have been quicker than was known
    chaos.check(pages_may_double=True)
    return done


def _stopped(chaos: Chaos, number: int, dice: random.Random) -> Iterator[int]:
    """So many workers that stand still with a message in hand."""
    for _ in range(number):
        process = 0
        while not process:
            chaos.enqueue("page")
            chaos.enqueue("reminder")
            process = chaos.worker(kill_at=f"stop:{dice.choice(('sending', 'answered'))}")
            chaos.wait(lambda process=process: stopped(process), deliver=False)
            if not _free(chaos):  # it holds SQLite's one lock, and nobody could work: it goes on at once
                os.kill(process, signal.SIGCONT)
                chaos.stop(process)
                process = 0
        yield process


def _free(chaos: Chaos) -> bool:
    """Whether anybody can write."""
    if not chaos.db.is_sqlite:
        return True
    connection = sqlite3.connect(str(chaos.db.engine.url.database), timeout=0.5, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True
