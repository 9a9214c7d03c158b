"""Connections to PostgreSQL: one that broke while it rested is replaced before anybody uses it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text


def test_a_connection_that_rested_is_asked_first(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database ends every resting connection of the pool, as its restart does."""
    db = world.runtime.db
    if db.is_sqlite:
        pytest.skip("a file does not go away")
    held = [db.engine.connect() for _ in range(3)]
    others = [one.scalar(text("SELECT pg_backend_pid()")) for one in held[1:]]
    for one in held[1:]:
        one.close()
    held[0].execute(text("SELECT pg_terminate_backend(pid) FROM unnest(:pids) AS pid"), {"pids": others})
    monkeypatch.setattr("service.db.RESTED_SECONDS", 0.0)
    for _ in range(4):
        with db.reading() as session:
            assert session.scalar(text("SELECT 1")) == 1
    held[0].close()
