"""What rules refuse, in the person's language; and every sentence that a page can show is in the table."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from service.demo import seed
from service.web import sentences
from tests.web.pages import Page, Person
from tests.web.test_console import coordinator

ROOT = Path(__file__).parent.parent.parent
REFUSALS = {"RuleViolation": 2, "Problem": 0, "NotFound": 0, "Conflict": 0, "Stale": 0, "Forbidden": 0}
SHOWN_ON_PAGES = (
    "workflows/anchors.py",
    "workflows/enrolment.py",
    "workflows/labs.py",
    "workflows/visits.py",
    "service/use_cases/anchors.py",
    "service/use_cases/enrolment.py",
    "service/use_cases/sites.py",
    "service/use_cases/visits.py",
)
NEVER_FROM_A_PAGE = (
    "an instant must carry its time zone", "is none of x", "one of x", "cannot be changed; there are: x",
    "x has no site x",
)  # fmt: skip


def said_in(path: str) -> list[str]:
    """The sentences a module refuses with; a value inside one is an x."""
    found = []
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
            given = node.args[REFUSALS[node.func.id] :]
            if given and (sentence := spoken(given[0])):
                found.append(sentence)
    return found


def spoken(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(spoken(part) if isinstance(part, ast.Constant) else "x" for part in node.values)
    if isinstance(node, ast.BinOp):
        return f"{spoken(node.left)}x"
    return ""


@pytest.mark.parametrize("path", SHOWN_ON_PAGES)
def test_every_refusal_that_a_page_can_show_is_in_the_table(path: str) -> None:
    said = said_in(path)
    assert said, path
    known = [*NEVER_FROM_A_PAGE, "the patient is x admitted", "cannot be before x (x x days)x"]
    unknown = [each for each in said if not sentences.known(each) and each not in known]
    assert not unknown, f"add to service/web/sentences.py and translate: {unknown}"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("say why", "Diga por quê."),
        ("cannot be before 2026-03-04 (atg_start +5 days)",
         "Não pode ser antes de qua 4 mar (ATG dia 1 +5 dias)."),
        ("cannot be before 2026-03-04 (atg_start +5 days); atg_start is only projected: record its date first",
         "Não pode ser antes de qua 4 mar (ATG dia 1 +5 dias); ATG dia 1 é só previsto: registre antes a data."),
        ("a visit that is completed cannot become missed", "Uma visita concluída não pode passar a perdida."),
        ("booked on 2026-03-04, outside the new window 2026-03-10 to 2026-03-14",
         "Agendada em qua 4 mar, fora da nova janela de ter 10 mar a sáb 14 mar."),
        ("closed_day", "Dia sem atendimento."),
        ("something new", "Something new."),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_with_its_values_in_portuguese(world: Any, said: str, shown: str) -> None:
    with world.app.test_request_context(headers={"Accept-Language": "pt-BR"}):
        assert sentences.sentence(said) == shown


def test_an_english_page_shows_days_and_codes_as_words(world: Any) -> None:
    with world.app.test_request_context(headers={"Accept-Language": "en"}):
        assert sentences.sentence("closed_day") == "Closed day."
        shown = sentences.sentence("is outside 2026-03-04 to 2026-03-05: a reason makes it a deviation")
    assert shown == "Is outside Wed 4 Mar to Thu 5 Mar: a reason makes it a deviation."


def test_a_refused_date_is_said_once_and_in_portuguese(world: Any) -> None:
    number = world.enrol("P-001")
    ana = coordinator(world)
    ana.sends(ana.opens("/"), "/language", language="pt-BR")
    page = ana.opens(f"/patients/{number}/anchors?anchor=infusion_1&date=2026-02-09&time=", status=422)
    assert page.text.count("Não pode ser antes de") == 1, page.text


def test_an_address_that_no_page_has(world: Any) -> None:
    ana = coordinator(world)
    page = ana.opens("/nowhere", status=404)
    assert "Back to Today" in page.text and seed.ANA.name in page.text
    stranger = Page(world.app.test_client().get("/nowhere", headers={"Accept-Language": "pt-BR"}))
    assert stranger.status == 404 and "Não encontrado" in stranger.text
    for address in ("/api/v1/nowhere", "/fhir/nowhere"):
        answer = world.app.test_client().get(address, headers={"Accept-Language": "pt-BR"})
        assert answer.status_code == 404 and answer.mimetype == "application/problem+json"


def test_several_faults_of_an_enrolment_are_named_together(world: Any) -> None:
    ana: Person = coordinator(world)
    page = ana.sends(
        ana.opens("/patients/new"), "/patients/new", status=422, code="no good", phone="12", next_of_kin="abc",
        weight_kg="500",
    )  # fmt: skip
    assert {"code", "phone", "next_of_kin", "weight_kg"} <= page.wrong
    assert "string supplied" not in page.text


def test_a_wrong_unit_is_refused_with_the_tests_name_in_the_persons_language(world: Any) -> None:
    number = world.enrol("P-001")
    ana = coordinator(world)
    ana.sends(ana.opens("/"), "/language", language="pt-BR")
    address = f"/patients/{number}/labs"
    page = ana.sends(ana.opens(address), address, status=422, code="csa", value="412", unit="mg/dL")
    assert page.wrong == {"unit"} and "Ciclosporina, vale é em ng/mL" in page.text
