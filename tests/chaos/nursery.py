"""Bears worker and web processes quickly: all is imported and compiled once, each child is a fork.

Reads one JSON object a line: {"kind": "worker" | "web", "config": {...}, "offset": seconds, "kill_at": "", "port": 0},
and answers the child's process id. {"kind": "ends"} answers how those ended that have died since it was asked last:
{process: exit status, minus the signal that killed it}. Ends with its input.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from datetime import datetime, timedelta
from typing import Any

from service import killpoints, tick
from service.api import webhooks  # noqa: F401  (imported for the children)
from service.app import create_app, create_runtime
from service.carriers import carriers_from
from service.clock import MovableClock
from service.config import Config
from service.logs import configure_logs
from service.models import Patient
from service.presence import Presence, dead_claimers
from service.runtime import Runtime
from service.use_cases import outbox, outbox_claim, outbox_record, outbox_unknown, workers
from service.use_cases.compose import compose
from service.use_cases.outbox_record import Taken
from service.worker import Worker


class JumpingClock(MovableClock):
    """Its machine clock jumps an hour on SIGUSR1 and back on SIGUSR2, as a wrong time server makes it."""

    ahead = timedelta()

    def machine(self) -> datetime:
        return super().machine() + self.ahead

    def jump(self, signum: int, _: Any) -> None:
        self.ahead += timedelta(hours=1 if signum == signal.SIGUSR1 else -1)


def main() -> None:
    """Serve until standard input closes."""
    ends: dict[int, int] = {}

    def bury(_signum: int, _frame: Any) -> None:
        """The dead leave at once, so that their absence shows."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            ends[process] = os.waitstatus_to_exitcode(status)

    signal.signal(signal.SIGCHLD, bury)
    outbox_unknown.GIVE_UP_AFTER = {True: timedelta(seconds=1), False: timedelta(seconds=2)}
    outbox_unknown.LOOK_AGAIN = timedelta(seconds=0.5)
    outbox_record.BULK = outbox_record.PAGES
    configure_logs(as_json=True)
    ready = Ready()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if order["kind"] == "ends":
            told, ends = ends, {}
            print(json.dumps(told), flush=True)
            continue
        runtime = ready.runtime(order["config"], order["offset"])
        child = os.fork()
        if child == 0:
            sys.stdin.close()
            status = 1
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.environ["VIGILIA_KILL_AT"] = order["kill_at"]
                importlib.reload(killpoints)  # `reach` reads the module's globals, which are new now
                status = live(runtime, order["kind"], order["port"])
            finally:
                os._exit(status)
        print(child, flush=True)


class Ready:
    """The runtime of the last order, warm: it has sent a message once, in a transaction that was taken back."""

    def __init__(self) -> None:
        self._config: dict[str, Any] = {}
        self._made: Runtime | None = None

    def runtime(self, config: dict[str, Any], offset: float) -> Runtime:
        if self._made is None or config != self._config:
            self._config = config
            self._made = create_runtime(Config(**config))
            warm(self._made)
            self._made.db.close()
            gc.collect()
            gc.freeze()
        self._made.clock = JumpingClock(timedelta(seconds=offset))
        return self._made


def warm(runtime: Runtime) -> None:
    """Compile what a worker says to its database, and write a text."""
    now, machine_now = runtime.clock.now(), runtime.clock.machine()
    with runtime.db._write() as session, session.begin() as transaction:
        for patient in session.query(Patient).limit(1):
            common: dict[str, Any] = {"now": now, "kind": "reminder", "template": "weekly", "fields": {"url": "/"}}
            outbox.enqueue(session, dedupe="warm", patient=patient, lane="warm", **common)
            claimed, _ = outbox_claim.claim_due(
                session, lane="warm", limit=1, claimer="warm", now=now, machine_now=machine_now, lease_seconds=9,
                daily_cap=9,
            )  # fmt: skip
            for one in claimed:
                compose(runtime.renderer, one, public_url="", approved={})
                taken = Taken(one, "SM", outbox_record.DeliveryStatus.ACCEPTED)
                outbox_record.taken(session, [taken], now=now, machine_now=machine_now)
        workers.beat(session, name="warm", kind="warm", machine_now=machine_now)
        session.flush()
        workers.forget(session, machine_now=machine_now)
        dead_claimers(session)
        outbox_unknown.lose_leases(session, machine_now=machine_now, limit=0)
        outbox_unknown.to_look_up(session, machine_now=machine_now, limit=0)
        transaction.rollback()
    tick.run_tick(runtime, limit=0)
    presence = Presence(runtime.db, "warm")
    presence.keep()
    presence.leave()


def live(runtime: Runtime, kind: str, port: int) -> int:
    """A child's life."""
    clock = runtime.clock
    assert isinstance(clock, JumpingClock)
    signal.signal(signal.SIGUSR1, clock.jump)
    signal.signal(signal.SIGUSR2, clock.jump)
    runtime.db.engine.dispose(close=False)
    runtime.carriers = carriers_from(runtime.config)
    if kind == "worker":
        return Worker(runtime).run_until_told()
    if kind == "faint worker":
        worker = Worker(runtime)
        signal.signal(signal.SIGUSR1, lambda *_: faint(worker))
        return worker.run_until_told()
    from werkzeug.serving import make_server

    make_server("127.0.0.1", port, create_app(runtime.config, runtime=runtime), threaded=True).serve_forever()
    return 0


def faint(worker: Worker) -> None:
    """Its scheduler's thread dies, and nobody is told."""
    inner = worker.scheduler._scheduler

    def die(*_: Any) -> None:
        raise SystemExit

    inner._process_jobs = die
    inner.wakeup()


if __name__ == "__main__":
    main()
