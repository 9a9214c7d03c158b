"""A ward of made-up patients with fevers, phones, a failing carrier and a process that may die at any named step.

Every move drives the real code: webhooks, use cases, ticks, senders, the twilio client, the simulator's callbacks.
After each move `check` looks for what must never be (`tests/stories/invariants.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from service import killpoints, tick
from service.demo import seed
from service.models import Alert, Staff
from service.sender import Sender, Ticket
from service.use_cases import alerts
from tests.conftest import FROM, PAGE_FROM
from tests.stories.invariants import Broken, Checker, Watched
from tests.world import World
from workflows.alerts import Outcome
from workflows.decisions import RuleViolation

PATIENTS = ("P-001", "P-002", "P-003")
DOCTORS = (seed.REIS, seed.LIMA, seed.PRADO, seed.MOTA)
WORDS = ("38,9", "falta de ar", "38.4 e calafrio")  # each is red by itself
FAULTS = ("http_500", "http_429", "lose_answer", "refuse", "undelivered", "double", "reverse", "no_callbacks", "none")


class Crash(BaseException):
    """The process dies here."""


class Ladders:
    """The ward. `settled`: everything due was done, with no crash on the way, at the last look."""

    def __init__(self, house: Any) -> None:
        made = "ladders" in getattr(house, "kept", set())
        house.put_back("ladders" if made else "seeded")
        self.world = World(house)
        if not made:
            for code in PATIENTS:
                self.world.enrol(code)
            house._keep("ladders")
            house.kept = {*getattr(house, "kept", set()), "ladders"}
        self.runtime, self.simulator, self.clock = self.world.runtime, self.world.simulator, self.world.clock
        self.clock.move_to(self.world.local.replace(hour=12, minute=0))
        self.checker = Checker(self.runtime, self.world)
        self.runtime.carriers = {
            channel: Watched(carrier, self.checker) for channel, carrier in self.runtime.carriers.items()
        }
        self.simulator.post = self.checker.watch_posts(self.simulator.post, Crash)
        self.held: list[tuple[Sender, list[Ticket]]] = []
        self._restart()
        self.settle()

    def close(self) -> None:
        killpoints.hook = None

    def check(self) -> None:
        """AssertionError that names each broken invariant."""
        broken = self.checker.broken()
        if broken:
            raise Broken(broken)

    # --- the process

    def _restart(self) -> None:
        self.sender = Sender(self.runtime)
        self.runtime.backed_off.clear()
        self.held.clear()
        killpoints.hook = None

    def _run(self, what: Callable[[], Any]) -> bool:
        """Whether it went to its end; a crash is followed by a restart."""
        self.checker.settled = False
        try:
            what()
        except Crash:
            self._restart()
            return False
        return True

    def crash_at(self, step: str, times: int) -> None:
        """The process will die at that step, the so-manieth time it comes there."""
        left = [times]

        def hook(name: str) -> None:
            if name == step:
                left[0] -= 1
                if left[0] == 0:
                    raise Crash

        killpoints.hook = hook

    def settle(self) -> None:
        """Everything due now is done."""
        self.checker.settled = self._run(self._settle)

    def _settle(self) -> None:
        tick.settle(self.runtime, self.sender, self.simulator.deliver)

    def wait(self, seconds: int) -> None:
        """Time goes on and each due thing is done at its own time; after a crash the rest follows late."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while not self._run(lambda: tick.advance(
            self.runtime, until, sender=self.sender, pump=self.simulator.deliver
        )):  # fmt: skip
            self.check()
        self.checker.settled = True

    def tick(self) -> None:
        self._run(lambda: tick.run_tick(self.runtime))

    def drain(self) -> None:
        self._run(lambda: self.sender.drain())

    def claim(self) -> None:
        """A sender of its own claims the pages that wait, and is slow to send them."""
        slow = Sender(self.runtime)

        def take() -> None:
            tickets, _ended = slow.claim("pages", 3)
            if tickets:
                self.held.append((slow, tickets))

        self._run(take)

    def send_claimed(self) -> None:
        """The slow senders go on."""
        held, self.held = self.held, []
        for slow, tickets in held:
            if not self._run(lambda slow=slow, tickets=tickets: slow.record([slow.deliver(one) for one in tickets])):
                return

    # --- people

    def report(self, code: str, words: str) -> None:
        """A patient types red words."""
        self.text(dict(seed.PATIENTS)[code], FROM, words)

    def text(self, number: str, to: str, words: str) -> None:
        self._run(lambda: self.checker.heard(self.simulator.receive(number, to, words), words))

    def _cases(self) -> list[Alert]:
        with self.runtime.db.reading() as session:
            return list(session.scalars(select(Alert).where(Alert.status != "closed").order_by(Alert.id)))

    def answer(self, person: seed.Person, digit: int, which: int = 0) -> None:
        """A member of the team types the code of a case, or a bare "ok" where there is none."""
        cases = self._cases()
        words = f"{cases[which % len(cases)].case}{digit}" if cases else "ok"
        self.text(person.phone, PAGE_FROM, words)

    def says(self, person: seed.Person, words: str) -> None:
        self.text(person.phone, PAGE_FROM, words)

    def presses(self, digit: int) -> None:
        """The newest call that rings is picked up, and a key is pressed."""
        ringing = [call for call in self.simulator.calls if call.ringing]
        if ringing:
            self._run(lambda: self.simulator.press(ringing[-1], str(digit)))

    def outcome(self, person: seed.Person, outcome: Outcome) -> None:
        """The oldest case that somebody has ends in the console."""
        taken = [case for case in self._cases() if case.status == "acknowledged"]

        def end() -> None:
            with self.runtime.db.unit_of_work() as session:
                who = session.scalars(select(Staff).where(Staff.name == person.name)).one()
                case = session.get_one(Alert, taken[0].id)
                alerts.outcome(session, case, staff=who, outcome=outcome, text="x", now=self.clock.now())

        if taken:
            self._run(end)

    def hands_over(self, person: seed.Person, to: seed.Person) -> None:
        """Whoever has the oldest case offers it to one colleague."""
        cases = self._cases()

        def give() -> None:
            with self.runtime.db.unit_of_work() as session:
                who, colleague = (
                    session.scalars(select(Staff).where(Staff.name == one.name)).one() for one in (person, to)
                )
                case = session.get_one(Alert, cases[0].id)
                with suppress(RuleViolation):  # nobody to page, or oneself
                    alerts.hand_over(session, case, staff=who, to=colleague, via="console", now=self.clock.now())

        if cases:
            self._run(give)

    # --- the carrier

    def fault(self, name: str, number: str) -> None:
        """The carrier goes wrong in that way from now on; "none": it is well again."""
        faults = self.simulator.faults
        if name == "undelivered":
            faults.undelivered.add(number)
        elif name == "none":
            faults.undelivered.clear()
            faults.double = faults.reverse = faults.no_callbacks = False
        elif name in ("double", "reverse", "no_callbacks"):
            setattr(faults, name, True)
        else:
            setattr(faults, name, 2)

    def receipts(self) -> None:
        """Callbacks arrive, and nothing else happens."""
        self.checker.before_receipts()
        self._run(lambda: self.simulator.deliver())
        self.checker.after_receipts()
