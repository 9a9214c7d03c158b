"""Celery's application: one task, which notes each reminder as sent in PostgreSQL. `celery -A bench.peer_celery`."""

from __future__ import annotations

import os
import threading

import psycopg
from celery import Celery

_here = threading.local()


def make(broker: str, database: str) -> Celery:
    """The application over `broker`; a task is acknowledged when it is done, as one does not lose a reminder."""
    app = Celery("bench", broker=broker)
    app.conf.update(task_acks_late=True, worker_prefetch_multiplier=16, task_ignore_result=True)

    def remind(number: int) -> None:
        if not hasattr(_here, "connection"):
            _here.connection = psycopg.connect(database, autocommit=True)
        _here.connection.execute("INSERT INTO sent VALUES (%s, now())", (number,))

    app.task(name="bench.remind")(remind)
    return app


if "BENCH_BROKER" in os.environ:
    app = make(os.environ["BENCH_BROKER"], os.environ["BENCH_DATABASE"])
