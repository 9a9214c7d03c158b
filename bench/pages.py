"""From a fever's commit to the carrier's hand, in another process that sends a batch meanwhile."""

from __future__ import annotations

import time

import psycopg
from sqlalchemy import select

from bench.database import NOON, connect, fill_messages, fill_patients, make_runtime, server
from bench.harness import Options, Row, percentile
from bench.processes import module
from notifications.catalog import CATALOG
from service.models import Staff
from service.runtime import Runtime
from service.use_cases import outbox
from tests.postgres import Postgres

FIELDS = {"case": "7K", "patient": "P-001", "time": "12:00", "url": "/a/abc"}


def page(runtime: Runtime, dedupe: str) -> tuple[int, float]:
    """Commit a page to the person on call; its message, and when (monotonic) its commit had returned."""
    with runtime.db.unit_of_work() as session:
        reis = session.scalars(select(Staff).where(Staff.name == "Dr. Reis")).one()
        names = CATALOG["page"].fields
        message = outbox.enqueue(
            session, now=NOON, kind="page", template="page", staff=reis, dedupe=dedupe, channel="sms",
            fields={name: FIELDS.get(name, "7K4") for name in names},
        )  # fmt: skip
    return message.id, time.monotonic()


def delays(
    runtime: Runtime, postgres: Postgres, connection: psycopg.Connection, *, count: int, deaf: bool
) -> list[float]:
    """Milliseconds of each page."""
    committed: dict[int, float] = {}
    given: dict[int, float] = {}
    words = ("deaf",) if deaf else ()
    before = connection.execute("SELECT count(*) FROM attempt").fetchone()
    with module("bench.sending_process", runtime.config.database_url, *words) as process:
        assert process.stdout is not None
        until = time.monotonic() + 60
        while connection.execute("SELECT count(*) FROM attempt").fetchone() == before:
            assert time.monotonic() < until and process.poll() is None, "the worker does not send"
            time.sleep(0.1)
        time.sleep(1)
        for number in range(count):
            message, at = page(runtime, f"bench-page:{deaf}:{number}")
            committed[message] = at
            key, seconds = process.stdout.readline().split()
            given[int(key)] = float(seconds)
            time.sleep(0.02 + (number % 7) * 0.013)  # never in step with the other's looks
        busy = connection.execute("SELECT count(*) FROM message WHERE status = 'ready' AND lane = 'bulk'").fetchone()
        assert busy != (0,), "the batch was over before the pages were"
    rows = connection.execute("SELECT id, message_id FROM attempt WHERE id = ANY(%s)", (list(given),))
    return [(given[attempt] - committed[message]) * 1000 for attempt, message in rows]


def run(options: Options) -> list[Row]:
    """p50 and p99 with NOTIFY, and the slowest with every NOTIFY lost."""
    with server() as postgres:
        runtime = make_runtime(postgres, "pages")
        connection = connect(postgres, "pages")
        fill_patients(connection, 5_000)
        fill_messages(connection, 100_000, due=100_000, patients=5_000)
        woken = delays(runtime, postgres, connection, count=options.of(150, 1000), deaf=False)
        alone = delays(runtime, postgres, connection, count=options.of(25, 150), deaf=True)
        connection.close()
        runtime.db.close()
    work = "fever committed to page at the carrier, while a batch is sent"
    told = [
        (f"{work}: p50", percentile(woken, 0.5), 10.0),
        (f"{work}: p99", percentile(woken, 0.99), 50.0),
        (f"{work}: slowest, every NOTIFY lost", max(alone), 2000.0),
    ]
    return [Row("pages", text, "ms", value, "at most", most, value / most, "<= 1") for text, value, most in told]
