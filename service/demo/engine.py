"""The demo's worker: it ticks, sends, lets the simulated carrier deliver, and moves the study clock when it
is told to."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifications.carriers.base import SendResult
from notifications.message import DeliveryStatus, OutboundMessage
from service import tick
from service.clock import MovableClock, StillClock
from service.demo.simulator import Simulator
from service.logs import get_logger
from service.runtime import Runtime
from service.sender import Sender
from service.use_cases import workers

log = get_logger("demo")
PAUSE = 0.25  # seconds of machine time between two looks at what is due
STEP = timedelta(hours=6)
KINDS = ("scheduler", "lane:pages", "lane:bulk")


@dataclass(frozen=True)
class Progress:
    """What the demo is busy with: a label, and the study time it runs to."""

    label: str
    until: datetime | None


@dataclass(frozen=True)
class Job:
    label: str
    run: Callable[[], None]


class Mailbox:
    """The demo's email carrier: it keeps what it is given."""

    def __init__(self) -> None:
        self.letters: list[OutboundMessage] = []

    def send(self, message: OutboundMessage) -> SendResult:
        """Always taken."""
        self.letters.append(message)
        return SendResult(f"letter-{len(self.letters)}", DeliveryStatus.SENT)


class Engine:
    """One thread that does everything that is due, in order, so that a demo runs the same way twice.

    `act` is called after each step (the made-up people answer) and says how much it did. Without `start()`
    the owner
    calls `do` and `settle` itself.
    """

    def __init__(self, runtime: Runtime, simulator: Simulator, act: Callable[[], int] | None = None) -> None:
        self.runtime, self.simulator = runtime, simulator
        self.sender = Sender(runtime)
        self.act = act or (lambda: 0)
        self.progress: Progress | None = None
        self.moves: list[tuple[datetime, str]] = []
        self._jobs: queue.Queue[Job] = queue.Queue()
        self._wake = threading.Event()
        self._cancel = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    # --- the thread

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="demo", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._ending.set()
        self._cancel.set()
        self._wake.set()
        if self._thread:
            self._thread.join(30)

    def wake(self) -> None:
        """Something was committed: look now."""
        self._wake.set()

    def cancel(self) -> None:
        """Stop the running job at its next step."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether the running job was told to end."""
        return self._cancel.is_set()

    def submit(self, label: str, run: Callable[[], None]) -> None:
        """Do `run` in the engine's thread; at once where no thread runs."""
        if self._thread is None:
            self.do(Job(label, run))
        else:
            self._jobs.put(Job(label, run))
            self._wake.set()

    @property
    def waiting(self) -> list[str]:
        """The labels of the jobs that come after the running one."""
        return [job.label for job in list(self._jobs.queue)]

    def do(self, job: Job) -> None:
        """One job, to its end."""
        self._cancel.clear()
        self.progress = Progress(job.label, None)
        try:
            job.run()
            self.settle()
        finally:
            self.progress = None

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                self._beat()
                self.settle()
                self.do(self._jobs.get_nowait())
                continue
            except queue.Empty:
                pass
            except Exception as error:  # the demo goes on; what failed is in the log
                log.exception("demo_failed", error=type(error).__name__)
            self._wake.wait(PAUSE)
            self._wake.clear()

    def _beat(self) -> None:
        with self.runtime.db.unit_of_work() as session:
            machine_now = self.runtime.clock.machine()
            for kind in KINDS:
                workers.beat(session, name=f"demo:{kind}", kind=kind, machine_now=machine_now)

    # --- time

    @property
    def clock(self) -> MovableClock | StillClock:
        clock = self.runtime.clock
        if not isinstance(clock, (MovableClock, StillClock)):
            raise TypeError("the demo needs a clock that moves")
        return clock

    def settle(self) -> int:
        """Everything that is due now, and what the made-up people answer to it; how much was done."""
        total = 0
        for _ in range(200):
            done = (
                tick.run_tick(self.runtime).handled
                + self.sender.drain()
                + self.simulator.deliver()
                + self.act()
            )
            total += done
            if not done:
                break
        return total

    def advance_to(self, until: datetime) -> None:
        """Move the study clock to `until`, stepping through each due thing in order; `cancel()` ends it
        early."""
        label = self.progress.label if self.progress else ""
        self.settle()
        while not self._cancel.is_set():
            now = self.clock.now()
            if now >= until:
                break
            self.progress = Progress(label, until)
            due = tick.next_due(self.runtime)
            target = min(until, max(due, now) if due else until, now + STEP)
            if target <= now:  # a row that raised stays due and is tried again later
                target = min(until, now + timedelta(seconds=1))
            self.clock.move_to(target)
            self.settle()

    def advance(self, by: timedelta) -> None:
        """Move the study clock on by so much."""
        self.advance_to(self.clock.now() + by)

    def next_event(self) -> None:
        """To the moment when the next thing is due."""
        due = tick.next_due(self.runtime)
        if due is not None:
            self.advance_to(due)

    def note(self, what: str) -> None:
        """Remember, for the page, that somebody moved the clock or played a story."""
        self.moves.append((self.clock.now(), what))
