"""The job that APScheduler's store names: it notes each reminder as sent in PostgreSQL."""

from __future__ import annotations

import threading

import psycopg

database = ""
_here = threading.local()


def remind(number: int) -> None:
    """Note one reminder, over a connection of the thread's own."""
    if not hasattr(_here, "connection"):
        _here.connection = psycopg.connect(database, autocommit=True)
    _here.connection.execute("INSERT INTO sent VALUES (%s, now())", (number,))
