"""Many rows of one table in one go: a patient's calendar is some 350 rows, and one statement a row is too slow.

Objects of the session that stand for these rows are brought in line, so that nobody reads what was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, Column, Connection, Date, String, Table, bindparam, insert, inspect, update
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from service.db import Base, UtcDateTime, to_json

Row = Mapping[str, Any]
NULL = r"\N"
COPY_SIGNS = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
ARRAY_SIGNS = str.maketrans({"\\": r"\\", '"': r"\""})


def insert_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Add rows that all name the same columns; the others get their defaults. COPY on PostgreSQL."""
    if not rows:
        return
    flush_of(session, model)
    connection = session.connection()
    table = table_of(model)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        connection.execute(insert(table), [dict(row) for row in rows])


def update_rows(session: Session, model: type[Base], rows: Sequence[Row], *, versions: Sequence[int] = ()) -> None:
    """Write each row's values by its `id`; all rows name the same columns.

    With `versions` (what each row's `version_id` was when it was read) the version rises by one, and
    StaleDataError tells of a row that somebody else has changed meanwhile. What waits in the session for other
    columns of these rows goes on waiting; for these columns, it gives way.
    """
    if not rows:
        return
    table, connection = table_of(model), session.connection()
    write = _update_from_arrays if connection.dialect.name == "postgresql" else _update_each
    done = write(connection, table, rows, versions)
    if versions and done != len(rows):
        raise StaleDataError(f"{len(rows) - done} rows of {table.name} have changed meanwhile")
    bring_in_line(session, model, rows, versions)


def bring_in_line(session: Session, model: type[Base], rows: Sequence[Row], versions: Sequence[int] = ()) -> None:
    """The session's objects as these rows are now."""
    if not rows:
        return
    objects = {vars(there).get("id"): there for there in session.identity_map.values() if isinstance(there, model)}
    for place, row in enumerate(rows if objects else ()):
        there = objects.get(row["id"])
        if there is None:
            continue
        written = dict(row) | ({"version_id": versions[place] + 1} if versions else {})
        state = inspect(there)
        if not state.modified and not state.expired_attributes:
            state.dict.update(written)  # a tenth of what the attributes one by one cost
            continue
        for name, value in written.items():
            set_committed_value(there, name, value)


def flush_of(session: Session, model: type[Base]) -> None:
    """Write what waits in the session, if any of it is of this table."""
    if any(isinstance(one, model) for waiting in (session.new, session.dirty, session.deleted) for one in waiting):
        session.flush()


def _update_each(connection: Connection, table: Table, rows: Sequence[Row], versions: Sequence[int]) -> int:
    names = [name for name in rows[0] if name != "id"]
    statement = update(table).where(table.c.id == bindparam("row_id"))
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    parameters = [{"row_id": row["id"]} | {f"new_{name}": row[name] for name in names} for row in rows]
    if versions:
        statement = statement.where(table.c.version_id == bindparam("old_version"))
        values["version_id"] = table.c.version_id + 1
        for bound, version in zip(parameters, versions, strict=True):
            bound["old_version"] = version
    return connection.execute(statement.values(values), parameters).rowcount


def _update_from_arrays(connection: Connection, table: Table, rows: Sequence[Row], versions: Sequence[int]) -> int:
    """One UPDATE joined with an array a column."""
    names = tuple(rows[0])
    arrays = [_texts(table.c[name], [row[name] for row in rows], "NULL", _quoted) for name in names]
    if versions:
        arrays.append(list(map(str, versions)))
    words = _update_words(connection.dialect, table, names, bool(versions))
    return connection.exec_driver_sql(words, tuple(f"{{{','.join(array)}}}" for array in arrays)).rowcount


@lru_cache(maxsize=64)
def _update_words(dialect: Dialect, table: Table, names: tuple[str, ...], versioned: bool) -> str:
    quote = dialect.identifier_preparer.quote
    kinds = [table.c[name].type.compile(dialect) for name in names]
    sets = [f"{quote(name)} = fresh.{quote(name)}" for name in names if name != "id"]
    where = "rows.id = fresh.id"
    columns = [quote(name) for name in names]
    if versioned:
        sets.append("version_id = rows.version_id + 1")
        where += " AND rows.version_id = fresh.old_version"
        columns.append("old_version")
        kinds.append("BIGINT")
    holes = ", ".join(f"%s::{kind}[]" for kind in kinds)
    return (
        f"UPDATE {quote(table.name)} AS rows SET {', '.join(sets)} "
        f"FROM unnest({holes}) AS fresh ({', '.join(columns)}) WHERE {where}"
    )


def table_of(model: type[Base]) -> Table:
    """The table behind a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """The rows in COPY's text form, in one piece: a call of the driver for each row took most of the time."""
    quote = connection.dialect.identifier_preparer.quote
    defaults = {
        column.name: column.default.arg
        for column in table.columns
        if column.name not in rows[0] and column.default is not None and hasattr(column.default, "arg")
    }
    columns = [_texts(table.c[name], [row[name] for row in rows], NULL, _escaped) for name in rows[0]]
    for name, default in defaults.items():
        value = default(None) if callable(default) else default
        columns.append(_texts(table.c[name], [value], NULL, _escaped) * len(rows))
    words = f"COPY {quote(table.name)} ({', '.join(map(quote, [*rows[0], *defaults]))}) FROM STDIN"
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(words) as copy:
        copy.write("\n".join(map("\t".join, zip(*columns, strict=True))) + "\n")


def _texts(column: Column[Any], values: Sequence[Any], null: str, marked: Callable[[str], str]) -> list[str]:
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
    known = {value: null if value is None else write(value) for value in set(values)}  # most columns repeat a few
    return [known[value] for value in values]


@lru_cache(maxsize=16384)  # patients of one zone are asked at the same instants
def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone reached the database: {value!r}")
    return value.isoformat()


def _escaped(text: str) -> str:
    return text.translate(COPY_SIGNS)


def _quoted(text: str) -> str:
    return f'"{text.translate(ARRAY_SIGNS)}"'
