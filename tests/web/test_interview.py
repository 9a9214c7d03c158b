"""The questions by telephone: the same rules, another mode, with the name of who typed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.demo import seed
from service.models import Occasion, Reading, Response
from tests.web.pages import Page, Person


@pytest.fixture
def asked(world: Any) -> tuple[Person, str]:
    number = world.enrol("P-001")
    world.advance_to_local(8, 5, days=7)
    person = Person(world.browser(seed.ANA))
    person.sends(person.opens("/"), "/language", language="en")
    return person, f"/patients/{number}/interview/daily"


def responses(world: Any) -> list[Response]:
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(Response).order_by(Response.id)))


def test_answers_are_kept_as_an_interview_with_the_name_of_who_typed(world: Any, asked: tuple[Person, str]) -> None:
    person, path = asked
    page = person.opens(path)
    assert "waiting for an answer" in page.text
    page = person.sends(page, path, temp="36,4", temp_site="1", signs=["N"], doses="1", well="2")
    assert "Saved." in page.text
    rows = responses(world)
    assert {row.item: row.raw for row in rows} == {
        "temp": "36,4", "temp_site": "1", "signs": "N", "doses": "1", "well": "2",
    }  # fmt: skip
    ana = world.staff(seed.ANA.name)
    assert {(row.channel, row.typed_by) for row in rows} == {("phone", f"staff:{ana.id}")}
    with world.runtime.db.reading() as session:
        assert session.scalars(select(Occasion).where(Occasion.status == "answered")).one()


def test_a_fever_on_the_telephone_opens_a_case_and_says_so(world: Any, asked: tuple[Person, str]) -> None:
    person, path = asked
    page = person.sends(person.opens(path), path, temp="38,9")
    assert "RED" in page.text and "Tell the patient now" in page.text
    world.settle()
    assert world.phone("Dr. Reis").expects("P-001")
    with world.runtime.db.reading() as session:
        assert session.scalars(select(Reading)).one().celsius == "38.9"


def test_one_unreadable_answer_stores_nothing_and_keeps_the_rest(world: Any, asked: tuple[Person, str]) -> None:
    person, path = asked
    page = person.sends(person.opens(path), path, status=422, temp="hot", doses="1")
    assert page.wrong == {"temp"}
    fields = page.form(path)["fields"]
    assert fields["temp"] == "hot" and fields["doses"] == ["1"]
    assert responses(world) == []
    page = person.sends(person.opens(path), path, status=422)
    assert "No answer is ticked" in page.text


def test_the_same_form_sent_twice_is_one_interview(world: Any, asked: tuple[Person, str]) -> None:
    person, path = asked
    page = person.opens(path)
    for _ in range(2):
        person.sends(page, path, temp="36,4")
    assert len(responses(world)) == 1


def test_other_questionnaires_are_not_found(world: Any, asked: tuple[Person, str]) -> None:
    person, path = asked
    assert isinstance(person.opens(path.replace("daily", "nothing"), status=404), Page)
