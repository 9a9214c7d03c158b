"""A worker goes on while the database is upgraded, and a worker of the version before works on the new tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from tests.chaos.harness import Chaos, Nursery, lives

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]


def test_a_worker_sends_on_while_an_upgrade_adds_a_column_a_table_and_an_index(house: Any, chaos: Chaos) -> None:
    chaos.simulator.faults.delay = 0.05
    chaos.enqueue("reminder", 40)
    worker = chaos.worker()
    chaos.wait(lambda: len(chaos.simulator.texts) >= 5)
    with chaos.db.engine.begin() as connection:
        op = Operations(MigrationContext.configure(connection))
        for table in ("message", "attempt", "patient"):
            op.add_column(table, sa.Column("later", sa.String(), nullable=False, server_default=""))
        op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
        op.create_index("ix_message_later", "message", ["later"])
    chaos.enqueue("reminder", 10)
    chaos.enqueue("page", 2)
    chaos.wait(chaos.ended)
    assert lives(worker)
    chaos.check(pages_may_double=False)
    chaos.stop(worker)
    house.put_back("nothing")


def test_the_version_before_works_beside_this_one(house: Any, nursery: Nursery) -> None:
    """VIGILIA_TEST_OLD_CODE is a checkout of the version before."""
    if "VIGILIA_TEST_OLD_CODE" not in os.environ:
        pytest.skip("VIGILIA_TEST_OLD_CODE names no checkout of the version before")
    old = Nursery(code=Path(os.environ["VIGILIA_TEST_OLD_CODE"]))
    chaos = Chaos(house, old)
    chaos.simulator.faults.delay = 0.05
    before = chaos.worker()
    chaos.enqueue("reminder", 20)
    chaos.wait(lambda: len(chaos.simulator.texts) >= 5)
    chaos.nursery = nursery
    now = chaos.worker()
    chaos.enqueue("reminder", 40)
    chaos.enqueue("page", 4)
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=False)
    chaos.stop(now)
    chaos.enqueue("reminder", 5)
    chaos.wait(chaos.ended)
    chaos.check(pages_may_double=False)
    chaos.stop(before)
    chaos.close()
    old.close()
