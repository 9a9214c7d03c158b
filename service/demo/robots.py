"""Made-up people who answer by themselves: patients their questions, the clinic its visits and cases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from notifications.gsm import fold_gsm7
from notifications.render import LANGUAGES, Renderer
from service.demo.sim_state import Text
from service.demo.simulator import Simulator
from service.errors import Problem
from service.models import Alert, Patient, Staff, Task, Visit
from service.runtime import Runtime
from service.security import Role
from service.use_cases import alerts, tasks, visits
from workflows.alerts import Outcome
from workflows.decisions import RuleViolation

# What a well patient types to each question. The first one carries all four answers of the day at once.
WELL: dict[str, str] = {
    "temp": "36,6 N 1 2",
    "temp_site": "1",
    "recheck": "36,7",
    "signs": "N",
    "bleeding": "1",
    "antipyretic": "2",
    "doses": "1",
    "well": "2",
    "ask_temperature": "36,6",
    "safety_question": "1",
    "visit_ahead": "OK",
    "visit_1d": "OK",
    "visit_1d_trough": "OK",
}
_CODE = re.compile(r"\b(\d[A-Z]{1,2}4)\b")


def recogniser(renderer: Renderer) -> Callable[[str], str]:
    """A function that says which template a delivered text came from ("" for none that robots answer)."""
    beginnings: list[tuple[str, str]] = []
    for key, source in renderer.sources().items():
        folder, _, name = key.partition("/")
        if folder in LANGUAGES.values() and name in WELL:
            beginnings.append((fold_gsm7(source.split("{{")[0])[:40], name))
    beginnings.sort(key=lambda one: -len(one[0]))

    def recognise(body: str) -> str:
        plain = fold_gsm7(body)
        return next((name for begins, name in beginnings if plain.startswith(begins)), "")

    return recognise


class Robots:
    """Answer what arrives. `quiet` holds numbers that a person plays; `clinic` also lets the care team
    work."""

    def __init__(
        self, runtime: Runtime, simulator: Simulator, patients: Iterable[str], staff: Iterable[str]
    ) -> None:
        self.runtime, self.simulator = runtime, simulator
        self.patients, self.staff = frozenset(patients), frozenset(staff)
        self.quiet: set[str] = set()
        self.clinic = False
        self.fevers: dict[tuple[str, date], str] = {}
        self._recognise = recogniser(runtime.renderer)
        self._seen = 0
        self._waiting: list[Text] = []
        self._day: date | None = None

    def act(self) -> int:
        """Answer what arrived since; how many answers."""
        done = 0
        arrived, self._waiting = self._waiting + self.simulator.texts[self._seen :], []
        self._seen = len(self.simulator.texts)
        for text in arrived:
            if text.status in ("queued", "sent"):
                self._waiting.append(text)
            elif text.status == "delivered" and (answer := self._answer(text)):
                self.simulator.receive(text.to, text.from_, answer, channel=text.channel)
                done += 1
        return done + self._look_at_tasks() + (self._clinic() if self.clinic else 0)

    def skip(self) -> None:
        """What arrived so far is not answered any more."""
        self._seen, self._waiting = len(self.simulator.texts), []

    def _answer(self, text: Text) -> str:
        if text.to in self.quiet or text.direction != "outbound-api":
            return ""
        if text.to in self.patients:
            name = self._recognise(text.body)
            if name == "temp":
                return self.fevers.pop((text.to, self._today()), WELL["temp"])
            return WELL.get(name, "")
        if self.clinic and text.to in self.staff and (code := _CODE.search(text.body)):
            return code[1]
        return ""

    def _today(self) -> date:
        return self.runtime.clock.now().astimezone(ZoneInfo("America/Sao_Paulo")).date()

    def _look_at_tasks(self) -> int:
        with self.runtime.db.reading() as session:
            wanted = ("open", "seen") if self.clinic else ("open",)
            numbers = list(session.scalars(select(Task.id).where(Task.status.in_(wanted)).order_by(Task.id)))
            if not numbers:
                return 0
            coordinator = session.scalars(select(Staff).where(Staff.role == Role.COORDINATOR)).first()
        actor = f"staff:{coordinator.id}" if coordinator else "system"
        for number in numbers:
            with self.runtime.db.unit_of_work() as session:
                task, now = session.get_one(Task, number), self.runtime.clock.now()
                if self.clinic:
                    tasks.done(session, task, actor=actor, now=now, note="called")
                else:
                    tasks.see(session, task, actor=actor, now=now)
        return len(numbers)

    def _clinic(self) -> int:
        return self._record_outcomes() + self._hold_visits()

    def _record_outcomes(self) -> int:
        with self.runtime.db.reading() as session:
            taken = list(session.scalars(select(Alert.id).where(Alert.status == "acknowledged")))
        for number in taken:
            with self.runtime.db.unit_of_work() as session:
                alert = session.get_one(Alert, number)
                who = session.get(Staff, alert.acknowledged_by_id)
                if who is not None:
                    now = self.runtime.clock.now()
                    alerts.outcome(session, alert, staff=who, outcome=Outcome.SENT_TO_ER, text="", now=now)
        return len(taken)

    def _hold_visits(self) -> int:
        """Yesterday's visits took place on their day, once a day."""
        today = self._today()
        if self._day == today:
            return 0
        self._day = today
        with self.runtime.db.reading() as session:
            due = (
                select(Visit.id)
                .join(Patient, Patient.id == Visit.patient_id)
                .where(
                    Visit.status.in_(("planned", "booked")),
                    Visit.date < today,
                    Visit.date >= today - timedelta(days=7),
                    Patient.status == "enrolled",
                )
            )
            numbers = list(session.scalars(due.order_by(Visit.date, Visit.id)))
        return sum(self._hold(number) for number in numbers)

    def _hold(self, number: int) -> int:
        try:
            with self.runtime.db.unit_of_work() as session:
                visit = session.get_one(Visit, number)
                if (
                    visit.status not in ("planned", "booked")
                    or visit.date is None
                    or visit.date >= self._today()
                ):
                    return 0
                visits.change(
                    session,
                    visit,
                    status="completed",
                    completed_on=visit.date,
                    reason="",
                    actor="system",
                    now=self.runtime.clock.now(),
                )
                return 1
        except (Problem, RuleViolation):
            return 0  # what the protocol refuses stays as it is, for a person to decide
