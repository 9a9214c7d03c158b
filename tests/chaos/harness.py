"""Real processes against a real database and the simulator over real HTTP. Waits are for conditions, with patience."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select, update
from werkzeug.serving import make_server

from service.clock import Clock, MovableClock
from service.demo import seed
from service.demo.simulator import Simulator, create_simulator
from service.models import Attempt, Message, Patient, Staff
from service.use_cases import outbox
from tests.conftest import ACCOUNT, FROM, PAGE_FROM, PUBLIC, START, TOKEN

PATIENCE = 90.0  # seconds; a loaded machine may be slow, never wrong
MORNING = START.replace(hour=13)  # 10:00 in Sao Paulo: no quiet hours
ROOT = Path(__file__).parent.parent.parent


class Nursery:
    """The process that forks the others."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGILIA_")}
        environment["VIGILIA_SQLITE_SYNCHRONOUS"] = "OFF"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def bear(self, **order: Any) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class Chaos:
    """One test's stage: a seeded database, the simulator on a port, processes that are killed."""

    def __init__(self, house: Any, nursery: Nursery) -> None:
        house.put_back("seeded")
        self.house, self.runtime, self.nursery = house, house.runtime, nursery
        self.db = self.runtime.db
        machine = Clock().machine()
        self.offset = (MORNING - machine).total_seconds()
        self.clock = self.runtime.clock = MovableClock(MORNING - machine)
        self.simulator = Simulator(ACCOUNT, TOKEN, public_url=PUBLIC, now=Clock().machine)
        for number in (FROM, PAGE_FROM):
            self.simulator.own(number, sms_url=f"{PUBLIC}/webhooks/twilio/sms#rc=5&rp=all")
        self.simulator.wire(house.app)
        self.server = make_server("127.0.0.1", 0, create_simulator(self.simulator), threaded=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.config = replace(
            house.config, twilio_api_base=f"http://127.0.0.1:{self.server.server_port}", lease_seconds=3,
            fence_seconds=1, connect_seconds=2, read_seconds=2, daily_cap=100_000, send_threads=8, page_threads=2,
            poll_seconds=0,
        )  # fmt: skip
        self.born: list[int] = []
        with self.db.unit_of_work() as session:
            self.patient_id = seed.enrol(session, "P-001", on=MORNING.date(), now=self.clock.now()).id
            self.doctor_id = session.scalars(select(Staff.id).where(Staff.name == "Dr. Reis")).one()
            session.execute(update(Message).values(status="cancelled", reason="not part of this test"))
        self.serial = 0

    def close(self) -> None:
        for process in self.born:
            if lives(process):
                os.kill(process, signal.SIGKILL)
        self.wait(lambda: not any(lives(one) for one in self.born))
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(PATIENCE)

    # --- processes

    def worker(self, kill_at: str = "") -> int:
        return self._bear("worker", kill_at, 0)

    def web(self, kill_at: str = "") -> int:
        """A web process, which gets the simulator's posts from now on."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        def post(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
            try:
                answer = requests.post(
                    url.replace(PUBLIC, f"http://127.0.0.1:{port}"), data=form, headers=headers, timeout=PATIENCE
                )
            except requests.RequestException:
                return 0, ""
            return answer.status_code, answer.text

        self.simulator.post = post
        process = self._bear("web", kill_at, port)
        self.wait(lambda: _answers(port))
        return process

    def _bear(self, kind: str, kill_at: str, port: int) -> int:
        process = self.nursery.bear(
            kind=kind, kill_at=kill_at, port=port, offset=self.offset, config=asdict(self.config)
        )
        self.born.append(process)
        return process

    def stop(self, process: int) -> None:
        """Ask it to end, and wait until it has."""
        os.kill(process, signal.SIGTERM)
        self.wait(lambda: not lives(process))

    def wait(self, what: Callable[[], Any]) -> None:
        """Until `what` holds; callbacks go on meanwhile. AssertionError after a long time."""
        paused, began = threading.Event(), Clock().monotonic()
        while not what():
            self.simulator.deliver()
            paused.wait(0.05)
            assert Clock().monotonic() - began < PATIENCE, f"it did not come about; messages: {self.states()}"

    # --- messages

    def enqueue(self, kind: str, number: int = 1) -> list[int]:
        """So many reminders, safety messages or pages, each with words of its own; their ids."""
        return [self._one(kind) for _ in range(number)]

    def _one(self, kind: str) -> int:
        self.serial += 1
        common: dict[str, Any] = {"now": self.clock.now(), "kind": kind, "dedupe": f"chaos:{self.serial}"}
        with self.db.unit_of_work() as session:
            if kind == "page":
                fields = {"case": "7K", "patient": f"P-{self.serial:03d}", "time": "08:00", "take": "7K4",
                          "pass_on": "7K5", "url": f"/a/{self.serial}"}  # fmt: skip
                doctor = session.get(Staff, self.doctor_id)
                return outbox.enqueue(session, template="page", fields=fields, staff=doctor, **common).id
            fields = {"url": f"https://v.test/{self.serial:06d}"}
            patient = session.get(Patient, self.patient_id)
            return outbox.enqueue(session, template="weekly", fields=fields, patient=patient, **common).id

    def rows(self) -> list[Message]:
        with self.db.reading() as session:
            found = select(Message).where(Message.dedupe.startswith("chaos:")).order_by(Message.id)
            return list(session.scalars(found))

    def states(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for row in self.rows():
            counted[row.status] = counted.get(row.status, 0) + 1
        return counted

    def ended(self) -> bool:
        """Whether every message has an end."""
        return all(row.status in ("delivered", "expired") for row in self.rows())

    def sent(self, row: Message) -> int:
        """How often the carrier took this message."""
        words = str(row.fields["url"])
        return sum(words in text.body for text in self.simulator.texts)

    def attempts(self) -> int:
        with self.db.reading() as session:
            return len(session.scalars(select(Attempt.id)).all())

    def check(self, *, pages_may_double: bool) -> None:
        """Nothing lost, nothing twice, every end with its reason.

        A reminder may have left and yet be given up: its sender died while the carrier was taking it, and that it
        "may have left" is what its row says.
        """
        for row in self.rows():
            times = self.sent(row)
            if row.status == "expired":
                assert row.kind != "page" and times <= 1, (row.id, row.kind, times)
                assert "may or may not have left" in (row.reason or "")
            else:
                assert row.status == "delivered" and times >= 1, (row.id, row.status, times)
                assert times == 1 or (pages_may_double and row.kind == "page"), (row.id, row.kind, times)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/livez", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def soak_rounds() -> int:
    """How many rounds a soak runs (VIGILIA_TEST_ROUNDS, default 500)."""
    return int(os.environ.get("VIGILIA_TEST_ROUNDS", "500"))


__all__ = ["PATIENCE", "Chaos", "Nursery", "lives", "soak_rounds"]
