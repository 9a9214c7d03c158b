"""What one would pick instead, doing the same work: claim a due reminder, hand it to a carrier, note that it went."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.util import find_spec

from bench.database import connect, fill_messages, fill_patients, make_runtime, server
from bench.harness import Options, Row, Stopwatch
from bench.processes import module
from bench.sending import ours
from service.runtime import Runtime
from tests.postgres import Postgres


class Missing(Exception):
    """A peer that is not installed here."""


def apscheduler(postgres: Postgres, count: int) -> float:
    """One job a reminder in its SQLAlchemy store, as its manual shows; reminders a second."""
    from apscheduler.executors.pool import ThreadPoolExecutor as Threads
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    from bench import peer_jobs

    peer_jobs.database = conninfo(postgres)
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(url=postgres.url("peers"), tablename="apscheduler_jobs")},
        executors={"default": Threads(32)},
        job_defaults={"misfire_grace_time": None},
        timezone=UTC,
    )
    scheduler.start(paused=True)
    for number in range(count):
        scheduler.add_job(peer_jobs.remind, "date", run_date=datetime(2026, 1, 1, tzinfo=UTC), args=[number])
    with connect(postgres, "peers") as connection:
        connection.execute("TRUNCATE sent")
        scheduler.resume()
        rate = _rate(lambda: rows(connection), count)
    scheduler.shutdown()
    return rate


def celery(postgres: Postgres, count: int) -> float:
    """A worker of 8 threads over Redis that notes each reminder in PostgreSQL; reminders a second."""
    program = shutil.which("redis-server")
    if program is None or find_spec("celery") is None or find_spec("redis") is None:
        raise Missing("not measured: needs redis-server and the extra `bench`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    redis = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(postgres.folder)],
        stdout=subprocess.DEVNULL,
    )
    try:
        return _celery(postgres, count, f"redis://127.0.0.1:{port}/0", port)
    finally:
        redis.terminate()
        redis.wait(10)


def _celery(postgres: Postgres, count: int, broker: str, port: int) -> float:
    wait(lambda: int(_answers(port)), 1)
    from bench import peer_celery

    queue = peer_celery.make(broker, "")
    with connect(postgres, "peers") as connection:
        connection.execute("TRUNCATE sent")
        for number in range(count):
            queue.send_task("bench.remind", args=[number])
        words = ("-A", "bench.peer_celery", "worker", "-P", "threads", "-c", "8", "-l", "ERROR", "--without-mingle")
        given = {"BENCH_BROKER": broker, "BENCH_DATABASE": conninfo(postgres), "PYTHONWARNINGS": "ignore"}
        with module("celery", *words, **given):
            return _rate(lambda: rows(connection), count)


def procrastinate(postgres: Postgres, count: int) -> float:
    """Its worker, 8 at a time, on the same PostgreSQL; reminders a second."""
    if find_spec("procrastinate") is None:
        raise Missing("not measured: needs the extra `bench`")
    from bench import peer_procrastinate

    with connect(postgres, "peers") as connection:
        connection.execute("TRUNCATE sent")
        peer_procrastinate.defer(conninfo(postgres), count)
        with module("bench.peer_procrastinate", conninfo(postgres)):
            return _rate(lambda: rows(connection), count)


def conninfo(postgres: Postgres) -> str:
    """For psycopg itself."""
    return f"host={postgres.folder} user=postgres dbname=peers"


def rows(connection: object) -> int:
    """How many reminders a peer has noted as sent."""
    found = connection.execute("SELECT count(*) FROM sent").fetchone()  # type: ignore[attr-defined]
    return int(found[0])


def wait(done: Callable[[], int], count: int, seconds: float = 120) -> None:
    """Until `done()` is `count`; TimeoutError."""
    until = time.monotonic() + seconds
    while done() < count:
        if time.monotonic() > until:
            raise TimeoutError(f"only {done()} of {count}")
        time.sleep(0.01)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _rate(done: Callable[[], int], count: int) -> float:
    """From the first tenth to the last, so that a peer's start is not counted against it."""
    wait(done, count // 10)
    began, first = time.perf_counter(), done()
    wait(done, count)
    return (count - first) / (time.perf_counter() - began)


def together(runtime: Runtime, count: int) -> None:
    """Ours, in four sending threads, as two workers have."""
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda share: ours(runtime, share), [count // 4] * 4)) == count


PEERS: tuple[tuple[str, Callable[[Postgres, int], float], int, int, str], ...] = (
    ("APScheduler, one job a reminder", apscheduler, 400, 5_000, ">= 8"),
    ("Celery + Redis", celery, 1_500, 10_000, ">= 8"),
    ("Procrastinate", procrastinate, 600, 5_000, ">= 10"),
)


def run(options: Options) -> list[Row]:
    """Each peer, and ours right before it, on one server."""
    found: list[Row] = []
    each, patients = options.of(2_000, 10_000), 2_000
    with server() as postgres:
        runtime = make_runtime(postgres, "peers")
        with connect(postgres, "peers") as connection:
            connection.execute("CREATE TABLE sent (number bigint, at timestamptz NOT NULL)")
            fill_patients(connection, patients)
            due = (each + each // 5) * len(PEERS) + 100
            fill_messages(connection, due, due=due, patients=patients)
        ours(runtime, 100)
        for name, measure, quick, full, goal in PEERS:
            together(runtime, each // 5)  # a start is not counted, as it is not against the peers
            with Stopwatch() as watch:
                together(runtime, each)
            mine = each / watch.seconds
            try:
                theirs, note = measure(postgres, options.of(quick, full)), ""
            except Missing as missing:
                theirs, note = None, str(missing)
            ratio = mine / theirs if theirs else None
            work = "due reminders claimed, handed over, recorded"
            found.append(Row("peers", work, "/s", mine, name, theirs, ratio, goal, note))
        runtime.db.close()
    return found
