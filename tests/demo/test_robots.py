"""The made-up people: what the demo's weeks are made of."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from notifications.render import Renderer
from service.demo import clinic, seed
from service.demo.engine import Engine
from service.demo.robots import WELL, Robots, recogniser
from service.models import Observation, Occasion, Patient, Visit
from workflows.labs import LABS

NUMBER = dict(seed.PATIENTS)["P-001"]


@pytest.fixture
def engine(world: Any) -> Engine:
    robots = Robots(world.runtime, world.simulator, [NUMBER], [person.phone for person in seed.TEAM])
    robots.clinic = True
    engine = Engine(world.runtime, world.simulator, robots.act)
    engine.robots = robots  # type: ignore[attr-defined]
    world.enrol("P-001")
    return engine


def test_three_weeks_of_a_patient_who_is_well(world: Any, engine: Engine) -> None:
    engine.advance(timedelta(days=23))
    with world.runtime.db.reading() as session:
        held = {visit.code for visit in session.scalars(select(Visit).where(Visit.status == "completed"))}
        assert {"ENR", "BASE", "ATG1", "INF1"} <= held
        daily = list(session.scalars(select(Occasion).where(Occasion.questionnaire == "daily")))
        over = [one.status for one in daily if one.missed_at <= world.now]
        assert over and set(over) <= {"answered", "paused", "cancelled"}
        weekly = select(Occasion.status).where(
            Occasion.questionnaire == "weekly", Occasion.opens_at <= world.now
        )
        assert list(session.scalars(weekly)) == ["answered"]
        assert "anc" in set(session.scalars(select(Observation.code)))
    assert world.alerts() == []


def test_a_robot_with_a_fever_is_taken_care_of(world: Any, engine: Engine) -> None:
    engine.advance(timedelta(days=8))
    tomorrow = world.local.date() + timedelta(days=1)
    engine.robots.fevers[(NUMBER, tomorrow)] = "38,9"  # type: ignore[attr-defined]
    engine.advance(timedelta(days=2))
    (alert,) = world.alerts("P-001")
    assert (alert.status, alert.outcome) == ("closed", "sent_to_er")


def test_a_phone_that_a_person_plays_is_left_alone(world: Any, engine: Engine) -> None:
    engine.robots.quiet.add(NUMBER)  # type: ignore[attr-defined]
    engine.advance(timedelta(days=8))
    assert world.simulator.phone(NUMBER).inbox and not world.simulator.phone(NUMBER).outbox


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize("name", sorted(WELL))
def test_every_question_is_recognised_in_every_language(name: str, language: str) -> None:
    renderer = Renderer()
    fields = {field: "x" for field in renderer.fields(name)}
    for channel in ("sms", "whatsapp"):
        text = renderer.render(name, fields, language=language, channel=channel).text
        assert WELL[recogniser(renderer)(text)] == WELL[name]


def test_what_is_no_question_is_not_answered() -> None:
    renderer = Renderer()
    recognise = recogniser(renderer)
    for name in ("red", "saved", "amber", "opt_out", "welcome"):
        fields = {field: "x" for field in renderer.fields(name)}
        assert recognise(renderer.render(name, fields, language="pt-BR", channel="sms").text) == ""


def test_made_up_values_are_plausible_and_one_is_too_high() -> None:
    for code, _ in seed.PATIENTS:
        for week in range(27):
            for test, value in clinic.made_up_labs(code, f"W{week:02d}" if week else "BASE").items():
                assert LABS[test].low <= value <= LABS[test].high
    assert clinic.made_up_labs("P-003", "W02")["csa"] == Decimal(412)


def test_a_withdrawn_patient_has_no_visits_held(world: Any, engine: Engine) -> None:
    with world.runtime.db.unit_of_work() as session:
        session.scalars(select(Patient)).one().status = "withdrawn"
    assert clinic.hold_visits(world.runtime, date(2030, 1, 1)) == 0
