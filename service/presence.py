"""A sender's death, seen at once: on PostgreSQL its lock drops with its connection, on SQLite its process is gone.

Where a death cannot be seen, the leases of the dead end by themselves.
"""

from __future__ import annotations

import os
import socket
import zlib

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.db import Database
from service.models import Message

SPACE = 7265  # of our advisory locks
PRESENT = "lane"  # claimers with this beginning hold a presence; others (a drain in a test) do not


def _key(claimer: str) -> int:
    return zlib.crc32(claimer.encode()) - 2**31


class Presence:
    """Holds the lock that says that `claimer` lives, on a connection of its own."""

    def __init__(self, db: Database, claimer: str) -> None:
        self._db, self._claimer = db, claimer
        self._connection: Connection | None = None

    def keep(self) -> None:
        """Take the lock, or take it again after the database was away. Raises what the database raises."""
        if self._db.is_sqlite:
            return
        try:
            if self._connection is not None:
                self._connection.exec_driver_sql("SELECT 1")
                return
            self._connection = self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.execute(text("SELECT pg_advisory_lock(:space, :key)"), self._lock())
        except DBAPIError:
            self.leave()
            raise

    def leave(self) -> None:
        """Let go."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _lock(self) -> dict[str, int]:
        return {"space": SPACE, "key": _key(self._claimer)}


def dead_claimers(session: Session) -> list[str]:
    """Senders that hold claims and are known to be dead."""
    found = session.scalars(select(Message.claimer).where(text("message.status = 'claimed'")).distinct())
    claimers = [one for one in found if one is not None and one.startswith(PRESENT)]
    if session.get_bind().dialect.name == "postgresql":
        return [one for one in claimers if _lock_is_free(session, one)]
    return [one for one in claimers if _process_is_gone(one)]


def _lock_is_free(session: Session, claimer: str) -> bool:
    taken = session.scalar(
        text("SELECT pg_try_advisory_xact_lock(:space, :key)"), {"space": SPACE, "key": _key(claimer)}
    )
    return bool(taken)


def _process_is_gone(claimer: str) -> bool:
    """`claimer` is "part@machine:process:random"."""
    _, _, place = claimer.partition("@")
    machine, process, _ = place.split(":")
    if machine != socket.gethostname() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
