"""The patient's pages on a small phone: without JavaScript, in the dark, and without a connection."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect
from sqlalchemy import select

from service.models import Response
from tests.browser.conftest import Opener, check_accessible, registration
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


def ready(phone: Any, path: str) -> None:
    """The page is open, and the phone has what it needs to go on alone."""
    with phone.expect_response(lambda answer: answer.url.endswith("/offline.json")):
        phone.goto(path)
    phone.evaluate(
        """async () => {
          await navigator.serviceWorker.ready;
          const store = await caches.open("questions-2");
          while (!navigator.serviceWorker.controller || (await store.keys()).length < 5)
            await new Promise((done) => setTimeout(done, 20));
        }"""
    )


def test_answers_wait_on_the_phone_without_a_connection_and_go_out_in_order(world: Any, opened: Opener) -> None:
    phone = opened(width=360, height=640)
    ready(phone, opened_at_eight(world))
    phone.context.set_offline(True)
    phone.locator("#value").fill("37,0")
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_text("Salvo neste celular")).to_be_visible()
    phone.get_by_label("Axila").check()
    phone.get_by_role("button", name="Continuar").click()
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("alert")).to_be_visible()
    phone.get_by_label("Sangramento").check()
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("heading", name="Não espere a conexão: ligue agora.")).to_be_visible()
    expect(phone.get_by_role("link", name="Ligar (16) 3602-0000")).to_have_attribute("href", "tel:+551636020000")
    check_accessible(phone)
    phone.get_by_label("Manchas na pele").check()
    phone.get_by_role("button", name="Continuar").click()
    phone.get_by_label("Não", exact=True).check()  # a medicine against fever, because of 37.0
    phone.get_by_role("button", name="Continuar").click()
    phone.get_by_label("Todas").check()
    phone.get_by_role("button", name="Continuar").click()
    phone.get_by_label("Igual").check()
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("button", name="Continuar")).to_have_count(0)
    check_accessible(phone)
    assert answers(world) == []
    phone.context.set_offline(False)
    thanks = "Obrigado. A equipe do estudo foi avisada e deve ligar para você."
    expect(phone.get_by_role("heading", name=thanks)).to_be_visible()
    assert answers(world) == [
        ("temp", "37,0"), ("temp_site", "1"), ("signs", "D"), ("bleeding", "1"), ("antipyretic", "2"), ("doses", "1"),
        ("well", "2"),
    ]  # fmt: skip
    with world.runtime.db.reading() as session:
        times = [row.phone_at for row in session.scalars(select(Response).order_by(Response.id))]
        assert None not in times and times == sorted(times)


def test_words_that_no_question_can_read_are_not_lost_without_a_connection(world: Any, opened: Opener) -> None:
    phone = opened(width=360, height=640)
    ready(phone, opened_at_eight(world))
    phone.context.set_offline(True)
    phone.locator("#value").fill("estou com muita falta de ar")
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("alert")).to_contain_text("Se estiver passando mal, ligue")
    check_accessible(phone)
    phone.context.set_offline(False)
    expect(phone.get_by_role("heading", name="URGENTE")).to_be_visible()
    assert [alert.severity for alert in world.alerts()] == ["red"]


def test_a_fever_without_a_connection_shows_the_red_page_and_outlives_the_closed_page(
    world: Any, opened: Opener
) -> None:
    path = opened_at_eight(world)
    phone = opened(width=360, height=640)
    ready(phone, path)
    phone.context.set_offline(True)
    phone.locator("#value").fill("38,5")
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("heading", name="URGENTE")).to_be_visible()
    expect(phone.get_by_role("link", name="Ligar (16) 3602-0000")).to_have_attribute("href", "tel:+551636020000")
    expect(phone.get_by_role("link", name="Risco de vida: 192")).to_have_attribute("href", "tel:192")
    check_accessible(phone)
    keep(phone, "red-offline")
    phone.reload()
    expect(phone.get_by_role("heading", name="URGENTE")).to_be_visible()
    again = phone.context.new_page()
    phone.close()
    assert world.alerts() == []
    again.context.set_offline(False)
    again.goto("/q/")
    expect(again.get_by_role("heading", name="URGENTE")).to_be_visible()
    expect(again.get_by_text("A equipe do estudo está sendo avisada agora.")).to_be_visible()
    assert [alert.severity for alert in world.alerts()] == ["red"]
    assert answers(world) == [("temp", "38,5")]


def test_what_waits_is_sent_by_the_worker_when_the_page_is_closed(world: Any, opened: Opener) -> None:
    phone = opened(width=360, height=640)
    ready(phone, opened_at_eight(world))
    phone.context.set_offline(True)
    phone.locator("#value").fill("38,5")
    phone.get_by_role("button", name="Continuar").click()
    expect(phone.get_by_role("heading", name="URGENTE")).to_be_visible()
    other = phone.context.new_page()
    other.goto("about:blank")
    phone.close()
    other.context.set_offline(False)
    cdp, one = registration(other)
    cdp.send(
        "ServiceWorker.dispatchSyncEvent",
        {"origin": one["scopeURL"].removesuffix("/q/"), "registrationId": one["registrationId"], "tag": "answers",
         "lastChance": False},
    )  # fmt: skip
    for _ in range(100):
        if world.alerts():
            break
        other.wait_for_timeout(100)
    assert answers(world) == [("temp", "38,5")]
    assert [alert.severity for alert in world.alerts()] == ["red"]


def test_a_connection_that_only_seems_to_be_there_loses_nothing(world: Any, opened: Opener) -> None:
    phone = opened(width=360, height=640)
    ready(phone, opened_at_eight(world))
    (worker,) = phone.context.service_workers
    worker.evaluate("() => { self.real = self.fetch; self.fetch = () => Promise.reject(new TypeError('no way')); }")
    phone.locator("#value").fill("38,5")
    with phone.expect_request(lambda request: request.method == "POST" and request.resource_type == "fetch"):
        phone.get_by_role("button", name="Continuar").click()  # kept by the worker, sent by the page that comes back
    worker.evaluate("() => { self.fetch = self.real; }")
    phone.goto("/q/")
    expect(phone.get_by_text("A equipe do estudo está sendo avisada agora.")).to_be_visible()
    assert answers(world) == [("temp", "38,5")]
    assert [alert.severity for alert in world.alerts()] == ["red"]


def test_a_fever_of_one_day_goes_out_before_the_quiet_answers_of_another(world: Any, opened: Opener) -> None:
    world.enrol("P-002")
    path = opened_at_eight(world)
    other = questions_link(world, "P-002")
    phone = opened(width=360, height=640)
    ready(phone, path)
    sent: list[str] = []
    phone.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    phone.evaluate(
        """async ([path, other]) => {
          const body = (item, value) => new URLSearchParams({ item, value, client_id: item + value }).toString();
          await queue.add(other, body("temp", "36,5"), false);
          await queue.add(path, body("temp", "38,5"), true);
          await queue.send();
        }""",
        [path, other],
    )
    assert [post.split("&")[1] for post in sent] == ["value=38%2C5", "value=36%2C5"]


def answers(world: Any) -> list[tuple[str, str]]:
    with world.runtime.db.reading() as session:
        return [(row.item, row.raw) for row in session.scalars(select(Response).order_by(Response.id))]
