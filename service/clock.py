"""The only place that reads the time. Two clocks.

The *study clock* (`now`) decides what is due; demo, tests and rehearsal move it. The *machine clock*
(`machine`, `monotonic`) measures leases, heartbeats and time-outs and is never moved: a study day that passes in a
second must not expire a lease.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """The real clock: study time is machine time."""

    def now(self) -> datetime:
        """The study's time, aware, UTC."""
        return datetime.now(UTC)

    def machine(self) -> datetime:
        """The machine's time, aware, UTC. For leases and heartbeats."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back. For time-outs within a process."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait so many machine seconds."""
        time.sleep(seconds)


class MovableClock(Clock):
    """A study clock that runs at machine speed from wherever it was put (the demo)."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return datetime.now(UTC) + self._offset

    def move_to(self, at: datetime) -> None:
        """Put the study clock to `at` (aware); it never goes back."""
        with self._lock:
            self._offset = max(self._offset, at - datetime.now(UTC))

    def advance(self, by: timedelta) -> None:
        """Move the study clock on."""
        self.move_to(self.now() + by)


class StillClock(Clock):
    """Stands still until it is moved (tests, rehearsal). Its machine clock is set apart with `machine_at`."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("at: a time without a zone; give an aware one")
        self._now = at.astimezone(UTC)
        self.machine_at: datetime = self._now

    def now(self) -> datetime:
        return self._now

    def machine(self) -> datetime:
        return self.machine_at

    def monotonic(self) -> float:
        return self.machine_at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.machine_at += timedelta(seconds=seconds)

    def move_to(self, at: datetime) -> None:
        """Put both clocks to `at`; neither goes back."""
        at = at.astimezone(UTC)
        self.machine_at += max(at - self._now, timedelta())
        self._now = max(self._now, at)

    def advance(self, by: timedelta) -> None:
        """Move both clocks on."""
        self.move_to(self._now + by)
