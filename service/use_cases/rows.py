"""Rows past the mapper: for those that nobody in this transaction has in hand as an object, which is most of what a
text or a page writes. The mapper takes the processor some five times as long for each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Insert, Table, Update, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from service.db import Base
from service.use_cases.bulk import table_of


def add(session: Session, model: type[Base], **values: Any) -> int:
    """Add a row; its id. What it points at must have been written: nothing that waits in the session is."""
    key = session.connection().execute(_insert(table_of(model)), values).inserted_primary_key
    assert key is not None
    return int(key[0])


def add_all(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> list[int]:
    """Add rows that all name the same columns, in one statement; their ids, in that order."""
    if not rows:
        return []
    return [int(number) for number in session.connection().scalars(_insert_returning(table_of(model)), rows)]


def add_once(session: Session, model: type[Base], unique: str, **values: Any) -> int | None:
    """Add a row whose column `unique` names its cause; None where that cause has its row already.

    On PostgreSQL it waits for another transaction that is about to write the same.
    """
    connection = session.connection()
    number: int | None = connection.scalar(_insert_once(connection.dialect.name, table_of(model), unique), values)
    return number


@lru_cache(maxsize=64)
def _insert(table: Table) -> Insert:
    return insert(table)


@lru_cache(maxsize=64)
def _insert_returning(table: Table) -> Insert:
    return insert(table).returning(table.c.id, sort_by_parameter_order=True)


@lru_cache(maxsize=64)
def _insert_once(dialect: str, table: Table, unique: str) -> Insert:
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return made.on_conflict_do_nothing(index_elements=[unique]).returning(table.c.id)


def change(session: Session, there: Base, **values: Any) -> None:
    """Write columns of an object that is held now, not with the next flush. Not for rows that count their versions."""
    table = table_of(type(there))
    session.connection().execute(_update(table, tuple(values)), values | {"of": vars(there)["id"]})
    for name, value in values.items():
        set_committed_value(there, name, value)


@lru_cache(maxsize=64)
def _update(table: Table, names: tuple[str, ...]) -> Update:
    fresh = {name: bindparam(name, type_=table.c[name].type) for name in names}
    return update(table).where(table.c.id == bindparam("of")).values(fresh)
