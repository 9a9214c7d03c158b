"""Log in and out, the session's end, the language, and forms that only their own page may send."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.demo import seed
from service.models import Staff
from tests.web.pages import BASE, Page, Person


def test_a_page_asks_for_a_log_in_and_comes_back_to_it(world: Any) -> None:
    world.enrol("P-001")
    person = Person(world.app.test_client())
    page = person.opens("/patients?q=P-001")
    assert page.answer.request.path == "/login"
    page = person.sends(page, "/login", email=seed.ANA.email, password=seed.PASSWORD)
    assert page.answer.request.path == "/patients" and page.answer.request.args["q"] == "P-001"


def test_a_wrong_password_says_nothing_about_which_was_wrong_and_keeps_the_address(world: Any) -> None:
    person = Person(world.app.test_client())
    page = person.opens("/login")
    wrong = person.sends(page, "/login", status=422, email=seed.ANA.email, password="not the password")
    nobody = person.sends(page, "/login", status=422, email="nobody@vigilia.example", password="not the password")
    assert wrong.form("/login")["fields"]["email"] == seed.ANA.email
    assert wrong.form("/login")["fields"]["password"] == ""
    assert wrong.text.replace(seed.ANA.email, "") == nobody.text.replace("nobody@vigilia.example", "")


def test_after_many_tries_the_right_password_waits_too(world: Any) -> None:
    person = Person(world.app.test_client())
    page = person.opens("/login")
    for _ in range(5):
        person.sends(page, "/login", status=422, email=seed.ANA.email, password="not the password")
    person.sends(page, "/login", status=422, email=seed.ANA.email, password=seed.PASSWORD)
    world.clock.advance(timedelta(minutes=16))
    person.sends(page, "/login", email=seed.ANA.email, password=seed.PASSWORD)


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil"]
)
def test_nobody_is_sent_elsewhere_after_the_log_in(world: Any, address: str) -> None:
    client = world.app.test_client()
    page = Page(client.get("/login", query_string={"next": address}, base_url=BASE))
    fields = page.form("/login")["fields"]
    answer = client.post(
        "/login", data={**fields, "email": seed.ANA.email, "password": seed.PASSWORD}, base_url=BASE
    )
    assert answer.status_code == 303 and answer.location == "/"


def test_a_session_ends_when_nobody_has_clicked_for_an_hour_of_machine_time(world: Any) -> None:
    person = Person(world.browser())
    world.clock.machine_at += timedelta(minutes=59)
    assert person.opens("/").answer.request.path == "/"
    world.clock.machine_at += timedelta(minutes=59)
    assert person.opens("/").answer.request.path == "/"
    world.clock.machine_at += timedelta(minutes=61)
    assert person.opens("/").answer.request.path == "/login"


def test_moving_the_study_clock_logs_nobody_out(world: Any) -> None:
    person = Person(world.browser())
    machine = world.clock.machine_at
    world.clock.advance(timedelta(days=3))
    world.clock.machine_at = machine
    assert person.opens("/").answer.request.path == "/"


def test_a_new_password_ends_every_session(world: Any) -> None:
    from service.use_cases import staff

    person = Person(world.browser())
    with world.runtime.db.unit_of_work() as session:
        ana = session.get(Staff, world.staff(seed.ANA.name).id)
        staff.set_password(session, ana, "another long password", actor="system", now=world.now)
    assert person.opens("/").answer.request.path == "/login"


def test_log_out(world: Any) -> None:
    person = Person(world.browser())
    page = person.sends(person.opens("/"), "/logout")
    assert page.answer.request.path == "/login"
    assert person.opens("/").answer.request.path == "/login"


def test_a_form_without_its_token_changes_nothing(world: Any) -> None:
    client = world.browser()
    for path in ("/patients/new", "/logout", "/language"):
        answer = client.post(path, data={"language": "en"}, base_url=BASE)
        assert answer.status_code == 400, path
    assert Person(client).opens("/").answer.request.path == "/"


def test_the_language_is_chosen_kept_and_never_mixed(world: Any) -> None:
    person = Person(world.browser())
    page = person.opens("/patients")
    assert '<html lang="pt-BR">' in page.html and "Pacientes" in page.text
    page = person.sends(page, "/language", language="en")
    assert page.answer.request.path == "/patients"
    assert '<html lang="en">' in page.html and "Pacientes" not in page.text
    page = person.sends(person.opens("/"), "/logout")
    assert '<html lang="en">' in page.html


def test_the_browsers_language_decides_before_the_log_in(world: Any) -> None:
    client = world.app.test_client()
    page = Page(client.get("/login", headers={"Accept-Language": "pt"}, base_url=BASE))
    assert '<html lang="pt-BR">' in page.html and "Senha" in page.text


def test_the_cookie_is_secure_and_hidden_from_scripts(world: Any) -> None:
    answer = world.app.test_client().get("/login", base_url=BASE)
    cookie = answer.headers["Set-Cookie"]
    assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
