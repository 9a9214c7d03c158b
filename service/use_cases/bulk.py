"""Many rows of one table in one go: a patient's calendar is some 350 rows, and one statement a row is too slow.

Objects of the session that stand for these rows are brought in line, so that nobody reads what was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Connection, Table, bindparam, insert, inspect, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from service.db import Base, to_json

Row = Mapping[str, Any]


def insert_rows(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Add rows that all name the same columns; the others get their defaults. COPY on PostgreSQL."""
    if not rows:
        return
    session.flush()
    connection = session.connection()
    table = _table(model)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        connection.execute(insert(table), [dict(row) for row in rows])


def update_rows(session: Session, model: type[Base], rows: Sequence[Row], *, versions: Sequence[int] = ()) -> None:
    """Write each row's values by its `id`; all rows name the same columns.

    With `versions` (what each row's `version_id` was when it was read) the version rises by one, and
    StaleDataError tells of a row that somebody else has changed meanwhile.
    """
    if not rows:
        return
    session.flush()
    table, connection = _table(model), session.connection()
    write = _update_from_arrays if connection.dialect.name == "postgresql" else _update_each
    done = write(connection, table, rows, versions)
    if versions and done != len(rows):
        raise StaleDataError(f"{len(rows) - done} rows of {table.name} have changed meanwhile")
    names = [name for name in rows[0] if name != "id"]
    identify = inspect(model).identity_key_from_primary_key
    for place, row in enumerate(rows):
        there = session.identity_map.get(identify((row["id"],)))
        if there is None:
            continue
        for name in names:
            set_committed_value(there, name, row[name])
        if versions:
            set_committed_value(there, "version_id", versions[place] + 1)


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
    quote = connection.dialect.identifier_preparer.quote
    names = list(rows[0])
    kinds = [table.c[name].type.compile(connection.dialect) for name in names]
    readers = [_reader(name, isinstance(table.c[name].type, JSON)) for name in names]
    arrays: list[list[Any]] = [[read(row) for row in rows] for read in readers]
    sets = [f"{quote(name)} = fresh.{quote(name)}" for name in names if name != "id"]
    where = "rows.id = fresh.id"
    columns = [quote(name) for name in names]
    if versions:
        sets.append("version_id = rows.version_id + 1")
        where += " AND rows.version_id = fresh.old_version"
        columns.append("old_version")
        kinds.append("BIGINT")
        arrays.append(list(versions))
    holes = ", ".join(f"%s::{kind}[]" for kind in kinds)
    words = (
        f"UPDATE {quote(table.name)} AS rows SET {', '.join(sets)} "
        f"FROM unnest({holes}) AS fresh ({', '.join(columns)}) WHERE {where}"
    )
    return connection.exec_driver_sql(words, tuple(arrays)).rowcount


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    given = list(rows[0])
    defaults = {
        column.name: column.default.arg
        for column in table.columns
        if column.name not in rows[0] and column.default is not None and hasattr(column.default, "arg")
    }
    columns = [*given, *defaults]
    readers: list[Callable[[Row], Any]] = [_reader(name, isinstance(table.c[name].type, JSON)) for name in given]
    tail = [to_json(arg(None)) if callable(arg) else arg for arg in defaults.values()]
    words = f"COPY {quote(table.name)} ({', '.join(map(quote, columns))}) FROM STDIN"
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(words) as copy:
        for row in rows:
            copy.write_row([read(row) for read in readers] + tail)


def _reader(name: str, is_json: bool) -> Callable[[Row], Any]:
    if is_json:
        return lambda row: to_json(row[name])
    return lambda row: row[name]
