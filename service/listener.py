"""Wakes this process' pages lane when another process commits a page (PostgreSQL; it also looks by itself)."""

from __future__ import annotations

import threading
from typing import Any

from service.db import Database
from service.logs import get_logger
from service.use_cases.outbox import NOTIFY

log = get_logger("listener")
AGAIN = 1.0


class Listener:
    """A thread with a connection of its own that listens, and connects again whenever the database was away."""

    def __init__(self, db: Database, wake: threading.Event) -> None:
        self._db, self._wake = db, wake
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        if not self._db.is_sqlite:
            self._thread.start()

    def stop(self, timeout: float = 3.0) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:
                log.warning("listener_fault", error=type(error).__name__)
                self._stopping.wait(AGAIN)

    def _listen(self) -> None:
        connection = self._db.engine.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()  # not the pool's any more: it stays open as long as we listen
        try:
            driver.autocommit = True
            driver.execute(f"LISTEN {NOTIFY}")
            self._wake.set()  # what was told while nobody listened
            while not self._stopping.is_set():
                for _ in driver.notifies(timeout=1.0, stop_after=1):
                    self._wake.set()
        finally:
            driver.close()
