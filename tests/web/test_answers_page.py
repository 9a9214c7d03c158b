"""The page of answers: who answered on which day, why not, and who is to be called."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from service.demo import seed
from service.models import Occasion, Response
from tests.web.pages import Page, Person
from tests.web.test_console import coordinator

ENDED = (
    (date(2026, 3, 2), "missed", "no answer in time"),
    (date(2026, 3, 3), "paused", "in hospital"),
)


@pytest.fixture
def ana(world: Any) -> Person:
    """Ana, when P-001 has answered and P-002 has missed a day and is in hospital on the next."""
    for code in ("P-001", "P-002"):
        world.enrol(code, on=date(2026, 2, 23))
    world.phone("P-001").replies("36,5 N 1 2")
    world.phone("P-001").replies("1")  # the armpit, asked once
    silent = world.patient("P-002").id
    with world.runtime.db.unit_of_work() as session:
        for day, status, reason in ENDED:
            query = select(Occasion).filter_by(patient_id=silent, questionnaire="daily", for_date=day)
            row = session.scalars(query).one()
            row.status, row.ended_reason, row.next_due_at = status, reason, None
    return coordinator(world)


def calls(page: Page) -> str:
    """The list of who is to be called."""
    return page.text[page.text.index("To call today") : page.text.index("No answer never means")]


def test_each_day_says_in_a_sentence_what_became_of_it_and_who_is_to_be_called(world: Any, ana: Person) -> None:
    page = ana.opens("/answers")
    assert 'aria-label="P-001, daily questions, Mon 2 Mar: answered"' in page.html
    assert 'aria-label="P-002, daily questions, Mon 2 Mar: missed; no answer in time"' in page.html
    assert 'aria-label="P-002, daily questions, Tue 3 Mar: paused; in hospital"' in page.html
    assert "P-001" not in calls(page)
    assert "P-002" in calls(page) and "Mon 2 Mar: missed; no answer in time" in calls(page)
    world.phone("P-001").replies("LIGAR")
    world.settle()
    assert "P-001" in calls(ana.opens("/answers")) and "asks to be called" in calls(ana.opens("/answers"))


def test_in_portuguese_too_and_for_those_who_read_patients_only(world: Any, ana: Person) -> None:
    ana.sends(ana.opens("/answers"), "/language", language="pt-BR")
    page = ana.opens("/answers")
    assert "Ligar hoje" in page.text and "sem resposta a tempo" in page.html
    Person(world.browser(seed.MOTA)).opens("/answers")
    assert "P-002" not in Person(world.browser(seed.BIA)).opens("/answers", status=403).text


def test_an_answer_of_a_form_that_is_done_is_corrected_and_both_are_shown(world: Any, ana: Person) -> None:
    number = world.patient("P-001").id
    with world.runtime.db.reading() as session:
        query = select(Response).filter_by(patient_id=number, item="well")
        first = session.scalars(query).one()
    page = ana.opens(f"/patients/{number}")
    path = f"/responses/{first.id}/correct"
    ana.sends(page, path, status=422, value="4", reason="")
    page = ana.sends(page, path, value="4", reason="said so by telephone")
    assert "Corrected" in page.text and not [form for form in page.forms if form["action"] == path]
    assert page.text.count("said so by telephone") >= 2, "in the answers and in the thread"
    assert "compared with yesterday: 2 The same corrected" in page.text
    assert "compared with yesterday: 4 Much worse correction said so by telephone" in page.text
    with world.runtime.db.reading() as session:
        rows = session.scalars(query.order_by(Response.id)).all()
        assert [(row.raw, row.corrects_id) for row in rows] == [("2", None), ("4", first.id)]
        assert session.scalars(select(Occasion.status).where(Occasion.id == first.occasion_id)).one() == "answered"
    assert "much worse" in page.text
