"""Several workers on one database, and a database whose power goes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from service.clock import Clock
from tests.chaos.harness import Chaos, lives, soak_rounds

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


@pytest.fixture
def postgres(house: Any) -> Any:
    if house.runtime.db.is_sqlite:
        pytest.skip("SQLite is for one worker on one machine")
    return house.backend


def test_three_workers_share_the_work_and_send_nothing_twice(postgres: Any, chaos: Chaos) -> None:
    chaos.enqueue("reminder", 40)
    chaos.enqueue("page", 4)
    workers = [chaos.worker() for _ in range(3)]
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=False)
    for worker in workers:
        chaos.stop(worker)


def test_the_power_of_the_database_goes_while_messages_leave(durable: Any, chaos: Chaos) -> None:
    chaos.simulator.faults.delay = 0.1
    chaos.enqueue("reminder", 40)
    worker = chaos.worker()
    chaos.wait(lambda: len(chaos.simulator.texts) >= 5)
    power_cut(durable, chaos)
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=False)
    chaos.stop(worker)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_the_power_of_the_database_goes_again_and_again(durable: Any, chaos: Chaos) -> None:
    dice = random.Random(3)
    chaos.simulator.faults.delay = 0.05
    workers, back = [chaos.worker() for _ in range(2)], []
    for _ in range(soak_rounds(100)):
        before = len(chaos.simulator.texts)
        chaos.enqueue("reminder", dice.randint(5, 30))
        chaos.enqueue("page", dice.randint(0, 2))
        wanted = before + dice.randint(0, 5)
        chaos.wait(lambda wanted=wanted: len(chaos.simulator.texts) >= wanted)
        power_cut(durable, chaos)
        restarted = Clock().monotonic()
        chaos.enqueue("reminder")
        name = f"{chaos.serial:06d}"
        chaos.wait(lambda name=name: chaos.sent()[name])
        back.append(Clock().monotonic() - restarted)
        chaos.wait(chaos.ended)
        assert all(lives(one) for one in workers), "a worker outlives its database"
    # a page of which nobody knows whether it left is sent again
    chaos.check(pages_may_double=True)
    for worker in workers:
        chaos.stop(worker)
    print(f"{len(back)} power cuts: back after {sorted(back)[len(back) // 2]:.1f} s, at worst {max(back):.1f} s")
    assert max(back) <= 10


@pytest.fixture
def durable(postgres: Any, chaos: Chaos) -> Iterator[Any]:
    """A server that keeps what was committed when its power goes; the other tests' one is quicker and forgets."""
    if postgres.server is None:
        pytest.skip("VIGILIA_TEST_POSTGRES_URL names a server that is not ours to crash")
    postgres.admin.execute(f'ALTER DATABASE "{postgres.name}" SET synchronous_commit = on')
    chaos.db.close()
    yield postgres
    postgres.admin.execute(f'ALTER DATABASE "{postgres.name}" RESET synchronous_commit')
    chaos.db.close()


def power_cut(postgres: Any, chaos: Chaos) -> None:
    """The server dies where it stands, and is started again."""
    try:
        postgres.server.crash()
        postgres.server.start()
    finally:
        postgres.admin = psycopg.connect(
            postgres.server.url().replace("postgresql+psycopg", "postgresql"), autocommit=True
        )
    chaos.db.close()
