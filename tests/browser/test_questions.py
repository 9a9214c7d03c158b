"""The patient's pages on a small phone: without JavaScript, in the dark, and without a connection."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect
from sqlalchemy import select

from service.models import Response
from tests.browser.conftest import Opener, check_accessible
from tests.browser.shots import keep
from tests.web.pages import questions_link


def opened_at_eight(world: Any) -> str:
    world.enrol("P-001")
    world.advance_to_local(8, 5, days=7)
    return questions_link(world, "P-001")


def test_a_fever_on_a_small_phone_without_javascript(world: Any, opened: Opener) -> None:
    path = opened_at_eight(world)
    phone = opened(width=360, height=640, script=False, locale="en-GB")
    phone.goto(path)
    expect(phone.get_by_role("heading", name="Qual é a sua temperatura agora?")).to_be_visible()
    keep(phone, "question")
    phone.locator("#value").fill("36,5")
    phone.get_by_role("button", name="Continuar").click()
    phone.get_by_label("Axila").check()
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("group", name="Desde ontem, você teve algum destes?")).to_be_visible()
    phone.get_by_label("Falta de ar").check()
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("heading", name="URGENTE")).to_be_visible()
    expect(phone.get_by_role("link", name="Ligar (16) 3602-0000")).to_have_attribute("href", "tel:+551636020000")
    keep(phone, "red")
    assert world.alerts()[0].severity == "red"


def test_each_patient_page_is_accessible_in_both_schemes(world: Any, opened: Opener) -> None:
    path = opened_at_eight(world)
    light, dark = opened(width=360, height=640), opened(width=360, height=640, dark=True)
    for page in (light, dark):
        page.goto(path)
        check_accessible(page)
        page.goto(f"{path}?item=signs")
        check_accessible(page)
    light.goto(path)
    light.locator("#value").fill("x")
    light.get_by_role("button", name="Continuar").click()
    expect(light.get_by_role("alert")).to_be_visible()
    check_accessible(light)
    light.locator("#value").fill("38,8")
    light.get_by_role("button", name="Continuar").click()
    check_accessible(light)
    dark.goto(path)
    expect(dark.get_by_role("heading", name="URGENTE")).to_be_visible()
    check_accessible(dark)


def test_answers_wait_on_the_phone_without_a_connection_and_go_out_in_order(world: Any, opened: Opener) -> None:
    path = opened_at_eight(world)
    phone = opened(width=360, height=640)
    with phone.expect_response(lambda answer: answer.url.endswith("/offline.json")):
        phone.goto(path)
    phone.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
    phone.context.set_offline(True)
    phone.locator("#value").fill("36,5")
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_text("Salvo neste celular")).to_be_visible()
    phone.get_by_label("Nada disso").check()
    phone.get_by_role("button", name="Continuar").click()
    phone.get_by_label("Todas").check()
    phone.get_by_role("button", name="Continuar").click()
    check_accessible(phone)
    assert answers(world) == []
    phone.context.set_offline(False)
    expect(phone.get_by_role("group", name="Onde você mediu?")).to_be_visible()
    assert answers(world) == [("temp", "36,5"), ("signs", "N"), ("doses", "1")]


def test_without_a_connection_a_fever_says_call_now(world: Any, opened: Opener) -> None:
    path = opened_at_eight(world)
    phone = opened(width=360, height=640)
    with phone.expect_response(lambda answer: answer.url.endswith("/offline.json")):
        phone.goto(path)
    phone.context.set_offline(True)
    phone.locator("#value").fill("38,5")
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("heading", name="Não espere a conexão: ligue agora.")).to_be_visible()
    expect(phone.get_by_role("link", name="+551636020000")).to_be_visible()
    phone.context.set_offline(False)
    expect(phone.get_by_role("heading", name="URGENTE")).to_be_visible()
    assert world.alerts()[0].severity == "red"


def answers(world: Any) -> list[tuple[str, str]]:
    with world.runtime.db.reading() as session:
        return [(row.item, row.raw) for row in session.scalars(select(Response).order_by(Response.id))]
