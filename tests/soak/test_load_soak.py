"""Load: real workers send at a steady rate for long, and a burst all at once, while fevers come. Nothing is lost,
nothing leaves twice, and how late everything was is printed.

VIGILIA_TEST_MINUTES (30), VIGILIA_TEST_RATE (messages a second; 200 on PostgreSQL, 50 on SQLite), VIGILIA_TEST_WORKERS
(2; 1 on SQLite). VIGILIA_TEST_DURABLE=1 makes the test databases keep what they commit, as in production.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from service.clock import Clock
from service.demo import seed
from service.models import Alert, Message, Patient, Staff
from service.use_cases import alerts
from tests.chaos.harness import ROOT, Chaos, Nursery, lives
from workflows.alerts import Outcome

pytestmark = [pytest.mark.soak, pytest.mark.chaos, pytest.mark.timeout(0)]
PEOPLE, EVERY = 2000, 2.0  # patients; a fever every so many seconds
MINUTES = float(os.environ.get("VIGILIA_TEST_MINUTES", "30"))


@dataclass
class Load:
    """The carrier of a load, and what was asked of the workers."""

    chaos: Chaos
    taken: Path
    people: list[int] = field(default_factory=list)
    due: dict[str, float] = field(default_factory=dict)  # message -> when (Unix seconds)
    fevers: dict[str, float] = field(default_factory=dict)  # patient -> when it was committed
    cases: dict[str, int] = field(default_factory=dict)

    def enrol(self, number: int) -> None:
        """So many patients, copied from the first: with a telephone each, without a calendar."""
        with self.chaos.db.unit_of_work() as session:
            first = session.execute(select(Patient.__table__).where(Patient.id == self.chaos.patients[0])).one()
            copies = [
                {**first._mapping, "code": f"L-{one:05d}", "phone": f"+5516995{one:06d}", "feed_token": f"load-{one}"}
                for one in range(number)
            ]
            for copy in copies:
                del copy["id"]
            session.execute(insert(Patient.__table__), copies)
            self.people = list(
                session.scalars(select(Patient.id).where(Patient.code.like("L-%")).order_by(Patient.code))
            )

    def pile(self, times: Sequence[datetime]) -> None:
        """A reminder that falls due at each of these times."""
        chaos = self.chaos
        kept = chaos.enqueue("reminder")[0]
        with chaos.db.unit_of_work() as session:
            like = dict(session.execute(select(Message.__table__).where(Message.id == kept)).one()._mapping)
            session.execute(update(Message).where(Message.id == kept).values(status="cancelled", reason="a pattern"))
            del like["id"]
            rows = []
            for place, at in enumerate(times, start=len(self.due) + 1):
                who = place % len(self.people)
                rows.append(
                    like | {
                        "patient_id": self.people[who], "address": f"+5516995{who:06d}", "send_at": at, "due_at": at,
                        "fields": {"url": f"https://v.test/w/{place:06d}"}, "dedupe": f"load:{place}",
                    }
                )  # fmt: skip
                self.due[f"{place:06d}"] = (at - timedelta(seconds=chaos.offset)).timestamp()
            for start in range(0, len(rows), 5000):
                session.execute(insert(Message.__table__), rows[start : start + 5000])

    def fever(self) -> None:
        """The next patient has one."""
        number = len(self.fevers)
        code, now = f"L-{number:05d}", self.chaos.clock.now()
        with self.chaos.db.unit_of_work() as session:
            patient = session.get_one(Patient, self.people[number])
            self.cases[code] = alerts.open_or_join(
                session, patient, source=f"load:{number}", level="red", hits=["T-RED"], reported_at=now, summary={},
                now=now,
            ).id  # fmt: skip
        self.fevers[code] = Clock().machine().timestamp()

    def take(self, code: str) -> None:
        """Dr. Reis was paged, and closes the case."""
        with self.chaos.db.unit_of_work() as session:
            who, case = session.get_one(Staff, self.chaos.doctor_id), session.get_one(Alert, self.cases.pop(code))
            now = self.chaos.clock.now()
            alerts.acknowledge(session, case, staff=who, via="sms", now=now)
            alerts.outcome(session, case, staff=who, outcome=Outcome.WRONG_READING, now=now)

    def read(self) -> list[tuple[float, str, str]]:
        """What the carrier took: when, to whom, what."""
        lines = (line.split() for line in self.taken.read_text(encoding="utf-8").splitlines())
        return [(float(at), to, name) for at, to, name in lines]

    def run(self, seconds: float, workers: int) -> None:
        """Workers send for so long; a fever every few seconds, taken as soon as its page is at the carrier."""
        chaos, pause, clock = self.chaos, threading.Event(), Clock()
        living = [chaos.worker() for _ in range(workers)]
        began, next_fever, place = clock.monotonic(), 0.0, 0
        with open(self.taken, encoding="utf-8") as arriving:
            while True:
                passed = clock.monotonic() - began
                for line in arriving:
                    _at, to, name = line.split()
                    if to == seed.REIS.phone and name in self.cases:
                        self.take(name)
                if passed < seconds and passed >= next_fever:
                    self.fever()
                    next_fever += EVERY
                place += 1
                if passed >= seconds and place % 20 == 0 and not self.cases and not self.waiting():
                    break
                assert all(lives(one) for one in living), "a worker died under the load"
                assert passed < seconds + 900, f"it is not done with: {self.waiting()} wait"
                pause.wait(0.05)
        chaos.stop(*living)

    def waiting(self) -> int:
        with self.chaos.db.reading() as session:
            waits = select(func.count()).select_from(Message).where(Message.status.in_(("ready", "claimed", "unknown")))
            return session.scalar(waits.where(Message.dedupe.startswith("load:")))

    def check(self, what: str) -> None:
        """Nothing lost, nothing twice; every row in a named state; the figures."""
        took = self.read()
        times = Counter(name for _at, _to, name in took if name in self.due)
        first: dict[tuple[str, str], float] = {}
        for at, to, name in took:
            first.setdefault((name, "page" if to == seed.REIS.phone else "text"), at)
        with self.chaos.db.reading() as session:
            counted = select(Message.status, func.count()).where(Message.dedupe.startswith("load:"))
            states = dict(session.execute(counted.group_by(Message.status)).all())
        late = sorted(first[name, "text"] - at for name, at in self.due.items() if (name, "text") in first)
        paged = sorted(first[code, "page"] - at for code, at in self.fevers.items() if (code, "page") in first)
        lost, doubled = len(self.due) - len(times), sum(one - 1 for one in times.values())
        print(
            f"\n{what}: {len(self.due)} due, {len(times)} sent, {lost} lost, {doubled} twice, {states};"
            f" late {spread(late)}; {len(self.fevers)} fevers, committed to page at the carrier {spread(paged)}"
        )
        assert lost == doubled == 0
        assert states == {"accepted": len(self.due)}
        assert len(paged) == len(self.fevers)
        assert late[0] > -0.05 and paged, "none before it was due"


def spread(seconds: Sequence[float]) -> str:
    """Middle, 99th hundredth and worst, in milliseconds."""
    if not seconds:
        return "none"
    at = [seconds[len(seconds) // 2], seconds[min(len(seconds) - 1, len(seconds) * 99 // 100)], seconds[-1]]
    return "/".join(f"{one * 1000:.0f}" for one in at) + " ms (p50/p99/max)"


@pytest.fixture
def load(house: Any, tmp_path: Path) -> Iterator[Load]:
    nursery = Nursery(durable=bool(os.environ.get("VIGILIA_TEST_DURABLE")))
    chaos, taken = Chaos(house, nursery), tmp_path / "taken"
    taken.touch()
    carrier = subprocess.Popen(
        [sys.executable, "-m", "tests.soak.carrier", "0.1", str(taken)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert carrier.stdout is not None
    chaos.config = replace(
        chaos.config, twilio_api_base=f"http://127.0.0.1:{int(carrier.stdout.readline())}", lease_seconds=30,
        fence_seconds=10, connect_seconds=3, read_seconds=8, send_threads=32, page_threads=8,
    )  # fmt: skip
    load = Load(chaos, taken)
    load.enrol(PEOPLE)
    yield load
    chaos.close()
    nursery.close()
    carrier.terminate()
    carrier.wait(30)


def rate(chaos: Chaos) -> float:
    return float(os.environ.get("VIGILIA_TEST_RATE", "50" if chaos.db.is_sqlite else "200"))


def workers(chaos: Chaos) -> int:
    return int(os.environ.get("VIGILIA_TEST_WORKERS", "1" if chaos.db.is_sqlite else "2"))


def test_a_steady_load_for_long(load: Load) -> None:
    chaos = load.chaos
    number, dice = int(rate(chaos) * MINUTES * 60), random.Random(1)
    ahead = chaos.clock.now() + timedelta(seconds=5 + number / 4000)  # the pile takes its time
    load.pile([ahead + timedelta(seconds=(one + dice.random()) / rate(chaos)) for one in range(number)])
    load.run((ahead - chaos.clock.now()).total_seconds() + MINUTES * 60, workers(chaos))
    load.check(f"{rate(chaos):g} messages/s for {MINUTES:g} min on {workers(chaos)} workers")


def test_seven_times_the_usual_at_one_moment(load: Load) -> None:
    """A minute of a study's messages, seven times over, is due at one moment, while the usual ones and fevers go on."""
    chaos = load.chaos
    usual, seconds = rate(chaos) / 8, 90
    ahead = chaos.clock.now() + timedelta(seconds=8)
    times = [ahead + timedelta(seconds=one / usual) for one in range(int(usual * seconds))]
    burst = [ahead + timedelta(seconds=30)] * int(usual * 60 * 7)
    load.pile(times + burst)
    load.run((ahead - chaos.clock.now()).total_seconds() + seconds, workers(chaos))
    load.check(f"{usual:g} messages/s, and {len(burst)} at one moment, on {workers(chaos)} workers")
