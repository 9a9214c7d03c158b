"""The patients of a rehearsal: most answer the day in one message, some question by question; they slip, correct
themselves, come late, forget, and fall ill at any hour. Each week's questions they answer in the app or on the page."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from service.demo.inprocess import FORM
from service.demo.sim_state import Call, Text

if TYPE_CHECKING:
    from service.rehearsal import Rehearsal

ANSWERS = (  # words of the question -> what a patient without complaints replies; None: a temperature
    ("meca sua temperatura", None),
    ("responda sua temperatura", None),
    ("temperatura de novo", None),
    ("meca a temperatura agora", None),
    ("onde voce mediu", "1"),
    ("desde ontem: a", "N"),
    ("sangramento: 1", "1"),
    ("remedio para febre", "2"),
    ("capsulas do estudo", "1"),
    ("em relacao a ontem", "2"),
    ("nao entendemos", ""),
)
DAILY = ("meca sua temperatura", "responda sua temperatura")
FEVER_WORDS = ("{t}", "febre {t}", "estou com febre de {t}", "tô com {t} de febre", "temp {t} ºC", "fever {t}")
SLIPS = ("bom dia", "36..8", "oi", "ja respondi", "36,8 N 1 2 9 9", "mediram no posto")
LINK = re.compile(r"https?://\S+/q/[\w-]+")
CODE = re.compile(r"codigo do estudo e (\S+)\. ")
FORGETS, SLIPS_UP, CORRECTS, COMPLAINS = 0.08, 0.02, 0.02, 0.04
ONE_BY_ONE, ON_THE_PAGE = 0.12, 0.03
QUESTION = re.compile(r'name="item" value="(\w+)"')
CHOICE = re.compile(r'type="(?:radio|checkbox)" name="value" value="(\w+)"')
JSON = "application/json"


class PatientPlayer:
    """One patient: what arrives on the telephone, and what is done about it."""

    def __init__(self, stage: Rehearsal, patient_id: int, code: str, phone: str) -> None:
        self.stage, self.id, self.code, self.phone = stage, patient_id, code, phone
        self.dice = stage.dice
        self.one_by_one = self.dice.random() < ONE_BY_ONE
        self.newest = ""  # the question that waits for an answer: an older one is answered no more
        self.app = App(stage, phone)

    def plan_fevers(self) -> None:
        """About one fever in three weeks, at any hour of the day or night."""
        day = self.dice.randint(8, 25)
        while day < self.stage.days:
            at = self.stage.now + timedelta(days=day, minutes=self.dice.randint(0, 1439))
            self.stage.at(at, self.has_fever)
            day += self.dice.randint(8, 35)

    def has_fever(self) -> None:
        """Says so, in some words."""
        degrees = f"{self.dice.randint(383, 402) / 10:.1f}".replace(".", self.dice.choice(",,."))
        words = self.dice.choice(FEVER_WORDS).format(t=degrees)
        at = self.stage.now
        sid = self.says(words)
        self.stage.fevers.append({"patient": self.code, "said_at": at, "sid": sid})

    def rings(self, call: Call) -> None:
        """Calls of ours are let ring: what they say, the text said, too."""

    def gets(self, came: Text) -> None:
        """A text has come; most questions get an answer, after a while."""
        body = came.body
        text = body.casefold()
        if link := LINK.search(body):
            if self.dice.random() >= FORGETS:
                self._later(lambda: self.answers_week(link[0]), 5400)
        elif code := self.app.waits_for_code and CODE.search(body):
            self.app.pairs(code[1])
        elif found := next((words for words, _ in ANSWERS if words in text), None):
            if found != "nao entendemos":
                self.newest = found
            if self.newest and self.dice.random() >= FORGETS:
                self._later(lambda: self._replies_if_newest(found), 5400)

    def _later(self, do: Any, seconds: int) -> None:
        """Most within minutes, some within the hour, a few when the day has gone on."""
        longest = self.dice.choice((600, 600, seconds, seconds, seconds, 4 * seconds))
        self.stage.at(self.stage.now + timedelta(seconds=self.dice.randint(20, longest)), do)

    def _replies_if_newest(self, words: str) -> None:
        if words in (self.newest, "nao entendemos") and self.newest:
            asked, self.newest = self.newest, ""
            self._replies(asked)

    def _replies(self, asked: str) -> None:
        dice = self.dice.random()
        if dice < SLIPS_UP:
            self.newest = asked
            self.says(self.dice.choice(SLIPS))
            return
        answer = dict(ANSWERS)[asked] or self._temperature()
        if asked in DAILY and not self.one_by_one:
            answer = f"{answer} {self._signs()} 1 2"
        elif answer == "N":
            answer = self._signs()
        self.says(answer)
        if asked in DAILY and dice > 1 - CORRECTS:
            self._later(lambda: self.says(f"errei, {self._temperature()}"), 600)

    def _temperature(self) -> str:
        return f"{self.dice.randint(360, 372) / 10:.1f}".replace(".", ",")

    def _signs(self) -> str:
        return self.dice.choice(["F", "G", "D"]) if self.dice.random() < COMPLAINS else "N"

    def says(self, reply: str) -> str:
        return self.stage.says(self.phone, reply)

    def answers_week(self, link: str) -> None:
        """The week's questions: in the app, or one by one on the page behind the link."""
        if self.dice.random() < ON_THE_PAGE:
            on_the_page(self.stage, link)
        else:
            self.app.answers(self.dice)


class App:
    """The app on a patient's phone: paired once by a code, then it hands whole forms in."""

    def __init__(self, stage: Rehearsal, phone: str) -> None:
        self.stage, self.phone = stage, phone
        self.token, self.patient = "", 0
        self.waits_for_code = False
        self.items: list[dict[str, Any]] = []

    def answers(self, dice: Any) -> None:
        """Hand in the open weekly form; an app that is not paired yet is paired first."""
        if not self.token:
            self.waits_for_code = True
            self._asks("POST", "/api/v1/app/codes", {"phone": self.phone})
            return
        rows = self._asks("GET", f"/api/v1/patients/{self.patient}/occasions?status=open&limit=20")["items"]
        rows += self._asks("GET", f"/api/v1/patients/{self.patient}/occasions?status=late&limit=20")["items"]
        for row in rows:
            if row["questionnaire"] == "weekly":
                self._hands_in(row["id"], dice)

    def pairs(self, code: str) -> None:
        """The code has come: the phone gets its token, and what was begun goes on."""
        found = self._asks("POST", "/api/v1/app/devices", {"phone": self.phone, "code": code})
        if "token" not in found:  # it came too late: the next reminder begins anew
            return
        self.waits_for_code = False
        self.token, self.patient = found["token"], found["patient"]
        self.stage.at(self.stage.now + timedelta(seconds=30), lambda: self.answers(self.stage.dice))

    def _hands_in(self, occasion: int, dice: Any) -> None:
        if not self.items:
            path = f"/api/v1/patients/{self.patient}/questionnaires/weekly"
            self.items = [item for item in self._asks("GET", path)["items"] if not item.get("asked_when")]
        answers = {item["key"]: chosen(item, dice) for item in self.items}
        self._asks(
            "POST", f"/api/v1/occasions/{occasion}/responses",
            {"client_id": f"app-{occasion}", "phone_at": self.stage.now.isoformat(), "answers": answers},
        )  # fmt: skip

    def _asks(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent = json.dumps(body).encode() if body is not None else b""
        answer = self.stage.asks(method, path, sent, JSON, headers)
        if answer.status not in (200, 201, 202, 403, 409):
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.text}")
        found: dict[str, Any] = json.loads(answer.text)
        return found


def chosen(item: dict[str, Any], dice: Any) -> str:
    """An answer to one question, mostly that of a patient who is well; what may be left out is left out."""
    if not item["required"]:
        return ""
    if item["choices"]:
        return str(item["choices"][dice.random() < 0.1]["code"])
    return item["low"] or "0"


def on_the_page(stage: Rehearsal, link: str) -> None:
    """One question after the other as a browser shows them, until the page has none."""
    shown = stage.asks("GET", link)
    for _ in range(40):
        question = QUESTION.search(shown.text)
        if question is None:
            return
        choice = CHOICE.search(shown.text)
        answer = {"item": question[1], "phone_at": stage.now.isoformat()}
        if 'name="skip"' in shown.text:
            answer["skip"] = "yes"
        else:
            answer["value"] = choice[1] if choice else "0"
        stage.asks("POST", link, urlencode(answer).encode(), FORM)
        shown = stage.asks("GET", link)
