"""The phones page, as somebody clicks it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.app import create_app
from service.demo import pages, seed
from service.demo.engine import Engine, Mailbox
from service.demo.robots import Robots
from service.demo.sim_api import create_simulator
from service.demo.stage import ZONE, Stage
from service.demo.words import WORDS
from service.models import Alert, Staff, Task
from service.use_cases import alerts

PATIENT = dict(seed.PATIENTS)["P-001"]


class Clicker:
    """A stage without a thread, and a browser on its page."""

    def __init__(self, world: Any) -> None:
        self.world = world
        app = create_app(world.house.config, runtime=world.runtime)
        app.testing = True
        world.simulator.wire(app)
        robots = Robots(
            world.runtime,
            world.simulator,
            patients=[number for _, number in seed.PATIENTS],
            staff=[person.phone for person in seed.TEAM],
        )
        self.stage = Stage(
            config=world.house.config,
            runtime=world.runtime,
            app=app,
            simulator=world.simulator,
            simulator_app=create_simulator(world.simulator),
            engine=Engine(world.runtime, world.simulator, robots.act),
            robots=robots,
            mailbox=Mailbox(),
            language="en",
        )
        app.register_blueprint(pages.blueprint(self.stage))
        self.client = app.test_client()

    def page(self, address: str = "/demo") -> str:
        answer = self.client.get(address)
        assert answer.status_code == 200
        return str(answer.get_data(as_text=True))

    def click(self, address: str, **form: str) -> int:
        answer = self.client.post(f"/demo/{address}", data=form)
        self.stage.engine.settle()
        return int(answer.status_code)

    def inbox(self, number: str) -> list[str]:
        return [text.body for text in self.stage.simulator.phone(number).inbox]

    def code(self, number: str) -> str:
        """The case's code on a phone, read from its screen."""
        slug = next(person.name for person in seed.TEAM if person.phone == number).lower().replace(". ", "-")
        found = re.search(r'name="body" value="(\w+)4"', self.page(f"/demo?s={slug}"))
        assert found, self.inbox(number)
        return found[1]


@pytest.fixture
def clicker(world: Any) -> Clicker:
    world.enrol("P-001", language="en")
    world.enrol("P-002")
    return Clicker(world)


def test_from_a_fever_to_a_named_doctor_in_two_clicks(clicker: Clicker) -> None:
    assert clicker.click("story/fever", patient="P-001") == 303
    assert clicker.stage.runtime.clock.now().astimezone(ZONE).strftime("%H:%M") == "03:12"
    assert any(text.startswith("URGENT") for text in clicker.inbox(PATIENT))
    assert any("P-001" in text for text in clicker.inbox(seed.REIS.phone))
    code = clicker.code(seed.REIS.phone)
    clicker.click("text", number=seed.REIS.phone, body=f"{code}4")
    (alert,) = clicker.world.alerts("P-001")
    assert alert.status == "acknowledged"
    assert clicker.world.staff("Dr. Reis").id == alert.acknowledged_by_id
    assert f"{code}4 ·" not in clicker.page("/demo?s=dr-reis")
    clicker.stage.engine.advance(timedelta(minutes=1))
    assert "patient:" not in clicker.page()


def test_a_case_that_was_taken_elsewhere_offers_no_key_any_more(clicker: Clicker) -> None:
    clicker.click("story/fever", patient="P-001")
    code = clicker.code(seed.REIS.phone)
    with clicker.stage.runtime.db.unit_of_work() as session:
        alert = session.scalars(select(Alert).where(Alert.case == code)).one()
        doctor = session.scalars(select(Staff).where(Staff.email == seed.LIMA.email)).one()
        alerts.acknowledge(session, alert, staff=doctor, via="link", now=clicker.stage.runtime.clock.now())
    assert f"{code}4 ·" not in clicker.page("/demo?s=dr-reis")


def test_when_the_doctor_does_not_answer_the_ladder_is_climbed(clicker: Clicker) -> None:
    clicker.click("story/silent_doctor", patient="P-001")
    for person in (seed.REIS, seed.LIMA, seed.PRADO, seed.MOTA):
        assert any("P-001" in text for text in clicker.inbox(person.phone)), person.name
    assert clicker.stage.simulator.phone(seed.REIS.phone).calls
    assert any("emergency room" in text for text in clicker.inbox(PATIENT)[-2:])
    assert clicker.world.alerts("P-001")[0].status == "open"


def test_a_ringing_phone_is_answered_with_a_key(clicker: Clicker) -> None:
    clicker.click("story/fever", patient="P-001")
    clicker.stage.engine.advance(timedelta(seconds=70))
    (call,) = clicker.stage.simulator.phone(seed.REIS.phone).calls
    assert call.ringing and f"/demo/call/{call.sid}/answer" in clicker.page("/demo?s=dr-reis")
    clicker.click(f"call/{call.sid}/answer")
    assert any("P-001" in said for said in call.said)
    clicker.click(f"call/{call.sid}/press", digits="4")
    assert clicker.world.alerts("P-001")[0].status == "acknowledged"
    assert not call.live


def test_stop_ends_the_texts_and_tells_the_coordinator(clicker: Clicker) -> None:
    clicker.click("story/stop", patient="P-001")
    with clicker.stage.runtime.db.reading() as session:
        patient = clicker.world.patient("P-001").id
        assert list(session.scalars(select(Task).where(Task.patient_id == patient)))
    before = len(clicker.inbox(PATIENT))
    clicker.click("clock/day")
    assert len(clicker.inbox(PATIENT)) == before


def test_a_carrier_that_was_down_loses_no_page(clicker: Clicker) -> None:
    clicker.click("story/carrier", patient="P-001")
    assert WORDS["en"]["down"] in clicker.page()
    clicker.click("story/fever", patient="P-001")
    assert not any("P-001" in text for text in clicker.inbox(seed.REIS.phone))
    assert WORDS["en"]["carrier_up"] in clicker.page()
    clicker.click("story/carrier", patient="P-001")
    clicker.stage.engine.advance(timedelta(minutes=2))
    assert any("P-001" in text for text in clicker.inbox(seed.REIS.phone))
    assert any(text.startswith("URGENT") for text in clicker.inbox(PATIENT))


def test_the_clock_moves_and_stops_at_the_next_event(clicker: Clicker) -> None:
    clock = clicker.stage.runtime.clock
    before = clock.now()
    clicker.click("clock/hour")
    assert clock.now() == before + timedelta(hours=1)
    clicker.click("clock/next")
    assert clock.now() > before + timedelta(hours=1)


def test_other_patients_answer_by_themselves_until_somebody_types(clicker: Clicker) -> None:
    number = dict(seed.PATIENTS)["P-002"]
    clicker.stage.robots.clinic = True  # visits are held, so that the daily questions begin
    clicker.stage.engine.advance(timedelta(days=8))
    clicker.stage.robots.clinic = False
    assert clicker.stage.simulator.phone(number).outbox
    clicker.click("text", number=number, body="36,5")
    typed = len(clicker.stage.simulator.phone(number).outbox)
    clicker.click("clock/day")
    assert len(clicker.stage.simulator.phone(number).outbox) == typed


@pytest.mark.parametrize("language", sorted(WORDS))
def test_the_page_speaks_both_languages(clicker: Clicker, language: str) -> None:
    clicker.click("language", language=language)
    page = clicker.page()
    for word in ("fever", "silent_doctor", "carrier", "feed", "hour"):
        assert WORDS[language][word] in page
    assert f'lang="{language}"' in page


def test_both_languages_say_the_same_things() -> None:
    assert {key for key in WORDS["en"]} == {key for key in WORDS["pt-BR"]}


def test_the_page_is_only_sent_again_when_something_changed(clicker: Clicker) -> None:
    first = clicker.client.get("/demo/parts?a=P-001&b=P-002&s=dr-lima")
    assert set(first.json) == set(pages.PARTS)
    again = clicker.client.get(
        "/demo/parts?a=P-001&b=P-002&s=dr-lima", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
    clicker.click("text", number=PATIENT, body="oi")
    changed = clicker.client.get(
        "/demo/parts?a=P-001&b=P-002&s=dr-lima", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert changed.status_code == 200 and "oi" in changed.json["phone-a"]


def test_what_a_text_holds_is_shown_and_never_run(clicker: Clicker) -> None:
    clicker.click("text", number=PATIENT, body="<script>alert(1)</script>")
    assert "<script>alert(1)" not in clicker.page()
    assert "&lt;script&gt;alert(1)" in clicker.page()


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("text", {"number": "+15550009999", "body": "x"}),
        ("story/earthquake", {"patient": "P-001"}),
        ("story/fever", {"patient": "P-999"}),
        ("clock/year", {}),
        ("call/CA0/answer", {}),
    ],
)
def test_what_is_not_on_the_page_is_not_found(clicker: Clicker, address: str, form: dict[str, str]) -> None:
    assert clicker.click(address, **form) == 404
