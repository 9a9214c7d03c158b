"""The doctor at three in the morning: a fresh phone, 360 px, both languages, dark and light, one tap."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from service.demo import seed
from service.models import Staff
from tests.browser.conftest import Opener, check_accessible, log_in
from tests.browser.shots import keep

NIGHTS = [("pt-BR", True, "ASSUMIR", "Você está com este caso."), ("en", False, "TAKE IT", "You have this case.")]


def speaks(world: Any, language: str) -> None:
    with world.runtime.db.unit_of_work() as session:
        session.execute(update(Staff).values(language=language))


def two_fevers(world: Any) -> dict[str, str]:
    """Two patients febrile at once; the link of each on Dr. Reis' phone."""
    world.advance_to_local(3, 12)
    for code in ("P-001", "P-002"):
        world.phone(code).replies("38,9 e calafrio")
    links = {}
    for text in world.phone("Dr. Reis").inbox:
        if found := re.search(r"(P-00\d).*https?://[^/\s]+(/a/\S+)", text):
            links[found[1]] = found[2].rstrip(".")
    return links


@pytest.mark.parametrize(("language", "dark", "take", "mine"), NIGHTS)
def test_one_tap_takes_the_right_case_of_two(
    world: Any, opened: Opener, language: str, dark: bool, take: str, mine: str
) -> None:
    for code in ("P-001", "P-002"):
        world.enrol(code)
    speaks(world, language)
    links = two_fevers(world)
    phone = opened(width=360, height=740, dark=dark)
    phone.goto(links["P-001"])
    phone.goto(links["P-002"])
    expect(phone.locator("body")).to_contain_text("P-002")
    assert "P-001" not in phone.content() and "38,9" not in phone.content() and "calafrio" not in phone.content()
    assert [one.status for one in world.alerts()] == ["open", "open"], "a look changes nothing"
    check_accessible(phone)
    keep(phone, f"alert-before-{language}")
    phone.get_by_role("button", name=take).click()
    expect(phone.get_by_text(mine)).to_be_visible()
    check_accessible(phone)
    keep(phone, f"alert-after-{language}")
    assert {one.patient_id: one.status for one in world.alerts()} == {1: "open", 2: "acknowledged"}
    expect(phone.locator("a.call")).to_have_attribute("href", "tel:+5516992220002")
    phone.goto(links["P-002"])
    assert phone.get_by_role("button", name=take).count() == 0, "a link takes once"
    phone.locator("button[value=send]").click()
    check_accessible(phone)
    world.settle()
    fresh = world.phone("Dr. Reis").link()
    assert fresh not in links.values()
    phone.goto(fresh)
    phone.locator("button[value=take]").click()
    phone.locator("button[value=sent_to_er]").click()
    assert {one.patient_id: one.status for one in world.alerts()} == {1: "open", 2: "closed"}

    desk = opened(width=360, height=740, dark=dark)
    log_in(desk, seed.REIS)
    desk.goto("/cases")
    expect(desk.get_by_role("listitem").filter(has_text="P-001")).to_be_visible()
    check_accessible(desk)
    keep(desk, f"cases-{language}")
    desk.goto("/cases/1")
    check_accessible(desk)


def test_every_key_of_today_does_what_it_says(world: Any, opened: Opener) -> None:
    from service.models import Patient, Task
    from service.use_cases import tasks

    number = world.enrol("P-001", on=world.local.date() - timedelta(days=4))
    world.phone("P-001").replies("38,9")
    with world.runtime.db.unit_of_work() as session:
        patient = session.get(Patient, number)
        tasks.open_task(session, kind="call_today", level="amber", patient=patient, dedupe="a", now=world.now)
    given = {"code": "csa", "value": "412", "unit": "ng/mL", "drawn_on": world.local.date().isoformat()}
    world.api("POST", f"/patients/{number}/observations", given)
    desk = opened()
    log_in(desk, seed.ANA)
    desk.get_by_role("button", name="English").click()
    rows, keys = desk.locator("[data-row]"), desk.keyboard

    def on(text: str) -> Any:
        """Move to the row that says so."""
        desk.goto("/")
        for _ in range(rows.count()):
            keys.press("j")
            if text in desk.locator("[data-row].on").inner_text():
                return desk.locator("[data-row].on")
        raise AssertionError(f"no row says {text}")

    for number_of_row in range(desk.locator("[data-row]").count()):
        row = rows.nth(number_of_row)
        assert row.locator("summary[data-key=w]").count() == 1, row.inner_text()
        assert row.locator(".verbs a, .verbs button, .verbs summary").count() >= 1, row.inner_text()
    row = on("call today")
    keys.press("w")
    expect(row.get_by_text("Opened today")).to_be_visible()
    keys.press("n")
    keys.type("rang: nobody")
    row.get_by_role("button", name="Note only").click()
    expect(rows.filter(has_text="rang: nobody")).to_be_visible()
    assert on("call today").locator("[data-key=c]").get_attribute("href") == "tel:+5516992220001"
    keys.press("e")
    keys.type("reached")
    keys.press("Enter")
    expect(desk.get_by_text("Done.")).to_be_visible()
    keys.press("z")
    expect(rows.filter(has_text="call today")).to_be_visible()
    with world.runtime.db.reading() as session:
        assert session.query(Task).filter_by(kind="call_today").one().status == "seen"
    on("412")
    keys.press("t")
    expect(desk.get_by_text("Dr. Reis was told").first).to_be_visible()
    on("nobody has it yet")
    keys.press("Enter")
    desk.wait_for_url("**/cases/1")
    desk.goto("/")
    keys.press("?")
    expect(desk.locator("#keys")).to_be_focused()
    on("window until")
    keys.press("r")
    desk.wait_for_url("**/visits/*")
