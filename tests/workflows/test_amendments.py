"""Amendments as sentences."""

from __future__ import annotations

from tests.workflows.calendar_case import STUDY, STUDY_FILE
from workflows.amendments import compare_designs
from workflows.protocol_file import load_design

TEXT = STUDY_FILE.read_text(encoding="utf-8")


def amended(*pairs: tuple[str, str]) -> tuple[str, ...]:
    text = TEXT
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return compare_designs(STUDY, load_design(text))


def test_the_same_protocol_has_no_amendment() -> None:
    assert amended() == ()


def test_a_version_a_window_and_a_distance() -> None:
    lines = amended(
        ('version: "1"', 'version: "2"'),
        (
            "{anchor: infusion_1, offset: 7, before: 2, after: 2}",
            "{anchor: infusion_1, offset: 7, before: 3, after: 2}",
        ),
        ("offset: -3, before: 4", "offset: -2, before: 4"),
    )
    assert lines[0] == "Version 1 became version 2."
    assert "W01-W26: the window was -2/+2 days; now -3/+2." in lines
    assert "BASE: one day later, counted from atg_start." in lines


def test_a_setting_a_default_and_a_visit_that_is_gone() -> None:
    lines = amended(
        ("infusions_planned: 2", "infusions_planned: 3"),
        ("default: {anchor: enrolment, offset: 7}", "default: {anchor: enrolment, offset: 10}"),
        ("repeat: {first: 1, last: 26, every_days: 7}", "repeat: {first: 1, last: 24, every_days: 7}"),
        ('codes: ["W01..W26"]', 'codes: ["W01..W24"]'),
    )
    assert "Setting infusions_planned was 2; now 3." in lines
    assert "Anchor atg_start was projected enrolment +7 days; now enrolment +10 days." in lines
    assert "W25, W26: no longer in the plan." in lines
    assert "Stop no_infusion changed." in lines


def test_a_rule_that_changed_without_a_new_version_is_pointed_out() -> None:
    rule = STUDY.triage[0]
    at = TEXT.index(f"id: {rule.id}")
    level = TEXT.index("level: ", at)
    word = TEXT[level : TEXT.index("\n", level)].split(",")[0]
    other = "level: amber" if word.startswith("level: red") else "level: red"
    changed = TEXT[:level] + TEXT[level:].replace(word, other, 1)
    (line,) = [one for one in compare_designs(STUDY, load_design(changed)) if rule.id in one]
    assert line == f"Triage rule {rule.id} changed but kept its version {rule.version}: give it a new one."


def test_the_order_of_visits_is_told() -> None:
    lines = amended(
        ("- code: R6M", "- code: EOSX"), ("- code: EOS\n", "- code: R6M\n"), ("- code: EOSX", "- code: EOS")
    )
    assert any(line.startswith("The order of the visits changed") for line in lines)


def test_a_sentence_can_be_said_in_another_language() -> None:
    lines = amended(("offset: -3, before: 4", "offset: -5, before: 4"))
    (line,) = lines
    assert line == "BASE: 2 days earlier, counted from atg_start."
    there = {"%(visits)s: %(days)s days earlier, counted from %(anchor)s.": "%(visits)s: %(days)s dias antes"}
    assert there[line.template] % line.values == "BASE: 2 dias antes"
