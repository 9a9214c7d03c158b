"""A rehearsal: the whole study on a virtual clock, through the real code and the simulator, in one process.

Made-up patients answer, forget and fall ill; made-up doctors sleep; the carrier and the process fail. Everything that
happens hangs on one seed, so the same seed gives the same report. Crashes are exceptions at the named steps of
`service/killpoints.py`; real kills belong to the chaos tests.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from service import killpoints, tick
from service.app import create_app, create_runtime
from service.carriers import carriers_from
from service.clock import StillClock
from service.config import Config
from service.demo import seed
from service.demo.inprocess import Answer, InProcessTwilioHttpClient, call
from service.demo.sim_state import Faults
from service.demo.simulator import Simulator, create_simulator
from service.migrate import upgrade
from service.rehearsal_patients import PatientPlayer
from service.rehearsal_people import Ana, Doctor
from service.rehearsal_report import report
from service.sender import Sender
from service.worker import poll

START = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
ZONE = ZoneInfo(seed.ZONE)
PUBLIC, ACCOUNT, TOKEN = "https://rehearsal.invalid", "AC" + "0" * 32, "rehearsal"
FROM, PAGE_FROM = "+5516330000001", "+5516330000002"
POLL = timedelta(hours=6)
AT_START = timedelta(minutes=1)
DAILY = timedelta(days=1)
CARRIER_FAULTS = ("down", "http_500", "http_429", "lose_answer", "silent", "no_callbacks", "double", "reverse")
FAULTS = ("none", "carrier", "crash", "all")
Done = TypeVar("Done")


class Crash(BaseException):
    """The process dies here. Not an Exception, so that nothing catches it by mistake."""


@dataclass
class Rehearsal:
    """One run. `run()` gives the report as a JSON-able dict."""

    patients: int
    days: int
    seed: int
    faults: str = "none"
    events: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    fevers: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, str] = field(default_factory=dict)  # the carrier's id of a page -> what came of it
    crashes: int = 0
    faulty_hours: int = 0

    def run(self) -> dict[str, Any]:
        """Play the whole study; ValueError for faults that do not exist."""
        if self.faults not in FAULTS:
            raise ValueError(f"faults: {self.faults!r} is not one of {', '.join(FAULTS)}")
        os.environ["VIGILIA_SQLITE_SYNCHRONOUS"] = "OFF"  # its database is thrown away
        with tempfile.TemporaryDirectory(prefix="vigilia-rehearsal-") as folder:
            self._set_up(Path(folder))
            often = gc.get_threshold()
            gc.set_threshold(100_000, 20, 50)  # a tenth of the time went to looking through what is young
            try:
                self._play()
                return report(self)
            finally:
                gc.set_threshold(*often)
                killpoints.hook = None
                self.runtime.db.close()

    def _set_up(self, folder: Path) -> None:
        self.dice = random.Random(self.seed)
        self.order = itertools.count()
        self.clock = StillClock(START)
        self.end = START + timedelta(days=self.days)
        config = Config(
            database_url=f"sqlite:///{folder / 'rehearsal.db'}",
            secret_key="a rehearsal keeps no secrets at all",
            public_url=PUBLIC,
            twilio_account_sid=ACCOUNT,
            twilio_auth_token=TOKEN,
            twilio_from=FROM,
            twilio_page_from=PAGE_FROM,
        )
        self.simulator = Simulator(ACCOUNT, TOKEN, public_url=PUBLIC, now=self.clock.now)
        for sender in (FROM, PAGE_FROM):
            self.simulator.own(sender, sms_url=f"{PUBLIC}/webhooks/twilio/sms")
        carriers = carriers_from(config, http_client=InProcessTwilioHttpClient(create_simulator(self.simulator)))
        self.runtime = create_runtime(config, clock=self.clock, carriers=carriers)
        upgrade(self.runtime.db.engine)
        self.app = create_app(config, runtime=self.runtime)
        self.simulator.wire(self.app)
        self.sender = Sender(self.runtime)
        with self.runtime.db.unit_of_work() as session:
            seed.seed_study(session, now=START)
        self.read = self.rung = 0
        self.players: dict[str, Any] = {}
        for person in (seed.REIS, seed.LIMA, seed.PRADO, seed.MOTA, seed.BIA):
            self.players[person.phone] = Doctor(self, person)
        self.simulator.desk.machines |= {person.phone for person in (seed.LIMA, seed.PRADO)}
        self.ana = Ana(self)
        for number in range(1, self.patients + 1):
            self._enrol(number)
        self.at(START + POLL, self._poll)
        self.at(START + timedelta(hours=3), self._daily)
        if self.faults in ("carrier", "all"):
            self.at(START + timedelta(hours=self.dice.randint(30, 90)), self._carrier_fails)
        if self.faults in ("crash", "all"):
            killpoints.hook = self._maybe_crash

    def _enrol(self, number: int) -> None:
        code, phone = f"P-{number:03d}", f"+5516992{number:06d}"
        day = START.astimezone(ZONE).date()
        with self.runtime.db.unit_of_work() as session:
            patient = seed.enrol(session, code, on=day, now=START, phone=phone)
            player = PatientPlayer(self, patient.id, code, phone)
        self.players[phone] = player
        player.plan_fevers()

    # --- the course of time

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def at(self, when: datetime, do: Callable[[], None]) -> None:
        """Something a person does, or that befalls, at a moment."""
        heapq.heappush(self.events, (when, next(self.order), do))

    def _play(self) -> None:
        due = self._settle()
        while self.now < self.end:
            moments = [self.end] + ([due] if due else []) + ([self.events[0][0]] if self.events else [])
            moment = min(moments)
            self.clock.move_to(moment if moment > self.now else self.now + timedelta(seconds=1))
            while self.events and self.events[0][0] <= self.now:
                self._survive(heapq.heappop(self.events)[2])
            due = self._settle()
        killpoints.hook = None
        self.simulator.faults = Faults()
        for _ in range(8):  # what was under way at the end comes to its end
            self.clock.advance(timedelta(minutes=10))
            self._poll(again=False)
            self._settle()
        tick.seal(self.runtime)

    def _settle(self) -> datetime | None:
        """Everything that is due now; when the next thing is."""
        settled = self._survive(lambda: tick.settle(self.runtime, self.sender, self._pump))
        if settled is not None:
            return settled[1]
        self._pump()
        return tick.next_due(self.runtime)

    def _survive(self, do: Callable[[], Done]) -> Done | None:
        """Do it; a crash ends the process' memory, not the study: the next one takes over from the database."""
        try:
            return do()
        except Crash:
            self.crashes += 1
            self.sender = Sender(self.runtime)
            self.runtime.backed_off.clear()
            self.at(self.now + AT_START, lambda: self._poll(again=False))  # the new process reads the carrier's list
            return None

    def _pump(self) -> int:
        done = self.simulator.deliver()
        while self.read < len(self.simulator.texts):
            text = self.simulator.texts[self.read]
            self.read += 1
            player = self.players.get(text.to)
            if player is not None and text.status in ("delivered", "sent", "queued", "accepted"):
                player.gets(text)
        new = len(self.simulator.desk.calls) - self.rung
        for call_ in self.simulator.calls[self.rung :] if new else ():
            self.rung += 1
            if call_.to in self.players:
                self.players[call_.to].rings(call_)
        return done

    def says(self, number: str, body: str) -> str:
        """A person types a text; the carrier's id of it. A crash in between loses the webhook, not the text."""
        before = len(self.simulator.inbound)
        self._survive(lambda: self.simulator.receive(number, FROM, body))
        return self.simulator.inbound[before].sid

    def asks(self, method: str, path: str, body: bytes = b"", kind: str = "", headers: Any = None) -> Answer:
        """A phone's browser or app asks our web server."""
        url = path if path.startswith("http") else PUBLIC + path
        return call(self.app, method, url, body=body, kind=kind, headers=headers)

    # --- what befalls

    def _poll(self, again: bool = True) -> None:
        if again:
            self.at(self.now + POLL, self._poll)
        poll(self.runtime)

    def _daily(self) -> None:
        self.at(self.now + DAILY, self._daily)
        tick.seal(self.runtime)
        self.ana.plan_day()

    def _carrier_fails(self) -> None:
        """For some minutes or hours the carrier has one of its bad times."""
        kind = self.dice.choice(CARRIER_FAULTS)
        faults = Faults()
        counted = kind in ("http_500", "http_429", "lose_answer")
        setattr(faults, kind, self.dice.randint(1, 6) if counted else True)
        self.simulator.faults = faults
        lasts = timedelta(minutes=self.dice.randint(3, 45))
        self.faulty_hours += 1
        self.at(self.now + lasts, self._carrier_mends)

    def _carrier_mends(self) -> None:
        self.simulator.faults = Faults()
        self.at(self.now + timedelta(hours=self.dice.randint(20, 90)), self._carrier_fails)

    def _maybe_crash(self, _point: str) -> None:
        if self.dice.random() < 0.0004:
            raise Crash
