"""PostgreSQL's way with many rows: written by an array a column, every table in one statement; read in a pipeline.

The driver is used by itself: what SQLAlchemy does for a statement takes longer than the database needs to answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Connection, Date, Select, String, Table
from sqlalchemy.engine import Dialect

from service.db import UtcDateTime, in_utc, to_json
from service.prepared import told
from service.use_cases.bulk_part import Part

ARRAY_SIGNS = str.maketrans({"\\": r"\\", '"': r"\""})
Write = Callable[[Any], str]
Shape = tuple[Table, bool, tuple[str, ...], tuple[str, ...], bool]


def read(
    connection: Connection, statements: Sequence[Select[Any]], given: Mapping[str, Any]
) -> Sequence[Sequence[tuple[Any, ...]]]:
    """The rows of each statement. All are sent before the first is answered."""
    with _driver(connection) as driver:
        with driver.pipeline():
            asked = [_asked(connection.dialect, statement) for statement in statements]
            cursors = [driver.execute(words, {**fixed, **given}, binary=True) for words, fixed in asked]
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
    words = _insert_words(connection.dialect, (part.table, False, part.names, tuple(same), False), key)
    return _execute(connection, words, _values(part, same))


def _execute(connection: Connection, words: str, values: Sequence[str | None]) -> Sequence[Any]:
    with _driver(connection) as driver:
        cursor = connection.dialect.loaded_dbapi.RawCursor(driver)
        return cursor.execute(words, values).fetchall()  # type: ignore[no-any-return]


@contextmanager
def _driver(connection: Connection) -> Iterator[Any]:
    """The driver's connection; its errors as SQLAlchemy tells them."""
    try:
        yield connection.connection.driver_connection
    except connection.dialect.loaded_dbapi.Error as error:
        raise told(error, connection.dialect) from error


@lru_cache(maxsize=64)
def _asked(dialect: Dialect, statement: Select[Any]) -> tuple[str, Mapping[str, Any]]:
    """A statement's words, and the values that it holds itself."""
    compiled = statement.compile(dialect=dialect)
    return compiled.string, compiled.params


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


@lru_cache(maxsize=64)
def _insert_words(dialect: Dialect, shape: Shape, key: str) -> str:
    words = _Words(dialect)
    return f"{words.of(shape)} RETURNING {words.quote(key)}, id"


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
        ids = arrays[names.index("id")]  # said twice: the planner reads small tables from end to end for a join alone
        where = f"rows.id = ANY ({ids}) AND rows.id = fresh.id"
        if is_versioned:
            sets.append("version_id = rows.version_id + 1")
            where += " AND rows.version_id = fresh.old_version"
        return f"UPDATE {self.quote(table.name)} AS rows SET {', '.join(sets)} FROM {fresh} WHERE {where}"

    def value(self, table: Table, name: str, many: str = "") -> str:
        self.values += 1
        return f"${self.values}::{table.c[name].type.compile(self.dialect)}{many}"


def _values(part: Part, same: Mapping[str, Any]) -> list[str | None]:
    """The values, in the order in which the words name them."""
    shared = [
        None if value is None else write(value)
        for write, value in zip(_writers(part.table, tuple(same)), same.values(), strict=True)
    ]
    kinds = zip(_writers(part.table, part.names, of_array=True), zip(*part.rows), strict=True)
    arrays = [",".join(_repeated(write, values)) for write, values in kinds]
    if part.versions:
        arrays.append(",".join(map(str, part.versions)))
    return shared + [f"{{{array}}}" for array in arrays]


def _repeated(write: Write, values: Sequence[Any]) -> Iterable[str]:
    """Each value as `write` has it; most columns repeat a few."""
    if write is _quoted_json:
        return map(write, values)
    known = {value: "NULL" if value is None else write(value) for value in set(values)}
    return map(known.__getitem__, values)


@lru_cache(maxsize=256)
def _writers(table: Table, names: tuple[str, ...], of_array: bool = False) -> tuple[Write, ...]:
    """How PostgreSQL reads the values of each column, alone or in an array."""
    return tuple(_writer(table.c[name].type, of_array) for name in names)


def _writer(kind: Any, of_array: bool) -> Write:
    if isinstance(kind, JSON):
        return _quoted_json if of_array else to_json
    if isinstance(kind, UtcDateTime):
        return _instant
    if isinstance(kind, Date):
        return date.isoformat
    return _quoted if of_array and isinstance(kind, String) else str


def _quoted_json(value: Any) -> str:
    return _quoted(to_json(value))


@lru_cache(maxsize=16384)  # patients of one zone are asked at the same instants
def _instant(value: datetime) -> str:
    utc = in_utc(value)
    assert utc is not None
    return utc.isoformat()


def _quoted(text: str) -> str:
    return f'"{text.translate(ARRAY_SIGNS)}"'
