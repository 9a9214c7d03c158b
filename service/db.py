"""Engine, base class, column types and the unit of work."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Date,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from service.clock import Clock
from service.prepared import Direct, told

RESTED_SECONDS = 1.0
BUSY_SECONDS = 10  # below the 15 s after which Twilio gives a webhook up

# A process that stands still in the middle of a transaction must not hold its rows for longer than a lease, nor may who
# waits for them wait longer than Twilio does for its answer.
IDLE = f"-c idle_in_transaction_session_timeout=30000 -c lock_timeout={BUSY_SECONDS * 1000}"


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Naive values are refused; SQLite's naive ones come back aware."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return in_utc(value)

    def bind_processor(self, dialect: Any) -> Any:
        return in_utc if dialect.name == "postgresql" else _as_text

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        """None on PostgreSQL, whose instants are aware and in UTC: a patient's calendar has hundreds of them."""
        return None if dialect.name == "postgresql" else _from_text


def in_utc(value: datetime | None) -> datetime | None:
    """An instant as the database gets it. ValueError for one without a zone."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"a time without a zone reached the database: {value!r}")
    return value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    """As SQLAlchemy writes it for SQLite, without its formatting in Python."""
    utc = in_utc(value)
    return None if utc is None else utc.replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


BigId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Every table's base: typed columns, named constraints (so that migrations can name them)."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime(),
        date: Date(),
        int: BigId,
        str: String(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        list[str]: JSON(),
    }


# A value as JSON columns hold it; `json.dumps` would make an encoder for each.
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An engine for SQLite (WAL, BEGIN IMMEDIATE for writers) or PostgreSQL.

    A deferred SQLite transaction that upgrades to a writer fails at once whatever `busy_timeout` says, so every unit of
    work that may write begins as a writer.
    """
    if not url.startswith("sqlite"):
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            json_serializer=to_json,
            hide_parameters=True,
            connect_args={} if "options=" in url else {"options": IDLE},
        )
        event.listen(engine, "connect", _tell_in_utc)
        _ping_the_rested(engine)
        return engine
    path = re.sub(r"^sqlite(\+\w+)?:///", "", url)
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size * 4,
        json_serializer=to_json,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    synchronous = os.environ.get("VIGILIA_SQLITE_SYNCHRONOUS", "FULL")

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'OFF' if synchronous == 'OFF' else 'FULL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA recursive_triggers=ON")  # REPLACE must not slip past the audit's delete trigger
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("vigilia_reads")
        driver: Any = connection.connection.dbapi_connection
        try:  # by the driver itself: SQLAlchemy's way costs more than the whole transaction
            driver.execute("BEGIN" if reads else "BEGIN IMMEDIATE")
        except connection.dialect.loaded_dbapi.Error as error:
            raise told(error, connection.dialect) from error

    return engine


def _tell_in_utc(connection: Any, _record: Any) -> None:
    """Instants of a zone that changes its clocks would compare and add by the wall; the audit's seals hang on them."""
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _ping_the_rested(engine: Engine) -> None:
    """A connection that has rested is asked whether it lives before it is used; one that is busy is not: a page would
    wait a round trip for every transaction on its way."""
    clock = Clock()

    @event.listens_for(engine, "checkin")
    def _rests(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = clock.monotonic()

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, record: Any, _proxy: Any) -> None:
        if clock.monotonic() - record.info.get("rests_since", clock.monotonic()) < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the pool takes another


class Database:
    """The engine and the two ways to use it."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self.engine = make_engine(url, pool_size=pool_size)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.wakes: dict[str, threading.Event] = {}  # lane -> set after a commit that enqueued into it
        self._write = sessionmaker(self.engine, expire_on_commit=False)
        self._read = sessionmaker(self.engine.execution_options(vigilia_reads=True), expire_on_commit=False)

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """One transaction: returning commits, raising rolls back. Only the edge opens it."""
        with self._write() as session:
            with session.begin():
                yield session
            for lane in session.info.get("lanes", ()):
                if lane in self.wakes:
                    self.wakes[lane].set()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; whatever it changed is thrown away."""
        with self._read() as session:
            yield session
            session.expunge_all()  # rows stay readable after the transaction
            session.rollback()

    def looking(self) -> AbstractContextManager[Direct]:
        """A transaction that only reads, for prepared statements alone: without a session it costs a fifth."""
        return self._direct(reads=True)

    def noting(self) -> AbstractContextManager[Direct]:
        """A unit of work of prepared statements alone."""
        return self._direct(reads=False)

    @contextmanager
    def _direct(self, *, reads: bool) -> Iterator[Direct]:
        dialect, taken = self.engine.dialect, None
        try:
            taken = self.engine.raw_connection()
            direct = Direct(dialect, taken.dbapi_connection)
            if self.is_sqlite:
                direct.driver.execute("BEGIN" if reads else "BEGIN IMMEDIATE")
            yield direct
            if not reads:
                direct.driver.commit()
        except (dialect.loaded_dbapi.Error, DBAPIError) as error:
            cause: Any = error.orig if isinstance(error, DBAPIError) else error
            if taken is not None and dialect.is_disconnect(cause, direct.driver, None):
                taken.invalidate(cause)
            if cause is error:
                raise told(error, dialect) from error
            raise
        finally:
            if taken is not None:
                taken.close()  # the pool rolls back what is not committed

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as JSON can hold it (dates and decimals as text), for a JSON column."""
    loaded: dict[str, Any] = json.loads(json.dumps(dict(value), default=str, ensure_ascii=False))
    return loaded
