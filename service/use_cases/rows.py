"""Rows past the mapper: for those that nobody in this transaction has in hand as an object, which is most of what a
text or a page writes. The mapper takes the processor thirty times as long for each. What such a row points at must have
been written before: nothing that waits in the session is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import manager_of_class, set_committed_value
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.orm.util import identity_key

from service.db import Base
from service.prepared import Prepared, Within, dialect_of
from service.use_cases.bulk import flush_of, table_of

Thing = TypeVar("Thing", bound=Base)


def add(within: Within, model: type[Base], **values: Any) -> int:
    """Add a row; its id. A column that is not named gets its default."""
    return int(_insert(table_of(model), tuple(values)).first(within, **values).id)


def add_all(within: Within, model: type[Base], key: str, rows: Sequence[dict[str, Any]]) -> dict[Any, int]:
    """Add rows that all name the same columns, in one statement: the column `key` of each, which differs -> its id."""
    if not rows:
        return {}
    given = {f"{name}_{place}": value for place, row in enumerate(rows) for name, value in row.items()}
    found = _insert_all(table_of(model), tuple(rows[0]), key, len(rows)).all(within, **given)
    return {value: int(number) for number, value in found}


def add_once(within: Within, model: type[Base], unique: str, **values: Any) -> int | None:
    """Add a row whose column `unique` names its cause; its id, None where that cause has its row already.

    On PostgreSQL it waits for another transaction that is about to write the same.
    """
    row = _insert_once(dialect_of(within), table_of(model), unique, tuple(values)).first(within, **values)
    return None if row is None else int(row.id)


def stand(session: Session, model: type[Thing], row: Sequence[Any], place: int = 0) -> Thing:
    """The session's object for a row that has just been read: the columns of `model`'s table, from `place` on. An
    object that is there already is brought in line; what waits in it must have been flushed before the row was read.
    """
    names = _names(model)
    values = dict(zip(names, row[place : place + len(names)], strict=True))
    there = session.identity_map.get(identity_key(model, values["id"]))
    if there is not None:
        for name, value in values.items():
            set_committed_value(there, name, value)
        return there
    fresh: Thing = manager_of_class(model).new_instance()
    vars(fresh).update(values)
    make_transient_to_detached(fresh)
    session.add(fresh)
    return fresh


def get(session: Session, model: type[Thing], number: int) -> Thing:
    """A row by its id, as this session has it. NoResultFound."""
    there = session.identity_map.get(identity_key(model, number))
    return there if there is not None else _read(session, model, number, lock=False)


def know(session: Session, there: Base, name: str, model: type[Thing]) -> Thing:
    """What the relation `name` of an object leads to, by its column `name`_id."""
    other = vars(there).get(name) or get(session, model, getattr(there, f"{name}_id"))
    set_committed_value(there, name, other)
    return other


def hold(session: Session, model: type[Thing], number: int) -> Thing:
    """A row by its id, locked and read as it is now. NoResultFound."""
    flush_of(session, model)
    return _read(session, model, number, lock=True)


def _read(session: Session, model: type[Thing], number: int, *, lock: bool) -> Thing:
    row = _by_id(model, lock).first(session, one=number)
    if row is None:
        raise NoResultFound(f"no {model.__name__} {number}")
    return stand(session, model, row)


def change(session: Session, there: Base, **values: Any) -> None:
    """Write columns of an object now, not with the next flush, where they are not so already. StaleDataError where
    somebody else has changed a row that counts its versions."""
    model = type(there)
    values = {name: value for name, value in values.items() if getattr(there, name) != value}
    if not values:
        return
    was = {"was": getattr(there, "version_id")} if "version_id" in _names(model) else {}
    done = _update(table_of(model), tuple(values)).run(session, of=getattr(there, "id"), **was, **values)
    if was:
        if done != 1:
            raise StaleDataError(f"a {model.__name__} has changed meanwhile")
        values["version_id"] = was["was"] + 1
    for name, value in values.items():
        set_committed_value(there, name, value)


@lru_cache(maxsize=64)
def _names(model: type[Base]) -> tuple[str, ...]:
    return tuple(table_of(model).c.keys())


@lru_cache(maxsize=64)
def _by_id(model: type[Base], lock: bool) -> Prepared:
    table = table_of(model)
    found = select(*table.c).where(table.c.id == bindparam("one"))
    return Prepared(found.with_for_update(key_share=True) if lock else found)


@lru_cache(maxsize=256)
def _insert(table: Table, names: tuple[str, ...]) -> Prepared:
    return Prepared(insert(table).values(_row(table, names)).returning(table.c.id))


@lru_cache(maxsize=256)
def _insert_all(table: Table, names: tuple[str, ...], key: str, count: int) -> Prepared:
    rows = [_row(table, names, f"_{place}") for place in range(count)]
    return Prepared(insert(table).values(rows).returning(table.c.id, table.c[key]))


@lru_cache(maxsize=256)
def _insert_once(dialect: str, table: Table, unique: str, names: tuple[str, ...]) -> Prepared:
    made = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    once = made.values(_row(table, names)).on_conflict_do_nothing(index_elements=[unique])
    return Prepared(once.returning(table.c.id))


@lru_cache(maxsize=256)
def _update(table: Table, names: tuple[str, ...]) -> Prepared:
    values: dict[str, Any] = {name: bindparam(name, type_=table.c[name].type) for name in names}
    made = update(table).where(table.c.id == bindparam("of"))
    if "version_id" in table.c:
        made, values["version_id"] = made.where(table.c.version_id == bindparam("was")), table.c.version_id + 1
    return Prepared(made.values(values))


def _row(table: Table, names: tuple[str, ...], suffix: str = "") -> dict[str, Any]:
    """A value for each column: one to be given for those of `names`, and the defaults of the others."""
    given: dict[str, Any] = {name: bindparam(name + suffix, type_=table.c[name].type) for name in names}
    for column in table.c:
        if column.name not in names and column.default is not None:
            default: Any = column.default
            given[column.name] = default.arg(None) if default.is_callable else default.arg
    return given
