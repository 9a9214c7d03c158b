"""PostgreSQL's way with many rows: written by an array a column, every table in one statement; read in a pipeline.

The driver is used by itself: what SQLAlchemy does for a statement takes longer than the database needs to answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Column, Connection, Date, Select, String, Table
from sqlalchemy.engine import Compiled, Dialect
from sqlalchemy.exc import DBAPIError

from service.db import UtcDateTime, to_json
from service.use_cases.bulk_part import Part

ARRAY_SIGNS = str.maketrans({"\\": r"\\", '"': r"\""})
Shape = tuple[Table, bool, tuple[str, ...], tuple[str, ...], bool]


def read(
    connection: Connection, statements: Sequence[Select[Any]], given: Mapping[str, Any]
) -> Sequence[Sequence[tuple[Any, ...]]]:
    """The rows of each statement. All are sent before the first is answered."""
    asked = [_compiled(connection.dialect, statement) for statement in statements]
    with _driver(connection) as driver:
        with driver.pipeline():
            cursors = [driver.execute(one.string, one.construct_params(given)) for one in asked]
        return [cursor.fetchall() for cursor in cursors]


def write(connection: Connection, parts: Sequence[Part]) -> Sequence[int]:
    """One statement for all of them: how many rows each wrote."""
    shapes: list[Shape] = []
    values: list[str | None] = []
    for part in parts:
        same = _same(part)
        shapes.append((part.table, part.is_update, part.names, tuple(same), bool(part.versions)))
        values += _values(part, same)
    return tuple(_execute(connection, _words(connection.dialect, tuple(shapes)), values)[0])


def insert_returning(connection: Connection, part: Part, key: str) -> Sequence[Any]:
    """Add rows: (key, id) of each."""
    same = _same(part)
    shape = (part.table, False, part.names, tuple(same), False)
    words = _Words(connection.dialect).of(shape)
    return _execute(connection, f"{words} RETURNING {key}, id", _values(part, same))


def _execute(connection: Connection, words: str, values: Sequence[str | None]) -> Sequence[Any]:
    with _driver(connection) as driver:
        cursor = connection.dialect.loaded_dbapi.RawCursor(driver)
        return cursor.execute(words, values).fetchall()  # type: ignore[no-any-return]


@contextmanager
def _driver(connection: Connection) -> Iterator[Any]:
    """The driver's connection; its errors as SQLAlchemy tells them."""
    errors = connection.dialect.loaded_dbapi.Error
    try:
        yield connection.connection.driver_connection
    except errors as error:
        told = DBAPIError.instance(None, None, error, errors, hide_parameters=True, dialect=connection.dialect)
        raise told from error


@lru_cache(maxsize=64)
def _compiled(dialect: Dialect, statement: Select[Any]) -> Compiled:
    return statement.compile(dialect=dialect)


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
    words, parts, counts = _Words(dialect), [], []
    for number, shape in enumerate(shapes):
        is_versioned = shape[-1]
        parts.append(f"w{number} AS ({words.of(shape)}{' RETURNING 1' if is_versioned else ''})")
        counts.append(f"(SELECT count(*) FROM w{number})" if is_versioned else "0")
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


class _Words:
    """One statement's words; its values are numbered as they come."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.quote = dialect.identifier_preparer.quote
        self.values = 0

    def of(self, shape: Shape) -> str:
        """An INSERT or UPDATE: first the values that all rows share, then an array a column."""
        table, is_update, names, same, is_versioned = shape
        shared = {self.quote(name): self.value(table, name) for name in same}
        columns = [self.quote(name) for name in names]
        arrays = [self.value(table, name, "[]") for name in names]
        if is_versioned:
            columns.append("old_version")
            arrays.append(self.value(table, "version_id", "[]"))
        fresh = f"unnest({', '.join(arrays)}) AS fresh ({', '.join(columns)})"
        if not is_update:
            into, of = ", ".join((*shared, *columns)), ", ".join((*shared.values(), *columns))
            return f"INSERT INTO {self.quote(table.name)} ({into}) SELECT {of} FROM {fresh}"
        sets = [f"{name} = {value}" for name, value in shared.items()]
        sets += [f"{self.quote(name)} = fresh.{self.quote(name)}" for name in names if name != "id"]
        where = "rows.id = fresh.id"
        if is_versioned:
            sets.append("version_id = rows.version_id + 1")
            where += " AND rows.version_id = fresh.old_version"
        return f"UPDATE {self.quote(table.name)} AS rows SET {', '.join(sets)} FROM {fresh} WHERE {where}"

    def value(self, table: Table, name: str, many: str = "") -> str:
        self.values += 1
        return f"${self.values}::{table.c[name].type.compile(self.dialect)}{many}"


def _values(part: Part, same: Mapping[str, Any]) -> list[str | None]:
    """The values, in the order in which the words name them."""
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
