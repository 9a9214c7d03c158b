"""The patient's questions at 360 px with keys alone: Tab, Enter, Space and arrows, from the link to the end."""

from __future__ import annotations

from datetime import date
from typing import Any

from playwright.sync_api import expect
from sqlalchemy import select

from service.models import Occasion, Response
from tests.browser.conftest import Opener
from tests.web.pages import questions_link

# What has the focus: its place in the page, its kind, what a screen reader calls it, and whether it can be seen.
FOCUS = """() => {
  const here = document.activeElement, box = here.getBoundingClientRect();
  const ring = getComputedStyle(here);
  return {
    kind: here.type || here.tagName.toLowerCase(), name: here.name || "",
    label: (here.labels && here.labels[0] || here).textContent.trim(),
    seen: box.bottom > 0 && box.top < innerHeight && box.right <= innerWidth,
    ringed: ring.outlineStyle !== "none" && parseFloat(ring.outlineWidth) >= 2,
  };
}"""
LEAVE_OUT = "Não responder esta"


def tab_to(phone: Any, name: str, kind: str = "") -> dict[str, Any]:
    """Press Tab until a field or button has the focus; everything on the way there shows that it has it."""
    for _ in range(30):
        phone.keyboard.press("Tab")
        found: dict[str, Any] = phone.evaluate(FOCUS)
        if found["kind"] == "body":
            continue
        assert found["seen"] and found["ringed"], f"nobody sees that {found} has the focus"
        if (found["name"] == name or found["label"].startswith(name)) and kind in ("", found["kind"]):
            return found
    raise AssertionError(f"no Tab leads to {name}")


def go_on(phone: Any, *, button: str = "Continuar") -> None:
    tab_to(phone, button)
    with phone.expect_navigation():
        phone.keyboard.press("Enter")


def answered(world: Any, questionnaire: str) -> dict[str, str]:
    with world.runtime.db.reading() as session:
        occasion = session.scalars(
            select(Occasion).where(Occasion.questionnaire == questionnaire, Occasion.status == "answered")
        ).one()
        rows = session.scalars(select(Response).where(Response.occasion_id == occasion.id))
        return {row.item: row.raw for row in rows}


def test_the_day_by_keys_alone(world: Any, opened: Opener) -> None:
    world.enrol("P-001")
    world.advance_to_local(8, 5, days=7)
    phone = opened(width=360, height=640)
    phone.goto(questions_link(world, "P-001"))
    tab_to(phone, "value")
    phone.keyboard.type("36,6")
    with phone.expect_navigation():
        phone.keyboard.press("Enter")
    tab_to(phone, "value", "radio")
    phone.keyboard.press("ArrowDown")  # from the first place to the second
    go_on(phone)
    tab_to(phone, "Nada disso", "checkbox")
    phone.keyboard.press("Space")
    go_on(phone)
    for _ in ("doses", "well"):
        tab_to(phone, "value", "radio")
        phone.keyboard.press("Space")
        go_on(phone)
    expect(phone.get_by_role("heading", level=1)).to_contain_text("suas respostas foram salvas")
    assert answered(world, "daily") == {"temp": "36,6", "temp_site": "2", "signs": "N", "doses": "1", "well": "1"}
    tab_to(phone, "Ligar")


def test_the_week_by_keys_alone(world: Any, opened: Opener) -> None:
    number = world.enrol("P-001", on=date(2026, 2, 9))
    world.infuses(number, date(2026, 2, 23))
    world.advance_to_local(10, 5)
    phone = opened(width=360, height=640)
    phone.goto(world.phone("P-001").link())
    asked = 0
    while phone.locator("form[data-questions]").count():
        asked += 1
        assert asked < 40
        if phone.locator("input[type=radio]").count():
            tab_to(phone, "value", "radio")
            phone.keyboard.press("Space")
            go_on(phone)
        elif phone.get_by_role("button", name=LEAVE_OUT).count():
            go_on(phone, button=LEAVE_OUT)
        else:
            tab_to(phone, "value")
            phone.keyboard.type("0")
            go_on(phone)
    expect(phone.locator("h1")).not_to_be_empty()
    assert len(answered(world, "weekly")) == asked >= 20
