"""PostgreSQL's way with many rows: written by an array a column, every table in one statement; read in a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Column, Connection, Date, Select, String, Table
from sqlalchemy.engine import Compiled, Dialect

from service.db import UtcDateTime, to_json
from service.use_cases.bulk_part import Part

ARRAY_SIGNS = str.maketrans({"\\": r"\\", '"': r"\""})
Shape = tuple[Table, bool, tuple[str, ...], tuple[str, ...], bool]


def read(
    connection: Connection, statements: Sequence[Select[Any]], given: Mapping[str, Any]
) -> Sequence[Sequence[tuple[Any, ...]]]:
    """The rows of each statement. All are sent before the first is answered."""
    driver: Any = connection.connection.driver_connection
    asked = [_compiled(connection.dialect, statement) for statement in statements]
    with driver.pipeline():
        cursors = [driver.execute(one.string, one.construct_params(given)) for one in asked]
    return [cursor.fetchall() for cursor in cursors]


@lru_cache(maxsize=64)
def _compiled(dialect: Dialect, statement: Select[Any]) -> Compiled:
    return statement.compile(dialect=dialect)


def write(connection: Connection, parts: Sequence[Part]) -> Sequence[int]:
    """One statement for all of them: how many rows each wrote."""
    shapes: list[Shape] = []
    values: list[str | None] = []
    for part in parts:
        same = _same(part)
        shapes.append((part.table, part.is_update, part.names, tuple(same), bool(part.versions)))
        values += _values(part, same)
    found = connection.exec_driver_sql(_words(connection.dialect, tuple(shapes)), tuple(values)).one()
    return tuple(found)


def insert_returning(connection: Connection, part: Part, key: str) -> Sequence[Any]:
    """Add rows: (key, id) of each."""
    same = _same(part)
    quote = connection.dialect.identifier_preparer.quote
    words = _insert_words(connection.dialect, part.table, part.names, tuple(same))
    return connection.exec_driver_sql(f"{words} RETURNING {quote(key)}, id", tuple(_values(part, same))).all()


def _same(part: Part) -> Mapping[str, Any]:
    return part.same if part.is_update else {**_defaults(part.table, part.names), **part.same}


@lru_cache(maxsize=64)
def _defaults(table: Table, names: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for column in table.columns:
        if column.name not in names and column.default is not None and hasattr(column.default, "arg"):
            value = column.default.arg
            found[column.name] = value(None) if callable(value) else value
    return found


@lru_cache(maxsize=256)
def _words(dialect: Dialect, shapes: tuple[Shape, ...]) -> str:
    parts, counts = [], []
    for number, (table, is_update, names, same, is_versioned) in enumerate(shapes):
        if is_update:
            words = _update_words(dialect, table, names, same, is_versioned)
        else:
            words = _insert_words(dialect, table, names, same)
        parts.append(f"w{number} AS ({words}{' RETURNING 1' if is_versioned else ''})")
        counts.append(f"(SELECT count(*) FROM w{number})" if is_versioned else "0")
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


@lru_cache(maxsize=64)
def _insert_words(dialect: Dialect, table: Table, names: tuple[str, ...], same: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    columns = [quote(name) for name in names]
    shared = [f"%s::{_kind(dialect, table, name)}" for name in same]
    return (
        f"INSERT INTO {quote(table.name)} ({', '.join((*map(quote, same), *columns))}) "
        f"SELECT {', '.join((*shared, *columns))} FROM {_arrays(dialect, table, names)} AS fresh ({', '.join(columns)})"
    )


def _update_words(
    dialect: Dialect, table: Table, names: tuple[str, ...], same: tuple[str, ...], is_versioned: bool
) -> str:
    quote = dialect.identifier_preparer.quote
    sets = [f"{quote(name)} = %s::{_kind(dialect, table, name)}" for name in same]
    sets += [f"{quote(name)} = fresh.{quote(name)}" for name in names if name != "id"]
    columns, where, more = [quote(name) for name in names], "rows.id = fresh.id", ""
    if is_versioned:
        sets.append("version_id = rows.version_id + 1")
        where += " AND rows.version_id = fresh.old_version"
        columns.append("old_version")
        more = ", %s::BIGINT[]"
    return (
        f"UPDATE {quote(table.name)} AS rows SET {', '.join(sets)} "
        f"FROM {_arrays(dialect, table, names, more)} AS fresh ({', '.join(columns)}) WHERE {where}"
    )


def _arrays(dialect: Dialect, table: Table, names: tuple[str, ...], more: str = "") -> str:
    return f"unnest({', '.join(f'%s::{_kind(dialect, table, name)}[]' for name in names)}{more})"


def _kind(dialect: Dialect, table: Table, name: str) -> str:
    return str(table.c[name].type.compile(dialect))


def _values(part: Part, same: Mapping[str, Any]) -> list[str | None]:
    """The statement's values, in its order: what all rows share, then an array a column."""
    columns = part.table.c
    shared = [None if value is None else _texts(columns[name], (value,), str)[0] for name, value in same.items()]
    arrays = [_texts(columns[name], held, _quoted) for name, held in zip(part.names, zip(*part.rows), strict=True)]
    if part.versions:
        arrays.append(list(map(str, part.versions)))
    return shared + [f"{{{','.join(array)}}}" for array in arrays]


def _texts(column: Column[Any], values: Sequence[Any], marked: Callable[[str], str]) -> list[str]:
    """Values of one column as PostgreSQL reads them; `marked` makes any text harmless where it stands."""
    kind = column.type
    if isinstance(kind, JSON):
        return [marked(to_json(value)) for value in values]
    write: Callable[[Any], str] = str
    if isinstance(kind, UtcDateTime):
        write = _instant
    elif isinstance(kind, Date):
        write = date.isoformat
    elif isinstance(kind, String):
        write = marked
    known = {value: "NULL" if value is None else write(value) for value in set(values)}  # most columns repeat a few
    return [known[value] for value in values]


@lru_cache(maxsize=16384)  # patients of one zone are asked at the same instants
def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone reached the database: {value!r}")
    return value.isoformat()


def _quoted(text: str) -> str:
    return f'"{text.translate(ARRAY_SIGNS)}"'
