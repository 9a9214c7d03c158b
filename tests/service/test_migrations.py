"""Expand, then contract: what the released version reads and writes is still there after every later migration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from service.db import make_engine
from service.migrate import downgrade, upgrade
from service.models import TriageHit

RELEASED = "0002_append_only"
Shape = dict[tuple[str, str], Any]


def shape(engine: sa.Engine) -> Shape:
    """Every column by table and name."""
    look = sa.inspect(engine)
    return {(table, one["name"]): one for table in look.get_table_names() for one in look.get_columns(table)}


def narrowed(before: Shape, after: Shape) -> list[str]:
    """What a process of the version before would stumble over."""
    faults = [f"{table}.{name} is gone" for table, name in before.keys() - after.keys()]
    tables = {table for table, _name in before}
    for (table, name), column in after.items():
        known = before.get((table, name))
        if known is None and table in tables and not column["nullable"] and column["default"] is None:
            faults.append(f"{table}.{name} must be given, and the version before does not know it")
        elif known is not None and str(known["type"]) != str(column["type"]):
            faults.append(f"{table}.{name} was {known['type']} and is {column['type']}")
        elif known is not None and known["nullable"] and not column["nullable"]:
            faults.append(f"{table}.{name} may be empty no more")
    return faults


def test_migrations_after_the_released_one_only_add(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/add.db")
    upgrade(engine, RELEASED)
    before = shape(engine)
    upgrade(engine)
    assert narrowed(before, shape(engine)) == []
    engine.dispose()


def test_a_migration_that_takes_away_would_be_seen(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/take.db")
    upgrade(engine, RELEASED)
    before = shape(engine)
    with engine.begin() as connection:
        op = Operations(MigrationContext.configure(connection))
        op.drop_table("heartbeat")
        op.add_column("task", sa.Column("later", sa.String(), nullable=True))
        with op.batch_alter_table("link") as batch:
            batch.add_column(sa.Column("owner", sa.String(), nullable=False, server_default="x"))
            batch.alter_column("owner", server_default=None)
    found = narrowed(before, shape(engine))
    assert "heartbeat.name is gone" in found and any("owner" in one for one in found) and "later" not in str(found)
    engine.dispose()


def test_what_older_rows_said_of_a_fever_is_kept_as_it_was_said(world: Any) -> None:
    world.enrol("P-001")
    world.phone("P-001").replies("38,9")
    engine, said = world.runtime.db.engine, 'armpit "38.9",\n\\ 37.8 or more'
    downgrade(engine, RELEASED)
    with engine.begin() as connection:
        assert connection.execute(sa.text("UPDATE triage_hit SET why = :said"), {"said": said}).rowcount
    upgrade(engine)
    with world.runtime.db.reading() as session:
        found = session.scalars(sa.select(TriageHit.findings)).all()
    assert found and all(one == [{"kind": "said", "value": said, "detail": ""}] for one in found)
