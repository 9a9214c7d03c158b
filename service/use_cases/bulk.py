"""Many rows of some tables in one go: a patient's calendar is some 300 rows, and one statement a row is too slow.

Rows are tuples of plain values. Objects of the session that stand for them are brought in line, so that nobody reads
what was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, inspect, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from service.db import Base
from service.use_cases import bulk_arrays
from service.use_cases.bulk_part import Part, Same, Values, table_of

__all__ = ["Values", "Writes", "bring_in_line", "flush_of", "insert_rows", "read", "table_of"]


@dataclass
class Writes:
    """What a change writes: gathered table by table, written by `flush` - in one statement, where the database can.

    No row may be in two parts: the order of the parts is the database's to choose.
    """

    session: Session
    parts: list[Part] = field(default_factory=list)

    def insert(self, model: type[Base], names: tuple[str, ...], rows: Sequence[Values], same: Same = {}) -> None:
        """Add rows; columns that are in neither `names` nor `same` get their defaults."""
        if rows:
            self.parts.append(Part(model, False, names, rows, same))

    def update(
        self, model: type[Base], names: tuple[str, ...], rows: Sequence[Values], same: Same = {},
        *, versions: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """Write each row by its `id`, which is among `names`. What waits in the session for other columns of these
        rows goes on waiting; for these columns, it gives way.
        """
        if rows:
            self.parts.append(Part(model, True, names, rows, same, versions))

    def flush(self) -> None:
        """Write everything. StaleDataError tells of rows that somebody else has changed since they were read."""
        parts, self.parts = self.parts, []
        if not parts:
            return
        for model in {part.model for part in parts if not part.is_update}:
            flush_of(self.session, model)
        connection = self.session.connection()
        counts = _write(connection, parts)
        for part, done in zip(parts, counts, strict=True):
            if part.versions and done != len(part.rows):
                raise StaleDataError(f"{len(part.rows) - done} rows of {part.table.name} have changed meanwhile")
            if part.is_update and any(isinstance(one, part.model) for one in self.session.identity_map.values()):
                bring_in_line(self.session, part.model, _dicts(part), part.versions)


def insert_rows(
    session: Session, model: type[Base], names: tuple[str, ...], rows: Sequence[Values], same: Same = {},
    *, key: str,
) -> dict[Any, int]:  # fmt: skip
    """Add rows at once: the new ids by `key`, one of `names` that tells the rows apart."""
    part = Part(model, False, names, rows, same)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        found: Any = bulk_arrays.insert_returning(connection, part, key)
    else:
        statement = insert(part.table).returning(part.table.c[key], part.table.c.id)
        found = connection.execute(statement, _dicts(part))
    return {one: number for one, number in found}


def read(session: Session, statements: Sequence[Select[Any]], given: Same) -> Sequence[Sequence[Values]]:
    """The rows of several SELECTs, with the same values given to all: in one round trip, where the database can.

    `given` are numbers, texts and days; no row is a mapped object.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        return bulk_arrays.read(connection, statements, given)
    return [connection.execute(statement, given).all() for statement in statements]


def flush_of(session: Session, *models: type[Base]) -> None:
    """Write what waits in the session, if any of it is of these tables."""
    if any(isinstance(one, models) for waiting in (session.new, session.dirty, session.deleted) for one in waiting):
        session.flush()


def _write(connection: Connection, parts: Sequence[Part]) -> Sequence[int]:
    """How many rows each part wrote."""
    if connection.dialect.name == "postgresql":
        return bulk_arrays.write(connection, parts)
    return [_update_each(connection, part) if part.is_update else _insert_each(connection, part) for part in parts]


def _insert_each(connection: Connection, part: Part) -> int:
    return connection.execute(insert(part.table), _dicts(part)).rowcount


def _dicts(part: Part) -> list[dict[str, Any]]:
    return [dict(zip(part.names, row, strict=True)) | part.same for row in part.rows]


def _update_each(connection: Connection, part: Part) -> int:
    table = part.table
    written = [name for name in (*part.names, *part.same) if name != "id"]
    statement = update(table).where(table.c.id == bindparam("row_id"))
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in written}
    parameters = [
        {"row_id" if name == "id" else f"new_{name}": value for name, value in row.items()} for row in _dicts(part)
    ]
    if part.versions:
        statement = statement.where(table.c.version_id == bindparam("old_version"))
        values["version_id"] = table.c.version_id + 1
        for bound, version in zip(parameters, part.versions, strict=True):
            bound["old_version"] = version
    return connection.execute(statement.values(values), parameters).rowcount


def bring_in_line(
    session: Session, model: type[Base], rows: Sequence[dict[str, Any]], versions: Sequence[int] = ()
) -> None:
    """The session's objects as these rows are now."""
    if not rows:
        return
    objects = {vars(there).get("id"): there for there in session.identity_map.values() if isinstance(there, model)}
    for place, row in enumerate(rows if objects else ()):
        there = objects.get(row["id"])
        if there is None:
            continue
        written = row | ({"version_id": versions[place] + 1} if versions else {})
        state = inspect(there)
        if not state.modified and not state.expired_attributes:
            state.dict.update(written)  # a tenth of what the attributes one by one cost
            continue
        for name, value in written.items():
            set_committed_value(there, name, value)
