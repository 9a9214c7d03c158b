"""What triage found, on a page in Portuguese: no word of it is English."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from flask import g

from service.web import reasons, sentences, words
from tests.web.test_oncall_pages import get, phone_browser, post
from workflows.dosing import csa_correction, csa_start
from workflows.ear import LETTERS
from workflows.protocol_file import load_design
from workflows.words_red import RED_SAYINGS

DESIGN = load_design(files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8"))


def in_portuguese(world: Any, one: dict[str, str]) -> str:
    with world.app.test_request_context("/"):
        g.language = "pt-BR"
        return reasons.finding(one)


@pytest.mark.parametrize(
    ("kind", "value", "detail", "said"),
    [
        ("temperature", "38.9", "armpit", "38,9 °C, axila"),
        ("letters", "A C", "", "A calafrio, C tontura ou desmaio"),
        ("choice", "bleeding", "not_stopping", "sangramento: não para depois de 10 minutos"),
        ("heard", "chest_pain", "", "ouvido: dor no peito"),
        ("within_hours", "infusion_1", "0-24", "0-24 h após: infusão 1"),
        ("sustained", "", "", "segunda leitura assim no último dia"),
        ("silence", "2026-03-10", "", "sem resposta em"),
        ("said", "what an older row says", "", "what an older row says"),
        ("new_kind", "", "", "new kind"),
    ],
)
def test_a_finding_is_said_in_the_readers_language(world: Any, kind: str, value: str, detail: str, said: str) -> None:
    assert in_portuguese(world, {"kind": kind, "value": value, "detail": detail}).startswith(said)


def test_everything_that_can_be_found_has_words() -> None:
    assert set(reasons.SIGN) == LETTERS
    assert set(RED_SAYINGS) <= set(reasons.HEARD)
    rules = {rule.id for rule in (*DESIGN.triage, *DESIGN.silence)}
    assert rules <= set(words.RULE)


def test_the_case_page_says_the_reasons_in_portuguese(world: Any) -> None:
    world.enrol("P-001")
    world.phone("P-001").replies("38,9 e dor no peito")
    address = world.phone("Dr. Reis").link()
    doctor = phone_browser(world)
    assert "38,9" not in get(doctor, address).get_data(as_text=True)
    page = post(doctor, address, act="take", follow_redirects="")
    page = get(doctor, page.headers["Location"]) if page.status_code == 303 else page
    text = page.get_data(as_text=True)
    assert "38,9 °C, lugar não informado" in text or "38,9 °C" in text
    assert "armpit" not in text and "unknown" not in text and "heard" not in text


def test_the_steps_of_a_dose_are_said_in_portuguese(world: Any) -> None:
    found = csa_correction(Decimal(300), Decimal("412.5"))
    with world.app.test_request_context("/"):
        g.language = "pt-BR"
        said = [sentences.phrase(step) for step in (*found.steps, *csa_correction(Decimal(300), Decimal(200)).steps)]
        weighed = sentences.phrase(csa_start(Decimal("62.5")).steps[0])
    assert not any(word in line for line in said for word in ("step", "rounded", "stays", "day", "night"))
    assert weighed.startswith("62,5 kg x 5 mg/kg")
