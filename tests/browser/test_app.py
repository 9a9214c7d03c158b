"""The patient's app: it can be installed, begins at the newest questions, and shows that a question is ready."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import expect
from py_vapid import Vapid02
from sqlalchemy import select

from service.models import Patient
from tests.browser.conftest import Opener, check_accessible, registration
from tests.browser.test_questions import opened_at_eight, ready
from tests.web.pages import questions_link


def test_the_browser_finds_nothing_that_keeps_it_from_being_installed(world: Any, opened: Opener) -> None:
    phone = opened(width=360, height=640)
    ready(phone, opened_at_eight(world))
    cdp = phone.context.new_cdp_session(phone)
    found = cdp.send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = json.loads(found["data"])
    assert manifest["display"] == "standalone" and manifest["scope"] == manifest["start_url"] == "/q/"
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
    errors = cdp.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in errors if error["errorId"] != "in-incognito"] == []
    for icon in manifest["icons"]:
        size = phone.evaluate(
            """async (src) => { const image = new Image(); image.src = src; await image.decode();
                              return `${image.naturalWidth}x${image.naturalHeight}`; }""",
            icon["src"],
        )
        assert size == icon["sizes"]


def test_the_app_begins_at_the_newest_questions_that_the_phone_has_had(world: Any, opened: Opener) -> None:
    path = opened_at_eight(world)
    phone = opened(width=360, height=640, locale="pt-BR")
    phone.goto("/q/")
    expect(phone.get_by_role("heading", name="Abra o link da sua mensagem mais recente.")).to_be_visible()
    check_accessible(phone)
    ready(phone, path)
    phone.goto("/q/")
    expect(phone.get_by_role("heading", name="Qual é a sua temperatura agora?")).to_be_visible()


@pytest.fixture
def keyed(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    vapid = Vapid02()
    vapid.generate_keys()
    config = replace(world.runtime.config, vapid_private_key=vapid.private_pem().decode())
    monkeypatch.setattr(world.runtime, "config", config)


def test_a_push_shows_that_a_question_is_ready_and_a_tap_opens_it(world: Any, opened: Opener) -> None:
    world.enrol("P-002")
    path = opened_at_eight(world)
    newer = questions_link(world, "P-002")
    phone = opened(width=360, height=640)
    phone.context.grant_permissions(["notifications"])
    ready(phone, path)
    cdp, one = registration(phone)
    told = {"title": "Vigília", "body": "Uma pergunta do estudo está pronta.", "tag": "question", "url": newer}
    cdp.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": one["scopeURL"].removesuffix("/q/"), "registrationId": one["registrationId"],
         "data": json.dumps(told)},
    )  # fmt: skip
    shown = phone.evaluate(
        """async () => {
          const worker = await navigator.serviceWorker.ready;
          for (;;) {
            const [one] = await worker.getNotifications();
            if (one) return [one.title, one.body, one.tag, one.data.url];
            await new Promise((done) => setTimeout(done, 20));
          }
        }"""
    )
    assert shown == ["Vigília", told["body"], "question", newer]
    phone.goto("/q/")  # the installed app, opened instead of the notification, is at the new question too
    phone.wait_for_url(f"**{newer}")
    (worker,) = phone.context.service_workers
    assert worker.evaluate(TAP) == newer


# Headless Chromium shows no notification that could be tapped, and opens no window without a tap.
TAP = """async () => {
  let wanted = "";
  self.clients.openWindow = async (url) => { wanted = url; };
  const [notification] = await self.registration.getNotifications();
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
  return wanted;
}"""


def test_a_phone_that_may_be_told_subscribes(world: Any, opened: Opener, keyed: None) -> None:
    """No push service can be reached here: what the browser would be given by one is put in its place."""
    path = opened_at_eight(world)
    phone = opened(width=360, height=640)
    phone.context.grant_permissions(["notifications"])
    phone.add_init_script(
        """PushManager.prototype.subscribe = async (asked) => {
          window.asked = [asked.userVisibleOnly, asked.applicationServerKey.length, Notification.permission];
          return { toJSON: () => ({ endpoint: "https://push.example/1", keys: { p256dh: "BPk", auth: "aa" } }) };
        };"""
    )
    ready(phone, path)
    phone.get_by_role("button", name="Lembrar também neste aplicativo").click()
    expect(phone.get_by_text("O aplicativo também avisa, além das mensagens.")).to_be_visible()
    check_accessible(phone)
    assert phone.evaluate("window.asked") == [True, 65, "granted"]
    with world.runtime.db.reading() as session:
        kept = session.scalars(select(Patient.push_subscription)).one()
    assert kept["endpoint"] == "https://push.example/1"
