"""Real processes against a real database and the simulator over real HTTP. Waits are for conditions, with patience."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Select, func, make_url, select, update
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from service.clock import Clock, MovableClock
from service.demo import seed
from service.demo.simulator import Simulator, create_simulator
from service.models import Message, Patient, Staff
from service.use_cases import outbox
from tests.conftest import ACCOUNT, FROM, PAGE_FROM, PUBLIC, START, TOKEN

PATIENCE = 90.0  # seconds; a loaded machine may be slow, never wrong
MORNING = START.replace(hour=13)  # 10:00 in Sao Paulo: no quiet hours
SERIAL = re.compile(r"/[wa]/(\d{6})")
logging.getLogger("werkzeug").setLevel(logging.WARNING)
ROOT = Path(__file__).parent.parent.parent


class Nursery:
    """The process that forks the others."""

    def __init__(self, *, durable: bool = False, code: Path = ROOT) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGILIA_")}
        environment["VIGILIA_SQLITE_SYNCHRONOUS"] = "FULL" if durable else "OFF"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"], cwd=code, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.ends: dict[int, int] = {}
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _ask(self, **order: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self._line())

    def bear(self, **order: Any) -> int:
        return int(self._ask(**order))

    def end_of(self, process: int) -> int:
        """The exit status of a process that lives no more, or minus the signal that killed it."""
        self.ends |= {int(one): how for one, how in self._ask(kind="ends").items()}
        return self.ends.pop(process)

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
        address = make_url(house.config.database_url)
        if not self.db.is_sqlite:  # rows of a process that stands still are free again as soon as its messages
            address = address.update_query_dict({"options": "-c idle_in_transaction_session_timeout=4000"})
        self.config = replace(
            house.config, database_url=address.render_as_string(hide_password=False),
            twilio_api_base=f"http://127.0.0.1:{self.server.server_port}", lease_seconds=3,
            fence_seconds=1, connect_seconds=2, read_seconds=2, daily_cap=100_000, send_threads=8, page_threads=2,
            poll_seconds=0,
        )  # fmt: skip
        self.born: list[int] = []
        with self.db.unit_of_work() as session:
            self.patients = [seed.enrol(session, "P-001", on=MORNING.date(), now=self.clock.now()).id]
            self.doctor_id = session.scalars(select(Staff.id).where(Staff.name == "Dr. Reis")).one()
            session.execute(update(Message).values(status="cancelled", reason="not part of this test"))
        self.found: Counter[str] = Counter()  # what `check` found
        self.serial = self.checked = 0  # the last of the messages that we made, and of those that were checked

    def crowd(self, number: int) -> None:
        """So many patients more, with a telephone each: a carrier's list of one telephone stays short."""
        with self.db.unit_of_work() as session:
            for place in range(number):
                one = seed.enrol(
                    session, f"C-{place:03d}", on=MORNING.date(), now=self.clock.now(), phone=f"+551699444{place:04d}"
                )
                self.patients.append(one.id)
            session.execute(
                update(Message).where(Message.dedupe.not_like("chaos:%"))
                .values(status="cancelled", reason="not part of this test")
            )  # fmt: skip

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

    def faint_worker(self) -> int:
        """A worker whose scheduler's thread dies on SIGUSR1."""
        return self._bear("faint worker", "", 0)

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

    def stop(self, *processes: int) -> None:
        """Ask them to end, and wait until they have."""
        for process in processes:
            os.kill(process, signal.SIGTERM)
        self.wait(lambda: not any(lives(one) for one in processes))

    def wait(self, what: Callable[[], Any], *, deliver: bool = True) -> None:
        """Until `what` holds; callbacks go on meanwhile, if they are to. AssertionError after a long time."""
        paused, began = threading.Event(), Clock().monotonic()
        while not what():
            if deliver:
                self.simulator.deliver()
            paused.wait(0.05)
            assert Clock().monotonic() - began < PATIENCE, f"it did not come about; messages: {self.states()}"

    # --- messages

    def enqueue(self, kind: str, number: int = 1) -> list[int]:
        """So many reminders, safety messages or pages, each with words of its own; their ids."""
        with self.db.unit_of_work() as session:
            return [self._one(session, kind) for _ in range(number)]

    def _one(self, session: Session, kind: str) -> int:
        self.serial += 1
        common: dict[str, Any] = {"now": self.clock.now(), "kind": kind, "dedupe": f"chaos:{self.serial}"}
        if kind == "page":
            fields = {"case": "7K", "patient": f"P-{self.serial:03d}", "time": "08:00", "take": "7K4",
                      "pass_on": "7K5", "url": f"/a/{self.serial:06d}"}  # fmt: skip
            doctor = session.get(Staff, self.doctor_id)
            return outbox.enqueue(session, template="page", fields=fields, staff=doctor, **common).id
        fields = {"url": f"https://v.test/w/{self.serial:06d}"}
        patient = session.get(Patient, self.patients[self.serial % len(self.patients)])
        return outbox.enqueue(session, template="weekly", fields=fields, patient=patient, **common).id

    def _ours(self, *columns: Any) -> Select[Any]:
        return select(*columns).where(Message.dedupe.startswith("chaos:"), Message.id > self.checked)

    def rows(self) -> list[Message]:
        with self.db.reading() as session:
            return list(session.scalars(self._ours(Message).order_by(Message.id)))

    def states(self) -> dict[str, int]:
        with self.db.reading() as session:
            found = session.execute(self._ours(Message.status, func.count()).group_by(Message.status))
            return {row[0]: row[1] for row in found}

    def ended(self) -> bool:
        """Whether every message has an end."""
        return not self.states().keys() - {"delivered", "expired"}

    def sent(self) -> Counter[str]:
        """How often the carrier took the message with each number."""
        found = (SERIAL.search(text.body) for text in list(self.simulator.texts))
        return Counter(one[1] for one in found if one)

    def ready(self) -> int:
        """How many wait to be claimed."""
        return self.states().get("ready", 0)

    def check(self, *, pages_may_double: bool) -> None:
        """Nothing lost, nothing twice, every end with its reason.

        A reminder may have left and yet be given up: its sender died while the carrier was taking it, and that it
        "may have left" is what its row says.
        """
        sent = self.sent()
        for row in self.rows():
            times = sent[row.dedupe.partition(":")[2].zfill(6)]
            if row.status == "expired":
                assert row.kind != "page" and times <= 1, (row.id, row.kind, times)
                assert "may or may not have left" in (row.reason or "")
            else:
                assert row.status == "delivered" and times >= 1, (row.id, row.status, times)
                assert times == 1 or (pages_may_double and row.kind == "page"), (row.id, row.kind, times)
            self.found[f"{row.kind} {row.status}, sent {times} times"] += 1

    def forget(self) -> None:
        """What was checked is not looked at again, so that a long run stays as quick as a short one."""
        self.checked = max((row.id for row in self.rows()), default=self.checked)
        with self.simulator.lock:
            self.simulator.texts.clear()


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/livez", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def soak_rounds(usual: int) -> int:
    """How often a soak does it (VIGILIA_TEST_ROUNDS, else `usual`)."""
    return int(os.environ.get("VIGILIA_TEST_ROUNDS", usual))


__all__ = ["PATIENCE", "ROOT", "Chaos", "Nursery", "lives", "soak_rounds"]
