"""The walk that everything is for: enrol, a fever by text message, acknowledge. In a real browser, on both ends."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import expect

from service.demo import seed
from tests.browser.conftest import Opener, check_accessible, log_in
from tests.browser.shots import keep
from tests.web.test_amendments import load as load_second_version


def test_enrol_a_fever_by_text_and_acknowledge(world: Any, opened: Opener) -> None:
    console = opened()
    log_in(console, seed.ANA)
    console.get_by_role("button", name="English").click()
    expect(console.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    check_accessible(console)

    console.get_by_role("link", name="Patients").click()
    console.get_by_role("link", name="Enrol").click()
    check_accessible(console)
    console.get_by_label("Patient code").fill("P-001")
    console.get_by_label("Mobile telephone").fill("12")
    console.get_by_role("button", name="Enrol").click()
    expect(console.get_by_label("Mobile telephone")).to_have_attribute("aria-invalid", "true")
    expect(console.get_by_label("Patient code")).to_have_value("P-001")
    check_accessible(console)
    console.get_by_label("Mobile telephone").fill("16 99222-0001")
    console.get_by_role("button", name="Enrol").click()
    expect(console.get_by_role("heading", name="P-001")).to_be_visible()
    expect(console.get_by_text("P-001 is enrolled")).to_be_visible()
    check_accessible(console)

    world.settle()
    world.phone("P-001").replies("38,7")
    world.phone("P-001").expects("URGENTE", "192")
    world.phone("Dr. Reis").expects("P-001")

    console.goto("/")
    case = console.get_by_role("listitem").filter(has_text="nobody has it yet")
    expect(case).to_contain_text("P-001")
    check_accessible(console)

    doctor = opened(width=360, height=740, dark=True, locale="pt-BR")
    doctor.goto(world.phone("Dr. Reis").link())
    expect(doctor.locator("body")).to_contain_text("P-001")
    check_accessible(doctor)
    keep(doctor, "alert")
    doctor.locator("form button").first.click()
    world.settle()
    assert [alert.status for alert in world.alerts()] == ["acknowledged"]
    check_accessible(doctor)

    console.reload()
    expect(console.get_by_text("With Dr. Reis")).to_be_visible()
    keep(console, "today")
    console.get_by_role("link", name="P-001").first.click()
    expect(console.locator(".thread li.in").first).to_contain_text("38,7")
    keep(console, "patient")
    check_accessible(console)


def test_see_what_moves_save_it_and_take_it_back_by_key(world: Any, opened: Opener) -> None:
    world.enrol("P-001", on=date(2026, 2, 9))
    console = opened()
    log_in(console, seed.ANA)
    console.get_by_role("button", name="English").click()
    console.goto("/patients?q=P-001")
    console.get_by_role("link", name="P-001").click()
    console.get_by_label("Event").select_option("infusion_1")
    console.locator("#anchor-date").fill("2026-02-27")
    console.get_by_role("button", name="Show what moves").click()
    expect(console.get_by_text("Nothing is saved yet.")).to_be_visible()
    check_accessible(console)
    keep(console, "preview")
    console.get_by_label("Reason").fill("given on the 27th")
    console.get_by_role("button", name="Save it").click()
    expect(console.get_by_text("visits moved")).to_be_visible()
    console.keyboard.press("z")
    expect(console.get_by_text("Undone")).to_be_visible()


def test_keys_move_and_act_on_today(world: Any, opened: Opener) -> None:
    from service.models import Patient
    from service.use_cases import tasks

    number = world.enrol("P-001")
    with world.runtime.db.unit_of_work() as session:
        for kind in ("call_today", "call_requested"):
            tasks.open_task(
                session, kind=kind, level="amber", patient=session.get(Patient, number), dedupe=kind, now=world.now
            )
    console = opened()
    log_in(console, seed.ANA)
    rows = console.locator("[data-row]")
    expect(rows).to_have_count(2)
    console.keyboard.press("j")
    expect(rows.nth(0)).to_have_class("row on")
    console.keyboard.press("j")
    expect(rows.nth(1)).to_have_class("row on")
    console.keyboard.press("k")
    console.keyboard.press("u")
    expect(rows.nth(0).locator("button[value=seen]")).to_have_count(0)
    console.keyboard.press("Control+k")
    expect(console.locator("#q")).to_be_focused()


SCHEMES = {
    "phone in the dark": ({"width": 360, "height": 740, "dark": True, "locale": "pt-BR"}, ()),
    "screen by day": ({}, ("color-contrast",)),  # the other scheme changes nothing but colours
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_console_page_is_accessible_and_fits(world: Any, opened: Opener, scheme: str) -> None:
    number = world.enrol("P-001", on=date(2026, 2, 9))
    study = load_second_version(world)
    pages = (
        "/", "/patients", "/patients/new", f"/patients/{number}", f"/patients/{number}/interview/daily", "/visits/3",
        f"/patients/{number}/anchors?anchor=infusion_1&date=2026-02-27", "/matrix", "/study", "/cases", "/on-call",
        "/staff", f"/patients/{number}/labs", f"/patients/{number}/edit",
        f"/patients/{number}/card", "/outcomes", "/answers",
        f"/study/{study}/amendment", f"/patients/{number}/amendment?version=2",
        f"/study/{study}/sites/new", "/sites/1/edit",
    )  # fmt: skip
    screen, rules = SCHEMES[scheme]
    page = opened(**screen)
    page.goto("/login")
    check_accessible(page, *rules)
    log_in(page, seed.ADA)
    for path in pages:
        assert page.goto(path).status == 200, path
        check_accessible(page, *rules)
        if path == "/matrix":
            keep(page, f"matrix-{page.viewport_size['width']}")


def test_without_javascript_the_console_works_too(world: Any, opened: Opener) -> None:
    number = world.enrol("P-001")
    console = opened(script=False)
    log_in(console, seed.ANA)
    console.goto(f"/patients/{number}")
    console.locator("select[name=status]").select_option("admitted")
    console.locator("form[action$='/status'] button").click()
    expect(console.get_by_role("status")).to_be_visible()
    assert world.patient("P-001").admitted_at is not None
