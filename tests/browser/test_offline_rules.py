"""One table of cases through the rules of workflows/ and through the phone's script: they never differ."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from tests.browser.conftest import Opener
from workflows import offline
from workflows.answers import Answer, read_answer
from workflows.facts import Facts, TemperatureReading
from workflows.protocol import Item, ItemType, Level, Questionnaire
from workflows.protocol_file import load_design
from workflows.questionnaires import next_item, with_answers
from workflows.triage import triage

NOW = datetime(2026, 3, 9, 11, 0, tzinfo=UTC)
DESIGN = load_design(files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8"))
TYPED = (
    "36,8 36.8 36,0 35,0 34,8 37,0 37,4 37,5 37.7 37,8 37,9 38,0 38 38.04 38,05 34,9 34.0 33,9 42,5"
    " 42,6 35,9 99.9F 99,9 100.0 100,4F 101F"
    " 101.3 108,5 93,1 93.2f 375 384 425 426 340 60 12,5 x NO"
).split() + ["38,5 C", "38,5 ºC", " 37,5 ", "temp 37,6", "37.8c", "", "36,85"]
EARLIER = ((), (("37.6", 50),), (("37.6", 50), ("36.9", 20)), (("37.6", 10),), (("37.6", 1500),), (("34.8", 30),))


def plan(form: Questionnaire, facts: Facts) -> dict[str, Any]:
    """What a phone is sent, as `service.use_cases.offline_page` sends it, without the words."""
    items = [offline.item(item, form, facts) for item in form.items]
    for asked, item in zip(items, form.items, strict=True):
        asked["choices"] = [[each.code, each.value, ""] for each in item.choices]
        asked["none"] = next((each.value for each in item.choices if each.excludes_others), None)
    levels = {str(level): offline.rules(DESIGN.triage, level, form, facts) for level in (Level.RED, Level.AMBER)}
    return {"answers": {}, "site": facts.stored.get("temp_site", "unknown"), "items": items, **levels}


def typed_for(pick: random.Random, item: Item) -> list[str]:
    """What a person may choose or type."""
    if item.type is ItemType.LETTERS:
        return pick.sample([choice.code for choice in item.choices], pick.choice((1, 1, 2)))
    if item.type is ItemType.CHOICE:
        return [pick.choice(item.choices).code]
    if item.type is ItemType.NUMBER:
        return [pick.choice(("0", "1", "2,5", "41", "-1", "38,2"))]
    return [pick.choice(TYPED)] if item.type is ItemType.TEMPERATURE else ["dor de barriga"]


def expected(form: Questionnaire, answers: dict[str, Any], facts: Facts) -> tuple[str | None, str]:
    following = next_item(form, answers, facts)
    found = triage(DESIGN.triage, with_answers(form, answers, facts))
    return (following.key if following else None), str(found.level)


def walk(form: Questionnaire, seed: int) -> tuple[dict[str, Any], list[list[Any]], list[tuple[str | None, str]]]:
    """A plan, the answers of a patient one by one, and what comes next and what level it is after each."""
    pick = random.Random(seed)
    earlier = tuple(
        TemperatureReading(Decimal(celsius), NOW - timedelta(minutes=ago)) for celsius, ago in pick.choice(EARLIER)
    )
    anchors = {"infusion_1": NOW - timedelta(hours=5)} if pick.random() < 0.3 else {}
    stored = {"temp_site": "mouth"} if pick.random() < 0.5 else {}
    facts = Facts(NOW, earlier=earlier, anchors=anchors, stored=stored, recheck_due=pick.random() < 0.2)
    answers: dict[str, Any] = {}
    steps: list[list[Any]] = []
    wanted = []
    while (item := next_item(form, answers, facts)) is not None and len(steps) < 40:
        typed = typed_for(pick, item)
        read = read_answer(item, "".join(typed) if item.type is ItemType.LETTERS else typed[0])
        if not isinstance(read, Answer):
            if item.required:
                continue
            typed, read = [], Answer(None, "")
        answers[item.key] = read.value
        steps.append([item.key, typed])
        wanted.append(expected(form, answers, facts))
    return plan(form, facts), steps, wanted


SCRIPT = """([plan, steps, now]) => {
  const answers = {};
  return steps.map(([key, typed]) => {
    answers[key] = rules.read(plan.items.find((item) => item.key === key), typed);
    return [rules.next(plan, answers, now)?.key ?? null, rules.level(plan, answers, now)];
  });
}"""


@pytest.fixture
def phone(world: Any, opened: Opener) -> Any:
    page = opened(width=360, height=640)
    page.goto("/q/")
    return page


@pytest.mark.parametrize("key", ["daily", "weekly"])
def test_the_phone_asks_and_judges_as_the_service_does(phone: Any, key: str) -> None:
    form = DESIGN.questionnaire(key)
    levels = set()
    for seed in range(150 if key == "daily" else 15):
        sent, steps, wanted = walk(form, seed)
        got = phone.evaluate(SCRIPT, [sent, steps, int(NOW.timestamp() * 1000)])
        assert [tuple(each) for each in got] == wanted, (seed, steps)
        levels |= {level for _, level in wanted}
    assert levels == ({"red", "amber", "nothing"} if key == "daily" else levels)


def test_a_temperature_is_read_the_same_or_asked_again(phone: Any) -> None:
    item = DESIGN.questionnaire("daily").item("temp")
    asked = plan(DESIGN.questionnaire("daily"), Facts(NOW))["items"][0]
    read = "([item, texts]) => texts.map((text) => rules.read(item, [text]) ?? null)"
    unread = []
    for text, got in zip(TYPED, phone.evaluate(read, [asked, TYPED]), strict=True):
        found = read_answer(item, text)
        wanted = found.value if isinstance(found, Answer) else None
        if isinstance(wanted, Decimal):
            wanted = float(wanted)
        assert got in (wanted, None), text
        if got != wanted:
            unread.append(text)
    assert unread == [], "the plain ways of writing a temperature are all read on the phone"
