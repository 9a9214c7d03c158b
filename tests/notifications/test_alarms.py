"""Alarms in the reader's language; every sentence of the watchers is in the table and fits one SMS."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from notifications.alarms import PORTUGUESE, in_language
from notifications.carriers.twilio_codes import CODES, UNKNOWN_CODE
from notifications.gsm import fold_gsm7

ROOT = Path(__file__).parents[2]
PIECED = {"{n} texts cannot be read", "{n} texts are not handled"}  # one f-string says both


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Dr. Lima cannot be paged: not verified", "Dr. Lima não pode ser chamado: não verificado"),
        ("Dr. Lima cannot be paged: not verified, opted out",
         "Dr. Lima não pode ser chamado: não verificado, recusou mensagens"),
        ("site RP: nobody is on_call, 2026-03-10 08:00 to 2026-03-11 08:00",
         "centro RP: ninguém de plantão, 2026-03-10 08:00 a 2026-03-11 08:00"),
        ("Dr. Reis: the monthly test by voice did not arrive (undelivered: no-answer)",
         "Dr. Reis: o teste mensal por ligação não chegou (não entregue: no-answer)"),
        ("case 7K: nobody is on call at RP", "caso 7K: ninguém está de plantão em RP"),
        ("something new", "something new"),
        ("", ""),
    ],
)  # fmt: skip
def test_in_portuguese(said: str, shown: str) -> None:
    assert in_language(said, "pt-BR") == shown
    assert in_language(said, "en") == said


def test_every_reason_of_the_carrier_is_in_the_table() -> None:
    reasons = {one.reason for one in CODES.values()} | {UNKNOWN_CODE.reason}
    assert not [one for one in reasons if in_language(one, "pt") == one]


def sentences(path: Path) -> list[str]:
    """Strings that a module says as a finding or an alarm; a value inside one is an x."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if said := spoken(node):
            found.append(said)
    return found


def spoken(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)


@pytest.mark.parametrize("sentence", sorted(set(PORTUGUESE) - PIECED))
def test_each_sentence_of_the_table_is_still_said_by_somebody(sentence: str) -> None:
    """A sentence that the code changed would silently be English again."""
    said = re.sub(r"\{\w+\}", "x", sentence)
    carriers = (ROOT / "notifications/carriers").glob("*.py")
    files = [ROOT / "service/watchdog.py", *sorted(carriers), *sorted((ROOT / "service/use_cases").glob("*.py"))]
    assert said in {one for path in files for one in sentences(path)}, sentence


def test_everything_that_the_watchers_find_is_in_the_table() -> None:
    found = []
    for node in ast.walk(ast.parse((ROOT / "service/use_cases/watch.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "detail":
            found.append(spoken(node.value))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
            found.append(spoken(node.args[1]))
    assert len(found) > 10
    unknown = [one for one in found if one and one != "x texts x" and in_language(one, "pt") == one]
    assert not unknown, f"add to notifications/alarms.py: {unknown}"


@pytest.mark.parametrize("text", PORTUGUESE.values())
def test_an_alarm_in_portuguese_fits_its_text(text: str) -> None:
    assert len(fold_gsm7(re.sub(r"\{\w+\}", "", text))) <= 80
