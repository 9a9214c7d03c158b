"""Statements put together once and run by the driver itself.

SQLAlchemy looks at the whole statement each time that it executes it: 20 to 200 us, where SQLite itself takes 3. What
runs for every message (the look of a tick, a claim, a receipt) is therefore compiled once; values go in and rows come
out through the same column types as everywhere.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any] | None


@dataclass(frozen=True)
class Direct:
    """A transaction without a session, for prepared statements alone (see `Database.looking`)."""

    dialect: Dialect
    driver: Any  # the driver's own connection


Within = Session | Connection | Direct


@dataclass(frozen=True)
class _Compiled:
    sql: str
    takes: Sequence[tuple[str | None, Convert, Any]]  # what comes with each run; or None and the statement's own value
    names: Sequence[str] | None  # of what it takes, for a driver that does not go by their place
    converts: Sequence[tuple[int, Convert]]  # of the columns that come back
    row: Callable[..., Any]


class _Given(ColumnElement[Any]):
    """A value that comes with each run, where all others are literals."""

    inherit_cache = False

    def __init__(self, bind: BindParameter[Any]) -> None:
        self.bind, self.type = bind, bind.type


@compiles(_Given)
def _as_bind(element: _Given, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.bind, **options | {"literal_binds": False})


def _as_given(element: Any, **_options: Any) -> _Given | None:
    return _Given(element) if isinstance(element, BindParameter) and element.required else None


class Prepared:
    """One Core statement. Each `bindparam` in it is named and given with every run; the values that a SELECT holds
    itself are literals, so that a partial index serves it. What a session has not flushed it does not see."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def all(self, within: Within, **given: Any) -> list[Any]:
        """The rows, as named tuples."""
        compiled, cursor, dialect = self._run(within, given)
        try:
            found = cursor.fetchall()
        except dialect.loaded_dbapi.Error as error:
            raise told(error, dialect, compiled.sql) from error
        finally:
            cursor.close()
        if not compiled.converts:
            return [compiled.row(one) for one in found]
        return [compiled.row(_converted(one, compiled.converts)) for one in found]

    def first(self, within: Within, **given: Any) -> Any:
        """The first row, or None."""
        found = self.all(within, **given)
        return found[0] if found else None

    def run(self, within: Within, **given: Any) -> int:
        """Change rows; how many were changed."""
        cursor = self._run(within, given)[1]
        changed = cursor.rowcount
        cursor.close()
        return int(changed)

    def _run(self, within: Within, given: dict[str, Any]) -> tuple[_Compiled, Any, Dialect]:
        dialect, driver = _driver(within)
        compiled = self._compiled.get(dialect.name) or self._compile(dialect)
        values: Any = [
            fixed if name is None else given[name] if convert is None else convert(given[name])
            for name, convert, fixed in compiled.takes
        ]
        cursor = driver.cursor()
        try:
            cursor.execute(compiled.sql, values if compiled.names is None else dict(zip(compiled.names, values)))
        except dialect.loaded_dbapi.Error as error:
            cursor.close()
            raise told(error, dialect, compiled.sql) from error
        return compiled, cursor, dialect

    def _compile(self, dialect: Dialect) -> _Compiled:
        made = self._statement.compile(dialect=dialect)
        assert isinstance(made, SQLCompiler) and not made.insert_prefetch and not made.update_prefetch
        if isinstance(self._statement, Select):
            shown: Any = visitors.replacement_traverse(self._statement, {}, _as_given)
            made = shown.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
            assert isinstance(made, SQLCompiler)
        assert "POSTCOMPILE" not in made.string, "a list of ids is given with `among`, not with IN"
        takes: dict[str, tuple[str | None, Convert, Any]] = {}
        for name, value in made.params.items():
            convert = made.binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            if made.binds[name].required:
                takes[name] = (name, convert, None)
            else:
                takes[name] = (None, None, value if convert is None else convert(value))
        columns = getattr(self._statement, "exported_columns", ())
        converts = [
            (place, convert)
            for place, column in enumerate(columns)
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]
        row: Any = namedtuple("Row", columns.keys(), rename=True) if columns else None
        placed = made.positiontup
        ordered = [takes[name] for name in (takes if placed is None else placed)]
        names = list(takes) if placed is None else None
        compiled = _Compiled(made.string, ordered, names, converts, row and row._make)
        self._compiled[dialect.name] = compiled
        return compiled


def _converted(values: Sequence[Any], converts: Sequence[tuple[int, Convert]]) -> list[Any]:
    row = list(values)
    for place, convert in converts:
        row[place] = convert(row[place])  # type: ignore[misc]
    return row


def dialect_of(within: Within) -> str:
    """The database: "sqlite" or "postgresql"."""
    return _driver(within)[0].name


def _driver(within: Within) -> tuple[Dialect, Any]:
    if isinstance(within, Direct):
        return within.dialect, within.driver
    connection = within.connection() if isinstance(within, Session) else within
    return connection.dialect, connection.connection.dbapi_connection


def told(error: Any, dialect: Dialect, sql: str = "") -> BaseException:
    """The driver's error as SQLAlchemy tells it, without the values: they may be a patient's words."""
    raised: type[Exception] = dialect.loaded_dbapi.Error
    found: BaseException = DBAPIError.instance(sql, None, error, raised, hide_parameters=True, dialect=dialect)
    return found
