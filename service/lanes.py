"""The sending lanes: one thread that claims and records in batches, many that call the carrier.

A lane claims no more than it has free threads (and tokens), so that a claim is sent at once and its fence holds.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from notifications.message import DeliveryStatus
from service import telemetry
from service.clock import Clock
from service.logs import get_logger
from service.runtime import Runtime
from service.sender import Sender, Ticket, claimer_name
from service.use_cases.outbox_record import Result, Unwanted

log = get_logger("lanes")
IDLE = 0.5  # seconds between looks when nothing wakes the lane
AFTER_FAULT = 1.0


class TokenBucket:
    """At most `rate` a second, in bursts of one second's worth; 0: no limit."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self._rate, self._clock = rate, clock
        self._tokens, self._at = float(rate), clock.monotonic()

    def available(self, wanted: int) -> int:
        """How many of `wanted` may go now."""
        if not self._rate:
            return wanted
        now = self._clock.monotonic()
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return min(wanted, int(self._tokens))

    def take(self, number: int) -> None:
        """So many go."""
        if self._rate:
            self._tokens -= number


class Lane:
    """One lane of one process. `start`, then `stop`, which hands back what was not sent."""

    def __init__(
        self, runtime: Runtime, lane: str, *, threads: int, wake: threading.Event
    ) -> None:
        self.lane = lane
        self.sender = Sender(runtime, claimer_name(f"lane.{lane}"))
        self._threads, self._wake = threads, wake
        self._bucket = TokenBucket(runtime.config.messages_per_second, runtime.clock)
        self._done: SimpleQueue[Result] = SimpleQueue()
        self._unrecorded: list[Result] = []
        self._in_flight = 0
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"send-{lane}")
        self._thread = threading.Thread(target=self._run, name=f"lane-{lane}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Claim no more; what is under way is sent and recorded."""
        self._stopping.set()
        self._wake.set()

    def join(self, timeout: float) -> bool:
        """Whether the lane has ended in time."""
        self._thread.join(timeout)
        self._pool.shutdown(wait=False, cancel_futures=True)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                moved = self._collect()
                self._record()
                if self._stopping.is_set():
                    if not self._in_flight:
                        return
                else:
                    moved += self._claim()
            except Exception as error:  # the database is away: what was answered is kept and recorded later
                log.warning("lane_fault", lane=self.lane, error=type(error).__name__)
                self._stopping.wait(AFTER_FAULT)
                continue
            if not moved:
                self._wake.wait(IDLE)

    def _collect(self) -> int:
        collected = 0
        while True:
            try:
                self._unrecorded.append(self._done.get_nowait())
            except Empty:
                return collected
            collected += 1

    def _record(self) -> None:
        if not self._unrecorded:
            return
        self.sender.record(self._unrecorded)
        self._in_flight -= len(self._unrecorded)
        self._unrecorded.clear()
        telemetry.IN_FLIGHT.labels(self.lane).set(self._in_flight)

    def _claim(self) -> int:
        free = self._bucket.available(self._threads - self._in_flight)
        if free <= 0:
            return 0
        tickets, ended = self.sender.claim(self.lane, free)
        self._bucket.take(len(tickets))
        self._in_flight += len(tickets)
        telemetry.IN_FLIGHT.labels(self.lane).set(self._in_flight)
        for ticket in tickets:
            self._pool.submit(self._send, ticket)
        return len(tickets) + ended

    def _send(self, ticket: Ticket) -> None:
        if self._stopping.is_set():
            message, reason = ticket.message, "handed back: its worker was told to end"
            result: Result = Unwanted(message, DeliveryStatus.READY, reason, message.due_at)
        else:
            result = self.sender.deliver(ticket)
        self._done.put(result)
        self._wake.set()
