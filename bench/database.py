"""The server that both sides of a bench share (durable: fsync on), and tables full of made-up messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from notifications.carriers.base import SendResult
from notifications.message import Channel, OutboundMessage
from service.app import create_runtime
from service.clock import Clock
from service.config import Config
from service.demo.seed import seed_study
from service.migrate import upgrade
from service.runtime import Runtime
from tests.postgres import Postgres

NOON = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 12:00 in Sao Paulo: no quiet hours
ACCOUNT, TOKEN = "AC" + "0" * 32, "a made-up token for the bench"
PUBLIC, OUR_NUMBER = "https://vigilia.test", "+5516330000001"
OPTIONS = (
    "-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c max_connections=200 -c shared_buffers=256MB "
    "-c max_wal_size=4GB -c checkpoint_timeout=30min -c autovacuum=off -c listen_addresses="
)


class NoonClock(Clock):
    """Study time stands at noon; the machine's clock runs."""

    def now(self) -> datetime:
        return NOON


class NullCarrier:
    """Takes everything at once."""

    def __init__(self) -> None:
        self.taken = 0

    def send(self, message: OutboundMessage) -> SendResult:
        self.taken += 1
        return SendResult(f"SM{message.key:0>32}")


@contextmanager
def server() -> Iterator[Postgres]:
    """A PostgreSQL of our own, until the block ends."""
    postgres = Postgres(OPTIONS)
    try:
        yield postgres
    finally:
        postgres.stop()


def connect(postgres: Postgres, database: str) -> psycopg.Connection:
    """A plain connection, each statement its own transaction."""
    return psycopg.connect(f"host={postgres.folder} user=postgres dbname={database}", autocommit=True)


def settings(url: str, **others: object) -> Config:
    """The settings of every process of a bench."""
    return Config(
        database_url=url, secret_key="for the bench only, thirty-two characters", public_url=PUBLIC,
        twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_from=OUR_NUMBER,
        twilio_page_from="+5516330000002", **others,  # type: ignore[arg-type]
    )  # fmt: skip


def make_runtime(postgres: Postgres, database: str, *, clock: Clock | None = None, **others: object) -> Runtime:
    """A seeded study in a new database."""
    with connect(postgres, "postgres") as admin:
        admin.execute(f'CREATE DATABASE "{database}"')
    config = settings(postgres.url(database), **others)
    runtime = create_runtime(config, clock=clock or NoonClock(), carriers={Channel.SMS: NullCarrier()})
    upgrade(runtime.db.engine)
    with runtime.db.unit_of_work() as session:
        seed_study(session, now=NOON)
    return runtime


PATIENTS = """
INSERT INTO patient (study_id, site_id, study_version_id, code, phone, language, timezone, channel, status, enrolled_on,
    consented, opted_out_by_carrier, feed_token, revision, created_at, version_id)
SELECT site.study_id, site.id, version.id, 'B-' || n, '+55169' || lpad(n::text, 8, '0'), 'pt-BR', 'America/Sao_Paulo',
    'sms', 'enrolled', date '2026-02-01', true, false, 'bench' || n, 0, %(now)s, 1
FROM site, (SELECT max(id) AS id FROM study_version) AS version, generate_series(1, %(count)s) AS n
"""
MESSAGES = """
INSERT INTO message (patient_id, site_id, kind, lane, channel, address, language, profile, template, fields,
    wanted_while, send_at, due_at, status, attempts, dedupe, created_at)
SELECT first.id + n %% %(patients)s, first.site_id, 'reminder', 'bulk', 'sms', '+5516900000001', 'pt-BR', 'full',
    'visit_1d', json_build_object('date', 'ter 03/03', 'time',
        to_char(time '07:00' + n %% 60 * interval '10 min', 'HH24:MI'), 'place', 'Ambulatorio', 'tel', '3602-0000'),
    '', at, at, 'ready', 0, 'bench:' || first.id || ':' || %(mark)s || ':' || n,
    %(now)s - make_interval(days => CASE WHEN n <= %(due)s THEN 0 ELSE n / %(patients)s %% 100 END)
FROM (SELECT min(id) AS id, min(site_id) AS site_id FROM patient WHERE code LIKE 'B-%%') AS first,
    (SELECT n, %(now)s + make_interval(secs => CASE WHEN n <= %(due)s THEN -n ELSE 86400 + n END) AS at
     FROM generate_series(1, %(count)s) AS n) AS rows
"""


def fill_patients(connection: psycopg.Connection, count: int) -> None:
    """So many made-up patients at the seeded site, without calendars."""
    connection.execute(PATIENTS, {"count": count, "now": NOON})
    connection.execute("ANALYZE patient")


def fill_messages(connection: psycopg.Connection, count: int, *, due: int, patients: int, mark: str = "a") -> None:
    """`count` messages, of which `due` may leave at NOON; the others wait for a day and longer."""
    given = {"count": count, "due": due, "patients": patients, "mark": mark, "now": NOON}
    connection.execute(MESSAGES, given)
    connection.execute("VACUUM ANALYZE message")
