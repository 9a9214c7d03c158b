"""Made-up people who answer by themselves: patients their questions, the clinic its visits and cases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date

from notifications.gsm import fold_gsm7
from notifications.render import LANGUAGES, Renderer
from service.demo import clinic
from service.demo.sim_state import Text
from service.demo.simulator import Simulator
from service.runtime import Runtime

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
WEEKLY = "weekly"  # answered on its web page
_CODE = re.compile(r"\b(\d[A-Z]{1,2}4)\b")


def recogniser(renderer: Renderer) -> Callable[[str], str]:
    """A function that says which template a delivered text came from ("" for none that robots answer)."""
    beginnings: list[tuple[str, str]] = []
    for key, source in renderer.sources().items():
        folder, _, name = key.partition("/")
        if folder in LANGUAGES.values() and (name in WELL or name == WEEKLY):
            beginnings.append((fold_gsm7(source.split("{{")[0])[:40], name))
    beginnings.sort(key=lambda one: -len(one[0]))

    def recognise(body: str) -> str:
        plain = fold_gsm7(body)
        return next((name for begins, name in beginnings if plain.startswith(begins)), "")

    return recognise


class Robots:
    """Answer what arrives. `quiet` holds numbers that a person plays; `fevers` says who is not well on which
    day.

    The coordinator sees each new task, as on a working day. With `clinic` the care team works too: cases are
    taken and
    closed, tasks done, visits held.
    """

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
            elif (
                text.status == "delivered" and text.direction == "outbound-api" and text.to not in self.quiet
            ):
                done += self._answer(text)
        done += clinic.look_at_tasks(self.runtime, do_them=self.clinic)
        return done + (self._clinic() if self.clinic else 0)

    def skip(self) -> None:
        """What arrived so far is not answered any more."""
        self._seen, self._waiting = len(self.simulator.texts), []

    def _answer(self, text: Text) -> int:
        if text.to in self.patients:
            name = self._recognise(text.body)
            if name == WEEKLY:
                return clinic.answer_weekly(self.runtime, text.to)
            fever = self.fevers.pop((text.to, self._today()), "") if name == "temp" else ""
            return self._type(text, fever or WELL.get(name, ""))
        if self.clinic and text.to in self.staff and (code := _CODE.search(text.body)):
            return self._type(text, code[1])
        return 0

    def _type(self, text: Text, answer: str) -> int:
        if answer:
            self.simulator.receive(text.to, text.from_, answer, channel=text.channel)
        return bool(answer)

    def _today(self) -> date:
        return self.runtime.clock.now().astimezone(clinic.ZONE).date()

    def _clinic(self) -> int:
        done = clinic.close_cases(self.runtime)
        if self._day != self._today():
            self._day = self._today()
            done += clinic.hold_visits(self.runtime, self._day)
        return done
