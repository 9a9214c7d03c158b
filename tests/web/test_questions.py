"""The patient's pages: one question each, small, without JavaScript; a fever shows the red page at once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from service.models import Message, Occasion, Reading, Response
from tests.web.pages import BASE, Page, Person, questions_link

FIRST_PAGE, LATER_PAGE = 10 * 1024, 3 * 1024


@pytest.fixture
def asked(world: Any) -> str:
    """The path of P-001's daily questions, open since 08:00."""
    return opened(world)


def opened(world: Any, language: str = "en") -> str:
    world.enrol("P-001", language=language)
    world.advance_to_local(8, 5, days=7)
    return questions_link(world, "P-001")


def answers_of(world: Any) -> dict[str, str]:
    with world.runtime.db.reading() as session:
        rows = session.scalars(select(Response).order_by(Response.id)).all()
        return {row.item: row.raw for row in rows}


def answer(person: Person, path: str, page: Page, status: int = 200, **values: Any) -> Page:
    return person.sends(page, path, status=status, **values)


def test_a_quiet_day_is_six_small_pages_and_never_reassures(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = person.opens(asked)
    assert "What is your temperature now?" in page.text
    for value, question in (
        ("36,6", "Where did you measure it?"),
        ("1", "Since yesterday"),
        ("N", "study doses"),
        ("1", "Compared with yesterday"),
    ):
        page = answer(person, asked, page, value=value)
        assert question in page.text
    page = answer(person, asked, page, value="2")
    assert "your answers were saved" in page.text
    assert not re.search(r"normal|fine|all is well|no problem|good news|healthy", page.text, re.I)
    assert answers_of(world) == {"temp": "36,6", "temp_site": "1", "signs": "N", "doses": "1", "well": "2"}
    with world.runtime.db.reading() as session:
        occasion = session.scalars(select(Occasion).where(Occasion.status == "answered")).one()
        assert occasion.ended_reason == "answered"
        assert session.scalars(select(Response.channel).distinct()).all() == ["web"]


def test_opening_a_page_changes_nothing(world: Any, asked: str) -> None:
    def everything() -> list[Any]:
        with world.runtime.db.reading() as session:
            return [
                session.scalar(select(func.count()).select_from(table)) for table in (Response, Reading, Message)
            ] + [(row.status, row.item) for row in session.scalars(select(Occasion).order_by(Occasion.id))]

    before = everything()
    person = Person(world.app.test_client())
    for path in (asked, f"{asked}?item=well", f"{asked}/offline.json"):
        assert world.app.test_client().get(path, base_url=BASE).status_code == 200
        person.opens(asked)
    assert everything() == before
    assert world.app.test_client().head(asked, base_url=BASE).status_code == 200
    assert everything() == before


def test_no_answer_is_filled_in(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = person.opens(asked)
    for value in ("36,6", "1", "N", "1", None):
        form = page.form(asked)
        assert not form["fields"].get("value"), form
        assert "checked" not in page.html and "selected" not in page.html
        if value:
            page = answer(person, asked, page, value=value)


@pytest.mark.parametrize("typed", ["38,4", "38.4", "101.3F", "39", "384"])
def test_a_fever_shows_the_red_page_in_that_very_response(world: Any, asked: str, typed: str) -> None:
    client = world.app.test_client()
    fields = Page(client.get(asked, base_url=BASE)).form(asked)["fields"]
    page = Page(client.post(asked, data={**fields, "value": typed}, base_url=BASE))
    assert page.status == 200 and "URGENT" in page.text and "Do not wait" in page.text
    assert {"tel:+551636020000", "tel:192"} <= set(page.links)
    assert world.alerts("P-001")[0].severity == "red"
    world.settle()
    assert world.phone("Dr. Reis").expects("P-001")
    again = Page(client.get(asked, base_url=BASE))
    assert "URGENT" in again.text, "coming back shows it again"
    assert answers_of(world) == {"temp": typed}


def test_a_grave_sign_is_red_too_and_ends_the_questions(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = answer(person, asked, person.opens(asked), value="36,6")
    page = answer(person, asked, page, value="1")
    page = answer(person, asked, page, value=["B", "G"])
    assert "URGENT" in page.text and "study doses" not in page.text


def test_amber_says_that_the_team_will_call_and_not_to_wait(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = person.opens(asked)
    for value in ("36,6", "1", "G", "2", "1"):
        page = answer(person, asked, page, value=value)
    page = answer(person, asked, page, value="2")
    assert "plans to call you" in page.text and "Do not wait for our call" in page.text


@pytest.mark.parametrize("typed", ["", "hello", "60", "12,5"])
def test_what_cannot_be_read_is_asked_again_and_kept(world: Any, asked: str, typed: str) -> None:
    person = Person(world.app.test_client())
    page = answer(person, asked, person.opens(asked), status=422, value=typed)
    assert "What is your temperature now?" in page.text and page.wrong == {"value"}
    assert page.form(asked)["fields"]["value"] == typed
    assert answers_of(world) == {}


def test_no_thermometer_is_an_answer(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = answer(person, asked, person.opens(asked), value="", none="NO")
    assert "Since yesterday" in page.text
    assert answers_of(world) == {"temp": "NO"}


def test_going_back_shows_the_answer_in_words_and_a_new_one_replaces_it(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = answer(person, asked, person.opens(asked), value="36,6")
    back = next(link for link in page.links if "item=temp" in link)
    page = person.opens(back)
    assert "You answered: 36,6" in page.text and not page.form(asked)["fields"]["value"]
    answer(person, asked, page, value="36,9")
    with world.runtime.db.reading() as session:
        rows = session.scalars(select(Response).where(Response.item == "temp").order_by(Response.id)).all()
        assert [row.raw for row in rows] == ["36,6", "36,9"] and rows[1].corrects_id == rows[0].id


def test_the_same_form_sent_twice_is_one_answer(world: Any, asked: str) -> None:
    client = world.app.test_client()
    fields = Page(client.get(asked, base_url=BASE)).form(asked)["fields"]
    for _ in range(2):
        client.post(asked, data={**fields, "value": "38,4"}, base_url=BASE)
    with world.runtime.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Response)) == 1
    assert len(world.alerts()) == 1


def test_the_phones_own_time_is_kept(world: Any, asked: str) -> None:
    client = world.app.test_client()
    fields = Page(client.get(asked, base_url=BASE)).form(asked)["fields"]
    typed = (world.now - timedelta(minutes=90)).isoformat().replace("+00:00", "Z")
    client.post(asked, data={**fields, "value": "36,4", "phone_at": typed}, base_url=BASE)
    with world.runtime.db.reading() as session:
        row = session.scalars(select(Response)).one()
        assert row.phone_at == world.now - timedelta(minutes=90) and row.received_at == world.now


def size(client: Any, path: str) -> int:
    """Bytes on the air."""
    answer = client.get(path, base_url=BASE, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200, path
    body = answer.get_data()
    assert answer.headers.get("Content-Encoding") == "gzip" or len(body) < 512
    return len(body)


def whole_first_page(client: Any, path: str) -> int:
    """Everything that a phone fetches which was never here: what it needs without a connection, too."""
    html = client.get(path, base_url=BASE).get_data(as_text=True)
    files = re.findall(r'(?:href|src)="(/(?:static|q)/[^"]+\.(?:css|js|svg|webmanifest)[^"]*)"', html)
    assert len(files) == 4, "stylesheet, icon, manifest, script"
    return sum(size(client, each) for each in (path, *files, "/q/worker.js", f"{path}/offline.json"))


def test_the_first_page_fits_in_10_kb_and_later_ones_in_3_kb(world: Any, asked: str) -> None:
    client = world.app.test_client()
    assert whole_first_page(client, asked) <= FIRST_PAGE
    person = Person(client)
    page = person.opens(asked)
    for value in ("36,6", "1", "N", "1"):
        page = answer(person, asked, page, value=value)
        assert size(client, asked) <= LATER_PAGE
    fields = page.form(asked)["fields"]
    zipped = {"Accept-Encoding": "gzip"}
    last = client.post(asked, data={**fields, "value": "4"}, base_url=BASE, headers=zipped)
    assert len(last.get_data()) <= LATER_PAGE


def test_every_page_has_the_call_button(world: Any, asked: str) -> None:
    person = Person(world.app.test_client())
    page = person.opens(asked)
    for value in ("36,6", "1", "N", "1", "2"):
        assert "tel:+551636020000" in page.links
        page = answer(person, asked, page, value=value)
    assert "tel:+551636020000" in page.links and "tel:192" in page.links


def test_portuguese_patients_read_portuguese_whatever_the_browser_says(world: Any) -> None:
    asked = opened(world, language="pt-BR")
    client = world.app.test_client()
    page = Page(client.get(asked, base_url=BASE, headers={"Accept-Language": "en"}))
    assert "Qual é a sua temperatura agora?" in page.text and "Continuar" in page.text
    fields = page.form(asked)["fields"]
    page = Page(client.post(asked, data={**fields, "value": "38,4"}, base_url=BASE))
    assert "URGENTE" in page.text and "Não espere" in page.text


def test_an_unknown_and_an_old_link_say_whom_to_call_and_nothing_of_a_patient(world: Any, asked: str) -> None:
    client = world.app.test_client()
    assert client.get("/q/nothing", base_url=BASE).status_code == 404
    world.clock.advance(timedelta(days=4))
    page = Page(client.get(asked, base_url=BASE))
    assert page.status == 410 and "link has ended" in page.text and "P-001" not in page.html
    page = Page(client.post(asked, data={"item": "temp", "value": "x"}, base_url=BASE, follow_redirects=True))
    assert page.status == 410 and "P-001" not in page.html


def test_a_missed_day_is_not_filled_in_afterwards(world: Any, asked: str) -> None:
    client = world.app.test_client()
    fields = Page(client.get(asked, base_url=BASE)).form(asked)["fields"]
    world.clock.advance(timedelta(hours=28, minutes=30))  # past noon of the next day, by which the day is missed
    page = Page(client.post(asked, data={**fields, "value": "36,6"}, base_url=BASE))
    page = Page(client.get(asked, base_url=BASE)) if page.status == 303 else page
    assert "No question is open now" in page.text and "tel:+551636020000" in page.links
    with world.runtime.db.reading() as session:
        (row,) = session.scalars(select(Response))
        assert (row.raw, row.occasion_id) == ("36,6", None), "what was said is kept, by itself"
        assert session.get(Occasion, 1).status != "answered"


def test_a_fever_that_waited_on_the_phone_too_long_is_heard_all_the_same(world: Any, asked: str) -> None:
    client = world.app.test_client()
    fields = Page(client.get(asked, base_url=BASE)).form(asked)["fields"]
    typed = world.now.isoformat()
    world.clock.advance(timedelta(days=4))
    for _ in range(2):
        page = Page(client.post(asked, data={**fields, "value": "38,4", "phone_at": typed}, base_url=BASE))
        assert page.status == 200 and "URGENT" in page.text
    (alert,) = world.alerts("P-001")
    assert alert.severity == "red" and alert.reported_at.isoformat() == typed
    with world.runtime.db.reading() as session:
        (row,) = session.scalars(select(Response))
        assert row.occasion_id is None and row.phone_at.isoformat() == typed


def test_an_answer_to_a_day_that_red_has_ended_is_kept_too(world: Any, asked: str) -> None:
    client = world.app.test_client()
    fields = Page(client.get(asked, base_url=BASE)).form(asked)["fields"]
    client.post(asked, data={**fields, "value": "38,4"}, base_url=BASE)
    late = {**fields, "item": "well", "value": "4", "client_id": "another"}
    assert "URGENT" in Page(client.post(asked, data=late, base_url=BASE)).text or world.alerts("P-001")
    assert answers_of(world) == {"temp": "38,4", "well": "4"}


def test_a_cookie_is_neither_set_nor_needed(world: Any, asked: str) -> None:
    answer = world.app.test_client().get(asked, base_url=BASE)
    assert "Set-Cookie" not in answer.headers


def test_optional_questions_can_be_left_out(world: Any) -> None:
    from datetime import date

    number = world.enrol("P-001", on=date(2026, 2, 9), language="en")
    world.infuses(number, date(2026, 2, 23))
    world.advance_to_local(10, 5)
    weekly = world.phone("P-001").link()
    assert whole_first_page(world.app.test_client(), weekly) <= FIRST_PAGE
    person = Person(world.app.test_client())
    page = person.opens(weekly)
    assert "highest temperature" in page.text and "last 7 days" in page.text
    page = person.sends(page, weekly, skip="yes")
    assert "infection" in page.text
    for _ in range(40):
        if "answers were saved" in page.text:
            break
        optional = "No answer to this one" in page.text
        choices = "checkbox" in page.html or "radio" in page.html
        page = person.sends(page, weekly, **({"skip": "yes"} if optional else {"value": "1" if choices else "0"}))
    assert "answers were saved" in page.text
