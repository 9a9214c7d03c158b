"""What a patient types and no question can read: kept, heard, and given to a human; never only refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.models import Inbound, Response, Task
from tests.web.pages import BASE, Page, Person, questions_link


@pytest.fixture
def asked(world: Any) -> str:
    """The path of P-001's daily questions, open since 08:00."""
    world.enrol("P-001", language="en")
    world.advance_to_local(8, 5, days=7)
    return questions_link(world, "P-001")


def kept(world: Any) -> list[tuple[str, str, str]]:
    """The words that were kept: item, words, channel."""
    with world.runtime.db.reading() as session:
        return [(row.form["item"], row.body, row.channel) for row in session.scalars(select(Inbound))]


def to_read(world: Any) -> list[str]:
    """The words that wait for a human."""
    with world.runtime.db.reading() as session:
        return [row.detail["text"] for row in session.scalars(select(Task).where(Task.kind == "unclear_answer"))]


def fields_of(world: Any, path: str) -> dict[str, Any]:
    page = Page(world.app.test_client().get(path, base_url=BASE))
    fields: dict[str, Any] = page.form(path.split("?")[0])["fields"]
    return fields


def test_it_is_explained_once_and_then_a_human_reads_it(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = person.sends(person.opens(asked), asked, status=422, value="warm")
    assert kept(world) == [("temp", "warm", "web")] and to_read(world) == []
    page = person.sends(page, asked, status=422, value="rather warm")
    assert to_read(world) == ["rather warm"]
    assert "Where did you measure" in person.sends(page, asked, value="36,6").text


def test_a_phone_that_sends_what_waited_may_forget_it(world: Any, asked: str) -> None:
    typed = (world.now - timedelta(hours=1)).isoformat()
    sent = {**fields_of(world, asked), "value": "não medi direito", "phone_at": typed}
    for _ in range(2):
        answer = world.app.test_client().post(asked, data=sent, base_url=BASE, headers={"Accept": "*/*"})
        assert answer.status_code == 303
    assert kept(world) == [("temp", "não medi direito", "web")] and to_read(world) == ["não medi direito"]
    with world.runtime.db.reading() as session:
        assert session.scalars(select(Inbound)).one().carrier_at.isoformat() == typed
    page = Person(world.browser()).opens("/patients/1")
    assert "não medi direito" in page.text


def test_distress_in_the_wrong_field_shows_the_red_page_at_once(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = person.sends(person.opens(asked), asked, value="I can't breathe")
    assert "URGENT" in page.text and world.alerts("P-001")[0].severity == "red"
    assert "URGENT" in person.opens(asked).text
    world.settle()
    world.phone("Dr. Reis").expects("P-001")


def test_a_fever_in_another_question_is_a_fever(world: Any, asked: str) -> None:
    sent = {**fields_of(world, f"{asked}?item=well"), "value": "worse, 38.9"}
    page = Page(world.app.test_client().post(asked, data=sent, base_url=BASE))
    assert "URGENT" in page.text and world.alerts("P-001")[0].severity == "red"


def test_an_answer_to_a_question_that_is_no_more_is_not_taken_for_another(world: Any, asked: str) -> None:
    sent = {**fields_of(world, asked), "item": "pulse", "value": "36"}
    assert world.app.test_client().post(asked, data=sent, base_url=BASE).status_code == 303
    with world.runtime.db.reading() as session:
        assert list(session.scalars(select(Response))) == []
    assert kept(world) == [("pulse", "36", "web")] and to_read(world) == ["36"]


def test_words_for_a_day_that_is_over_are_kept(world: Any, asked: str) -> None:
    sent = {**fields_of(world, asked), "value": "warm"}
    world.clock.advance(timedelta(days=4))
    assert world.app.test_client().post(asked, data=sent, base_url=BASE).status_code == 303
    assert to_read(world) == ["warm"]


def test_another_answer_on_a_page_from_the_browsers_memory_counts(world: Any, asked: str) -> None:
    client, fields = world.app.test_client(), fields_of(world, asked)
    for value in ("36,5", "38,5", "36,5"):
        page = Page(client.post(asked, data={**fields, "value": value}, base_url=BASE, follow_redirects=True))
    assert "URGENT" in page.text and world.alerts("P-001")[0].severity == "red"
    with world.runtime.db.reading() as session:
        assert [row.raw for row in session.scalars(select(Response).order_by(Response.id))] == ["36,5", "38,5"]
