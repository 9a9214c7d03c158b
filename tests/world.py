"""Phones and a clock, so that tests read as stories.

    world.enrol("P-001")
    world.advance(days=7)
    world.phone("P-001").expects("temperatura")
    world.phone("P-001").replies("38,7")
    world.phone("Dr. Reis").expects("P-001")

Everything runs in this process and in order: the real code, the real twilio client, the simulator's
application without a
socket, and a clock that stands still until it is moved.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service import sender, tick
from service.carriers import carriers_from
from service.demo import seed
from service.demo.inprocess import InProcessTwilioHttpClient
from service.demo.simulator import Simulator, create_simulator
from service.models import Alert, Message, Patient, Site, Staff
from service.use_cases import anchors

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


class Phone:
    """One number's inbox and keyboard. What `expects` finds counts as read."""

    def __init__(self, world: World, number: str, name: str) -> None:
        self.world, self.number, self.name = world, number, name
        self.read = 0

    @property
    def inbox(self) -> list[str]:
        """Every text that was delivered, oldest first."""
        return [text.body for text in self.world.simulator.phone(self.number).inbox]

    @property
    def unread(self) -> list[str]:
        return self.inbox[self.read :]

    def expects(self, *words: str) -> str:
        """A text not read so far that holds all the words; those up to it count as read. AssertionError
        shows the inbox."""
        for place in range(self.read, len(self.inbox)):
            text = self.inbox[place]
            if all(word.casefold() in text.casefold() for word in words):
                self.read = place + 1
                return text
        raise AssertionError(f"{self.name} got no text with {words}; unread: {self.unread}")

    def expects_nothing(self) -> None:
        """No unread text."""
        assert not self.unread, f"{self.name} got {self.unread}"

    def reads_all(self) -> list[str]:
        """Everything unread, which then counts as read."""
        texts, self.read = self.unread, len(self.inbox)
        return texts

    def replies(self, body: str, *, to: str | None = None, media: tuple[str, ...] = ()) -> None:
        """Type a text; what the service does about it is done before this returns."""
        from tests.conftest import FROM

        self.world.simulator.receive(self.number, to or FROM, body, media)
        self.world.settle()

    def code(self) -> str:
        """The case code in the newest page, without its digit ("7K")."""
        for text in reversed(self.inbox):
            found = re.search(r"\b(\d[A-Z])4\b", text)
            if found:
                return found[1]
        raise AssertionError(f"{self.name} has no page: {self.inbox}")

    def link(self) -> str:
        """The path of the newest link."""
        for text in reversed(self.inbox):
            found = re.search(r"https?://[^/\s]+(/\S+)", text)
            if found:
                return found[1].rstrip(".")
        raise AssertionError(f"{self.name} has no link: {self.inbox}")

    @property
    def calls(self) -> list[Any]:
        return [call for call in self.world.simulator.calls if call.to == self.number]


class World:
    """The study at RP, its team, a simulator, and a clock that stands still."""

    def __init__(self, house: Any) -> None:
        from tests.conftest import ACCOUNT, FROM, PAGE_FROM, PUBLIC, TOKEN, WHATSAPP_FROM

        self.house, self.app, self.runtime = house, house.app, house.runtime
        self.clock = self.runtime.clock
        self.simulator = Simulator(ACCOUNT, TOKEN, public_url=PUBLIC, now=lambda: self.clock.now())
        for number in (FROM, PAGE_FROM, WHATSAPP_FROM):
            self.simulator.own(number, sms_url=f"{PUBLIC}/webhooks/twilio/sms")
        self.simulator.wire(self.app)
        self.runtime.carriers = carriers_from(
            house.config, http_client=InProcessTwilioHttpClient(create_simulator(self.simulator))
        )
        self.sender = sender.Sender(self.runtime)
        self.phones: dict[str, Phone] = {}

    def close(self) -> None:
        """Nothing is left running."""

    # --- the clock

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def local(self) -> datetime:
        """The time in Sao Paulo."""
        return self.now.astimezone(SAO_PAULO)

    def settle(self) -> None:
        """Everything that is due now is done: ticks, sending, callbacks."""
        tick.settle(self.runtime, self.sender, self.simulator.deliver)

    def advance(self, **by: int) -> None:
        """Move the clock (`minutes=`, `hours=`, `days=`, `seconds=`), doing each due thing at its own time."""
        self.advance_to(self.now + timedelta(**by))

    def advance_to(self, until: datetime) -> None:
        """Move the clock to `until`, stepping through each due item in order."""
        tick.advance(self.runtime, until, sender=self.sender, pump=self.simulator.deliver)

    def advance_to_local(self, hour: int, minute: int = 0, *, days: int = 0) -> None:
        """To the next such time of day in Sao Paulo (or `days` later than that)."""
        target = self.local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if target <= self.local:
            target += timedelta(days=1)
        self.advance_to(target + timedelta(days=days))

    # --- people

    def enrol(self, code: str = "P-001", *, on: date | None = None, language: str = "pt-BR") -> int:
        """Enrol a made-up patient; their id. Welcome texts are sent, and count as unread."""
        with self.runtime.db.unit_of_work() as session:
            patient = seed.enrol(session, code, on=on or self.local.date(), now=self.now, language=language)
            number = patient.id
        self.settle()
        return number

    def infuses(self, number: int, on: date) -> None:
        """The first infusion of a patient was given on that day."""
        with self.runtime.db.unit_of_work() as session:
            anchors.commit(
                session, session.get_one(Patient, number), anchor="infusion_1", date=on, reason="given",
                actor="system", now=self.now,
            )  # fmt: skip

    def phone(self, name: str) -> Phone:
        """The phone of a patient ("P-001") or of one of the team ("Dr. Reis")."""
        if name not in self.phones:
            numbers = dict(seed.PATIENTS) | {person.name: person.phone for person in seed.TEAM}
            self.phones[name] = Phone(self, numbers.get(name, name), name)
        return self.phones[name]

    def patient(self, code: str) -> Patient:
        with self.runtime.db.reading() as session:
            return session.scalars(select(Patient).where(Patient.code == code)).one()

    def staff(self, name: str) -> Staff:
        with self.runtime.db.reading() as session:
            return session.scalars(select(Staff).where(Staff.name == name)).one()

    def site(self) -> Site:
        with self.runtime.db.reading() as session:
            return session.scalars(select(Site)).one()

    def alerts(self, code: str | None = None) -> list[Alert]:
        with self.runtime.db.reading() as session:
            query = select(Alert).order_by(Alert.id)
            if code:
                query = query.join(Patient).where(Patient.code == code)
            return list(session.scalars(query))

    def messages(self, **where: Any) -> list[Message]:
        with self.runtime.db.reading() as session:
            return list(session.scalars(select(Message).filter_by(**where).order_by(Message.id)))

    # --- the edge

    def token(self, role: str = "coordinator") -> str:
        """A new API token of that role, for the site RP."""
        from service.use_cases import tokens

        with self.runtime.db.unit_of_work() as session:
            return tokens.create(
                session, name="tests", role=role, site_id=self.site().id, actor="system", now=self.now
            )

    def api(self, method: str, path: str, body: Any = None, *, role: str = "coordinator", **headers: str) -> Any:
        """Call /api/v1 as a token of that role; the response, with `.json`."""
        return self.app.test_client().open(
            f"/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body),
            headers={
                "Authorization": f"Bearer {self.token(role)}",
                "Content-Type": "application/json",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    def browser(self, person: seed.Person = seed.ANA) -> Any:
        """A logged-in test client of one of the team."""
        client = self.app.test_client()
        page = client.get("/login", base_url="https://vigilia.test").get_data(as_text=True)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        answer = client.post(
            "/login",
            data={"email": person.email, "password": seed.PASSWORD, "csrf_token": token[1] if token else ""},
            base_url="https://vigilia.test",
        )
        assert answer.status_code in (302, 303), answer.get_data(as_text=True)
        return client
