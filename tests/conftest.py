"""One application and one database a test process; the database is put back to its template before each test.

`VIGILIA_TEST_DATABASE=postgres` runs the same tests on a real PostgreSQL, which `tests/postgres.py` provides.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

os.environ.setdefault("VIGILIA_SQLITE_SYNCHRONOUS", "OFF")

settings.register_profile(
    "vigilia", derandomize=True, deadline=None, max_examples=50, suppress_health_check=list(HealthCheck), database=None
)
settings.load_profile("vigilia")

START = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)  # a Monday, 08:00 in Sao Paulo
ACCOUNT, TOKEN, PUBLIC = "AC" + "0" * 32, "a made-up token for tests", "https://vigilia.test"
FROM, PAGE_FROM, WHATSAPP_FROM = "+5516330000001", "+5516330000002", "+5516330000003"


def shared() -> Path:
    """The folder of shared real data, which tests skip without."""
    return Path(os.environ.get("VIGILIA_SHARED", Path(__file__).parent.parent.parent / "shared"))


class SqliteBackend:
    """A file, put back by copying its template over it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vigilia-test-"))
        self.file = self.folder / "test.db"
        self.url = f"sqlite:///{self.file}"

    def keep(self, name: str) -> None:
        shutil.copyfile(self.file, self.folder / f"{name}.template")

    def put_back(self, name: str) -> None:
        for suffix in ("-wal", "-shm", "-journal"):
            Path(str(self.file) + suffix).unlink(missing_ok=True)
        template = self.folder / f"{name}.template"
        if template.exists():
            shutil.copyfile(template, self.file)
        else:
            self.file.unlink(missing_ok=True)

    def stop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresBackend:
    """A database, put back by emptying every table and copying the kept rows in; made anew from its template
    when a test has changed more than rows."""

    def __init__(self) -> None:
        import psycopg
        from sqlalchemy import make_url

        given = os.environ.get("VIGILIA_TEST_POSTGRES_URL")
        self.server: Any = None
        if given:
            admin = make_url(given)
        else:
            from tests.postgres import Postgres

            self.server = Postgres()
            admin = make_url(self.server.url())
        self.name = f"vigilia_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
        self._address = admin.set(drivername="postgresql")
        self.admin = psycopg.connect(self._address.render_as_string(hide_password=False), autocommit=True)
        self.url = admin.set(database=self.name).render_as_string(hide_password=False)
        self.scripts: dict[str, str] = {}
        self.shapes: dict[str, Any] = {}
        self.connection: Any = None

    def _connect(self) -> Any:
        import psycopg

        if self.connection is None or self.connection.closed:
            address = self._address.set(database=self.name).render_as_string(hide_password=False)
            self.connection = psycopg.connect(address, autocommit=True)
        return self.connection

    def _shape(self) -> Any:
        """Changes when tables, indices, triggers or functions do."""
        query = (
            "SELECT (SELECT md5(string_agg(relname::text || relkind::text || oid::text, ',' ORDER BY oid)) "
            "FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace), "
            "(SELECT md5(string_agg(tgname::text || tgenabled::text, ',' ORDER BY oid)) FROM pg_trigger), "
            "(SELECT count(*) FROM pg_attribute WHERE attrelid IN "
            "(SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) AND NOT attisdropped)"
        )
        return self._connect().execute(query).fetchone()

    def keep(self, name: str) -> None:
        connection = self._connect()
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        script = ["BEGIN", "SET LOCAL session_replication_role = replica", "SET LOCAL lock_timeout = '3s'"]
        script += [f'DELETE FROM public."{table}"' for table in tables if table != "alembic_version"]
        connection.execute(f'CREATE SCHEMA "kept_{name}"')
        for table in tables:
            if table == "alembic_version" or not connection.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone():
                continue
            connection.execute(f'CREATE TABLE "kept_{name}"."{table}" AS SELECT * FROM public."{table}"')
            script.append(f'INSERT INTO public."{table}" SELECT * FROM "kept_{name}"."{table}"')
        for (sequence,) in connection.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"):
            value, called = connection.execute(f'SELECT last_value, is_called FROM "{sequence}"').fetchone()
            script.append(f"SELECT setval('public.\"{sequence}\"', {value}, {called})")
        script.append("COMMIT")
        self.scripts[name], self.shapes[name] = "; ".join(script), self._shape()
        self.connection.close()
        self.admin.execute(f'DROP DATABASE IF EXISTS "{self.name}_{name}" WITH (FORCE)')
        self.admin.execute(f'CREATE DATABASE "{self.name}_{name}" TEMPLATE "{self.name}" STRATEGY file_copy')

    def put_back(self, name: str) -> None:
        import psycopg

        try:
            if name in self.scripts and self._shape() == self.shapes[name]:
                self._connect().execute(self.scripts[name])
                return
        except psycopg.Error:  # somebody holds a lock, or the server was ended
            self.connection.close()
        if self.connection is not None:
            self.connection.close()
        self.admin.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        template = f'"{self.name}_{name}"' if name in self.scripts else "template0"
        self.admin.execute(f'CREATE DATABASE "{self.name}" TEMPLATE {template} STRATEGY file_copy')

    def stop(self) -> None:
        if self.connection is not None:
            self.connection.close()
        for name in [self.name, *(f"{self.name}_{one}" for one in self.scripts)]:
            self.admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.admin.close()
        if self.server is not None:
            self.server.stop()


class House:
    """What a test process makes once: the backend with its templates, the runtime and the application."""

    def __init__(self) -> None:
        from service import security
        from service.app import create_app, create_runtime
        from service.clock import StillClock
        from service.config import Config
        from service.demo.seed import seed_study
        from service.migrate import upgrade

        security._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        wanted = os.environ.get("VIGILIA_TEST_DATABASE", "sqlite")
        self.backend: Any = PostgresBackend() if wanted == "postgres" else SqliteBackend()
        self.backend.put_back("nothing")
        self.config = Config(
            database_url=self.backend.url,
            secret_key="for tests only, thirty-two characters",
            public_url=PUBLIC,
            twilio_account_sid=ACCOUNT,
            twilio_auth_token=TOKEN,
            twilio_from=FROM,
            twilio_page_from=PAGE_FROM,
            twilio_whatsapp_from=WHATSAPP_FROM,
            alarm_email="alarms@vigilia.example",
            poll_seconds=60,
        )
        self.runtime = create_runtime(self.config, clock=StillClock(START), carriers={})
        upgrade(self.runtime.db.engine)
        self._keep("bare")
        with self.runtime.db.unit_of_work() as session:
            seed_study(session, now=START)
        self._keep("seeded")
        self.app = create_app(self.config, runtime=self.runtime)
        self.app.testing = True

    def _keep(self, name: str) -> None:
        if self.runtime.db.is_sqlite:
            with self.runtime.db.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.runtime.db.close()
        self.backend.keep(name)

    def put_back(self, name: str) -> None:
        from service.clock import StillClock

        self.runtime.db.close()
        self.backend.put_back(name)
        self.runtime.clock = StillClock(START)
        self.runtime.carriers = {}
        self.runtime.page_waits.clear()
        self.runtime.text_waits.clear()
        self.runtime.backed_off.clear()


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    house = House()
    yield house
    house.runtime.db.close()
    house.backend.stop()


@pytest.fixture
def bare_runtime(house: House) -> Any:
    """Migrated and empty."""
    house.put_back("bare")
    return house.runtime


@pytest.fixture
def runtime(house: House) -> Any:
    """The study at RP with its team and rota; no patients, no carrier."""
    house.put_back("seeded")
    return house.runtime


@pytest.fixture
def session(runtime: Any) -> Iterator[Any]:
    """A unit of work on the seeded database, rolled back at the end."""
    with runtime.db._write() as session, session.begin() as transaction:
        yield session
        transaction.rollback()


@pytest.fixture
def world(house: House) -> Iterator[Any]:
    """Phones and a clock: see tests/world.py."""
    from tests.world import World

    house.put_back("seeded")
    world = World(house)
    yield world
    world.close()


@pytest.fixture
def app(world: Any) -> Any:
    return world.app


@pytest.fixture
def client(world: Any) -> Any:
    return world.app.test_client()
