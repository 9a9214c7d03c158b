"""What a Portuguese page says of things that the record keeps as codes; an answer and its correction side by side."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from notifications.catalog import CATALOG
from notifications.message import Channel
from service.demo import seed
from service.models import Response
from service.web.words_messages import TEMPLATE
from tests.web.pages import Person


@pytest.fixture
def ana(world: Any) -> Person:
    return in_portuguese(world)


def in_portuguese(world: Any) -> Person:
    """The coordinator, just logged in."""
    person = Person(world.browser(seed.ANA))
    person.sends(person.opens("/"), "/language", language="pt-BR")
    return person


def test_the_study_page_has_no_english_list(world: Any, ana: Person) -> None:
    page = ana.opens("/study")
    assert "O dia 1 da ATG é projetado 7 dias depois da inclusão" in page.text
    assert "is projected" not in page.text


def test_a_message_is_named_in_words(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    world.phone("P-001").replies("38,9")
    page = ana.opens(f"/patients/{number}")
    assert "Orientação urgente: ligar agora ou ir ao hospital" in page.text
    assert "visita realizada: incluído" in page.text
    assert "Template" not in page.text and "enrolled" not in page.text


def test_every_message_to_a_patient_has_words() -> None:
    to_staff = {"contact_code", "contact_heard"}
    staff_ways = {Channel.EMAIL}
    for template in CATALOG.values():
        if not template.channels & staff_ways and template.name not in to_staff:
            assert template.name.removesuffix("_minimal") in TEMPLATE, template.name


def test_a_visit_by_telephone_is_called_and_not_arrived_at(world: Any, ana: Person) -> None:
    number = world.enrol("P-001", on=date(2026, 2, 9))
    world.infuses(number, date(2026, 3, 1))
    page = ana.opens("/")
    assert "INF1C" in page.text and "Ligação feita" in page.text and "Chegou P-001 INF1C" not in page.text


def test_the_thread_shows_an_answer_and_its_correction_with_who_and_why(world: Any) -> None:
    number = world.enrol("P-001")
    world.advance_to_local(8, 5, days=7)
    ana = in_portuguese(world)
    path = f"/patients/{number}/interview/daily"
    page = ana.sends(ana.opens(path), path, temp="36,4", temp_site="1", signs=["N"], doses="2", well="2")
    with world.runtime.db.reading() as session:
        old = session.scalars(select(Response).where(Response.item == "doses")).one().id
    page = ana.sends(page, f"/responses/{old}/correct", value="1", reason="ouvi mal")
    story = page.html.partition('id="thread"')[2]
    new, _, before = story.partition("ouvi mal")
    assert "correção" in new
    assert "<q>1</q> Todas" in new and "Ana Souza" in new and "<q>2</q> Algumas" in before


def test_an_interview_is_read_in_the_patients_language(world: Any, ana: Person) -> None:
    number = world.enrol("P-001", language="en")
    page = ana.opens(f"/patients/{number}/interview/daily")
    assert "What is your temperature now?" in page.text and "Qual é a sua temperatura" not in page.text
