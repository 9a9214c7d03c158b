"""Prepared statements: the same values, rows and errors as through SQLAlchemy, and the same transactions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Integer, bindparam, func, insert, literal_column, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from service.db import Database
from service.models import Heartbeat, Task
from service.prepared import Prepared

AT = datetime(2026, 3, 2, 11, 0, 0, 123456, tzinfo=UTC)
NAMES = ("name", "kind", "seen_at", "detail")
ADD = Prepared(insert(Heartbeat).values({name: bindparam(name) for name in NAMES}))
FIND = Prepared(
    select(Heartbeat.name, Heartbeat.seen_at, Heartbeat.detail).where(
        Heartbeat.name == bindparam("one"), Heartbeat.kind == "lane"
    )
)
MOVE = Prepared(update(Heartbeat).where(Heartbeat.kind == "lane").values(seen_at=bindparam("at")))
PART = {"name": "a", "kind": "lane", "seen_at": AT, "detail": {"ação": 1}}


def test_values_go_in_and_come_out_as_through_a_session(bare_runtime: Any) -> None:
    db = bare_runtime.db
    with db.noting() as direct:
        assert ADD.run(direct, **PART) == 1
        assert FIND.first(direct, one="a") == ("a", AT, {"ação": 1})
        assert FIND.first(direct, one="b") is None
    with db.unit_of_work() as session:
        assert session.get_one(Heartbeat, "a").seen_at == AT
        later = (AT + timedelta(hours=1)).astimezone(None)
        assert MOVE.run(session, at=later) == 1 and MOVE.run(session.connection(), at=later) == 1
    with db.looking() as direct:
        row = FIND.all(direct, one="a")[0]
    assert row.seen_at == later and row.seen_at.utcoffset() == timedelta()
    with pytest.raises(ValueError, match="without a zone"):
        with db.noting() as direct:
            MOVE.run(direct, at=datetime(2026, 3, 2))


def test_what_raises_or_only_looks_changes_nothing(bare_runtime: Any) -> None:
    db = bare_runtime.db
    with pytest.raises(RuntimeError):
        with db.noting() as direct:
            ADD.run(direct, **PART)
            raise RuntimeError
    with db.looking() as direct:
        ADD.run(direct, **PART)
    with db.looking() as direct:
        assert FIND.first(direct, one="a") is None


def test_a_value_that_is_not_given_is_an_error(bare_runtime: Any) -> None:
    with bare_runtime.db.looking() as direct, pytest.raises(KeyError, match="one"):
        FIND.all(direct)


def test_errors_are_sqlalchemys_and_hold_no_values(bare_runtime: Any) -> None:
    with pytest.raises(IntegrityError) as caught:
        with bare_runtime.db.noting() as direct:
            ADD.run(direct, **PART)
            ADD.run(direct, **PART)
    assert "ação" not in str(caught.value)
    with bare_runtime.db.noting() as direct:  # the connection is as good as before
        assert ADD.run(direct, **PART) == 1


def test_the_values_of_a_query_itself_are_literals(session: Any) -> None:
    """So that a partial index serves it: on SQLite none serves a value that comes with the run."""
    open_tasks = (
        select(Task.id)
        .where(Task.status == "open", Task.kind.in_(["a", "100% b"]), Task.due_at <= bindparam("now"))
        .limit(bindparam("limit", type_=Integer()))
    )
    query = Prepared(open_tasks)
    assert query.all(session, now=AT, limit=1) == []
    sql = query._compiled[session.get_bind().dialect.name].sql
    assert "task.status = 'open'" in sql
    if session.get_bind().dialect.name == "sqlite":
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (AT.isoformat(), 1)).all()
        assert "ix_task_due" in plan[0][3]


def test_a_file_that_another_writes_to_is_waited_for_and_then_told(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.db.BUSY_SECONDS", 0)
    db = Database(f"sqlite:///{tmp_path / 'one.db'}")
    with db.noting():
        for begin in (db.noting, db.unit_of_work):
            with pytest.raises(OperationalError, match="locked"), begin() as within:
                Prepared(select(literal_column("1"))).all(within)
        with db.looking() as direct:
            assert Prepared(select(literal_column("1"))).all(direct) == [(1,)]
    db.close()


def test_a_connection_that_broke_is_not_given_to_the_next(world: Any) -> None:
    """The database ends it in the middle of a transaction, as its restart does."""
    db = world.runtime.db
    if db.is_sqlite:
        pytest.skip("a file does not go away")
    alive = Prepared(select(func.pg_backend_pid()))
    with pytest.raises(OperationalError), db.looking() as direct:
        pid = alive.all(direct)[0][0]
        with db.reading() as session:
            session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        alive.all(direct)
    with db.looking() as direct:
        assert alive.all(direct)[0][0] != pid
