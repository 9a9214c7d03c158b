"""Several workers on one database, and a database whose power goes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.chaos.harness import Chaos

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


def test_the_power_of_the_database_goes_while_messages_leave(postgres: Any, chaos: Chaos) -> None:
    if postgres.server is None:
        pytest.skip("VIGILIA_TEST_POSTGRES_URL names a server that is not ours to crash")
    # what was committed must be there afterwards; the other tests' server is quicker and forgets
    postgres.admin.execute(f'ALTER DATABASE "{postgres.name}" SET synchronous_commit = on')
    chaos.db.close()
    chaos.simulator.faults.delay = 0.1
    chaos.enqueue("reminder", 40)
    worker = chaos.worker()
    chaos.wait(lambda: len(chaos.simulator.texts) >= 5)
    try:
        postgres.server.crash()
        postgres.server.start()
    finally:
        postgres.admin = psycopg.connect(
            postgres.server.url().replace("postgresql+psycopg", "postgresql"), autocommit=True
        )
        postgres.admin.execute(f'ALTER DATABASE "{postgres.name}" RESET synchronous_commit')
    chaos.db.close()
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=False)
    chaos.stop(worker)
