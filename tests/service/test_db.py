"""Connections to PostgreSQL: one that broke while it rested is replaced before anybody uses it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text

from service.db import Database
from service.models import Heartbeat


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


def test_instants_are_in_utc_whatever_zone_the_server_is_in(world: Any) -> None:
    """Instants of a zone that changes its clocks compare, and add, by the wall: an hour wrong, one night a year."""
    db = world.runtime.db
    if db.is_sqlite:
        pytest.skip("a file has no zone")
    name = db.engine.url.database
    first, later = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    with db.unit_of_work() as session:
        for number, at in enumerate((first, later)):
            session.add(Heartbeat(name=str(number), kind="lane", seen_at=at))
        session.execute(text(f"ALTER DATABASE \"{name}\" SET timezone TO 'Europe/Lisbon'"))
    elsewhere = Database(db.url)
    try:
        with elsewhere.reading() as session:
            found = session.scalars(select(Heartbeat.seen_at).order_by(Heartbeat.seen_at)).all()
        assert [at.isoformat() for at in found] == [first.isoformat(), later.isoformat()]
        assert found[0] < found[1] and found[1] - found[0] == later - first
    finally:
        elsewhere.close()
        with db.unit_of_work() as session:
            session.execute(text(f'ALTER DATABASE "{name}" RESET timezone'))
