"""The working process: it ticks, sends, polls, seals, watches. As many of them as you like on PostgreSQL."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from types import FrameType

from sqlalchemy.exc import DBAPIError

from notifications.carriers.base import CarrierError
from notifications.carriers.twilio import TwilioCarrier
from notifications.message import Channel
from service import hook_sender
from service.killpoints import reach
from service.lanes import Lane
from service.listener import Listener
from service.logs import get_logger
from service.presence import Presence, dead_claimers
from service.receive import read
from service.runtime import Runtime
from service.scheduler import Scheduler
from service.sender import Sender, claimer_name
from service.tick import run_tick, seal
from service.use_cases import polling, workers
from service.watchdog import Watchdog

log = get_logger("worker")
TICK, SEAL, BEAT, WATCH = 1, 5, 5, 60
STOP_SECONDS = 20
TOLD = 0.2  # seconds after which it is looked whether it was told to end
SWITCH = 0.001  # seconds after which a busy thread lets a page's thread run; Python's own default is five times that


class Worker:
    """Everything that works in the background, in threads of this process. `start`, later `stop`."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        config = runtime.config
        self.lanes = (
            Lane(runtime, "pages", threads=config.page_threads, wake=runtime.page_waits),
            Lane(runtime, "bulk", threads=config.send_threads, wake=runtime.text_waits),
        )
        self.scheduler = Scheduler()
        self._listener = Listener(runtime.db, runtime.page_waits)
        self._presences = [Presence(runtime.db, lane.sender.claimer) for lane in self.lanes]
        self._reconciler = Sender(runtime, claimer_name("reconcile"))
        self._place = f"{socket.gethostname()}:{os.getpid()}"
        self._ended = threading.Event()

    def start(self) -> None:
        """Take presence, start the lanes, and tick."""
        sys.setswitchinterval(min(SWITCH, sys.getswitchinterval()))
        for presence in self._presences:
            presence.keep()
        for lane in self.lanes:
            lane.start()
        self._listener.start()
        every = self.scheduler.every
        every(TICK, "tick", lambda: run_tick(self.runtime))
        every(TICK, "reconcile", self.reconcile)
        every(SEAL, "seal", lambda: seal(self.runtime))
        every(SEAL, "webhooks", lambda: hook_sender.run(self.runtime, stopping=self._ended.is_set))
        every(BEAT, "beat", self.beat)
        if self.runtime.config.poll_seconds:
            every(self.runtime.config.poll_seconds, "poll", self.poll)
        watchdog = Watchdog(self.runtime)
        every(WATCH, "watch", watchdog.look, at_once=False)  # after the first signs of life
        self.scheduler.start()
        log.info("worker_started", place=self._place, database=self.runtime.db.engine.dialect.name)

    def stop(self) -> None:
        """Finish what is under way, hand back the rest, say goodbye."""
        self._ended.set()
        self.scheduler.stop()
        for lane in self.lanes:
            lane.ask_to_stop()
        ended = [lane.join(STOP_SECONDS) for lane in self.lanes]
        self._listener.stop()
        for presence in self._presences:
            presence.leave()
        try:
            with self.runtime.db.unit_of_work() as session:
                workers.stop(session, [self._name(kind) for kind in ("scheduler", *self._lane_kinds())])
        except DBAPIError as error:
            log.warning("no_goodbye", error=type(error).__name__)
        log.info("worker_stopped", place=self._place, clean=all(ended))

    def run_until_told(self) -> int:
        """Work until SIGTERM or SIGINT; the exit status, 1 when a part of it died."""

        asked: list[int] = []

        def told(number: int, _frame: FrameType | None) -> None:
            asked.append(number)  # not the event: the signal may come while this very thread holds the event's lock

        signal.signal(signal.SIGTERM, told)
        signal.signal(signal.SIGINT, told)
        self.start()
        broken = False
        while not (asked or broken or self._ended.wait(TOLD)):
            broken = not self.alive
        if broken:
            log.error("part_of_worker_died", place=self._place)
        self.stop()
        return 1 if broken else 0

    @property
    def alive(self) -> bool:
        return self.scheduler.alive and all(lane.alive for lane in self.lanes)

    def reconcile(self) -> int:
        """Free the claims of the dead, look up what is unknown."""
        with self.runtime.db.reading() as session:
            dead = set(dead_claimers(session)) - {lane.sender.claimer for lane in self.lanes}
        return self._reconciler.reconcile(dead)

    def beat(self) -> None:
        """Say which parts live; keep the locks that say so to the other workers."""
        for presence in self._presences:
            presence.keep()
        machine_now = self.runtime.clock.machine()
        with self.runtime.db.unit_of_work() as session:
            workers.beat(session, name=self._name("scheduler"), kind="scheduler", machine_now=machine_now)
            for lane, kind in zip(self.lanes, self._lane_kinds(), strict=True):
                if lane.alive:
                    workers.beat(session, name=self._name(kind), kind=kind, machine_now=machine_now)
            workers.forget(session, machine_now=machine_now)

    def _lane_kinds(self) -> list[str]:
        return [f"lane:{lane.lane}" for lane in self.lanes]

    def _name(self, kind: str) -> str:
        return f"{kind}@{self._place}"

    def poll(self) -> int:
        """Find the texts that never reached our webhook; how many."""
        return poll(self.runtime)


def poll(runtime: Runtime) -> int:
    """Read the carrier's list of inbound texts of the last day, keep and read what is new; how many."""
    carrier = runtime.carriers.get(Channel.SMS)
    if not isinstance(carrier, TwilioCarrier):
        return 0
    try:
        listed = carrier.list_inbound(polling.since(runtime.clock.now()))
    except CarrierError as error:
        log.warning("poll_failed", error=type(error).__name__)
        return 0
    reach("polled")
    with runtime.db.reading() as session:
        missing = polling.missing(session, listed)
    found = 0
    for one in missing:
        try:
            with runtime.db.unit_of_work() as session:
                inbound_id = polling.store(session, one, now=runtime.clock.now())
            if inbound_id is not None:
                found += 1
                read(runtime, inbound_id)
        except Exception as error:  # one text must not keep those after it from being heard; it is tried again
            log.error("polled_text_failed", provider_id=one.provider_id, error=type(error).__name__)
    return found
