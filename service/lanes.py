"""The sending lanes: one thread that claims and records in batches, many that call the carrier.

A lane claims no more than it has free threads, so that a claim is sent at once and its fence holds. The
bulk lane claims half as many again while its carrier is quick, so that no thread waits for the database between two
messages, and notes and claims in one commit fifty times a second at most: pages share its disk and processor.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue

from notifications.message import DeliveryStatus
from service import telemetry
from service.logs import get_logger
from service.runtime import Runtime
from service.sender import Sender, Ticket, claimer_name
from service.use_cases.outbox import PAGES
from service.use_cases.outbox_record import Result, Taken, Unwanted

log = get_logger("lanes")
IDLE = 0.5  # seconds between looks when nothing wakes the lane
AFTER_FAULT = 1.0
BREATH = 0.02  # seconds the bulk lane gathers answers for
SLOW = 1.0  # seconds; a carrier that takes longer gets nothing that was claimed ahead


class Lane:
    """One lane of one process. `start`, then `stop`, which hands back what was not sent."""

    def __init__(
        self, runtime: Runtime, lane: str, *, threads: int, wake: threading.Event
    ) -> None:
        self.lane = lane
        self.sender = Sender(runtime, claimer_name(f"lane.{lane}"))
        self._threads, self._wake = threads, wake
        self._ahead, self._breath = (0, 0.0) if lane == PAGES else (threads // 2, BREATH)
        self._slow = False
        self._done: SimpleQueue[Result | None] = SimpleQueue()  # None: noted already
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
                moved = self._turn()
            except Exception as error:  # the database is away: what was answered is kept and recorded later
                log.warning("lane_fault", lane=self.lane, error=type(error).__name__)
                self._stopping.wait(AFTER_FAULT)
                continue
            if self._stopping.is_set() and not self._in_flight:
                return
            if not moved:
                self._wake.wait(IDLE)
            self._stopping.wait(self._breath)

    def _turn(self) -> int:
        """Note what was answered, claim, hand out; how many messages moved."""
        collected, tickets, ended = self._collect(), list[Ticket](), 0
        try:
            if self.lane == PAGES:
                tickets, ended = self.sender.claim(self.lane, self._free())
            else:
                tickets, ended = self.sender.exchange(self._unrecorded, self.lane, self._free())
                self._noted([one for one in self._unrecorded if not isinstance(one, Taken)])
            self._hand_out(tickets)
        finally:  # a row that cannot be claimed must not keep others from being noted as sent
            self.sender.record(self._unrecorded)
            self._noted([])
        return collected + len(tickets) + ended

    def _collect(self) -> int:
        collected = 0
        while True:
            try:
                result = self._done.get_nowait()
            except Empty:
                return collected
            collected += 1
            if result is None:
                self._in_flight -= 1
            else:
                self._unrecorded.append(result)

    def _noted(self, left: list[Result]) -> None:
        self._in_flight -= len(self._unrecorded) - len(left)
        self._unrecorded = left
        telemetry.IN_FLIGHT.labels(self.lane).set(self._in_flight)

    def _free(self) -> int:
        if self._stopping.is_set():
            return 0
        waiting = self._in_flight - len(self._unrecorded)
        return max(self._threads + (0 if self._slow else self._ahead) - waiting, 0)

    def _hand_out(self, tickets: list[Ticket]) -> None:
        self._in_flight += len(tickets)
        telemetry.IN_FLIGHT.labels(self.lane).set(self._in_flight)
        for ticket in tickets:
            self._pool.submit(self._send, ticket)

    def _send(self, ticket: Ticket) -> None:
        if self._stopping.is_set():
            message, reason = ticket.message, "handed back: its worker was told to end"
            result: Result = Unwanted(message, DeliveryStatus.READY, reason, message.due_at)
        else:
            clock = self.sender.runtime.clock
            began = clock.monotonic()
            result = self.sender.deliver(ticket)
            self._slow = clock.monotonic() - began > SLOW
        self._done.put(None if self.lane == PAGES and self._note(result) else result)
        self._wake.set()

    def _note(self, result: Result) -> bool:
        """Record one page from its own thread, so that the lane can claim the next; False: the lane tries again."""
        try:
            self.sender.record([result])
        except Exception as error:
            log.warning("not_noted", lane=self.lane, error=type(error).__name__)
            return False
        return True
