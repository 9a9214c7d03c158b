"""A protocol file: what it loads to, and that every fault is named by its place."""

from __future__ import annotations

from dataclasses import fields
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.calendar_case import STUDY, STUDY_FILE
from workflows.protocol import DayRef, PlannedWhen, Setting, Timing
from workflows.protocol_file import ProtocolErrors, load_design, read_design

SMALL = """
code: SMALL
version: "1"
title: {en: A small study}
anchors:
  - name: start
    label: {en: Start}
    recorded_by: V1
encounters:
  - code: V1
    label: {en: First}
    timing: {anchor: start, offset: 0}
  - code: V2
    label: {en: Second}
    timing: {anchor: start, offset: 7, before: 1, after: 2}
"""


def errors_of(text: str, templates: set[str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ProtocolErrors) as refused:
        load_design(text, templates)
    return refused.value.errors


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def test_a_small_study_loads() -> None:
    design = load_design(SMALL)
    assert design.encounter("V2").timing == Timing("start", 7, 1, 2)
    assert design.merge and design.profile == "full" and design.closed_days is None
    with pytest.raises(KeyError):
        design.encounter("V3")


def test_the_shipped_study_says_what_the_design_says() -> None:
    assert STUDY.code == "NCT01297972" and not STUDY.confirmed_by_site and STUDY.defaults_to_confirm
    codes = [encounter.code for encounter in STUDY.encounters]
    assert codes[:9] == ["ENR", "BASE", "ATG1", "ATG2", "ATG3", "ATG4", "ATG5", "INF1", "INF1C"]
    assert codes[13:39] == [f"W{n:02}" for n in range(1, 27)]
    assert STUDY.encounter("W26").timing == Timing("infusion_1", 182, 2, 2)
    assert STUDY.encounter("ATG3").setting is Setting.INPATIENT
    assert STUDY.encounter("INF1C").setting is Setting.PHONE
    assert STUDY.encounter("UNS").timing is None
    assert STUDY.encounter("INF3").planned_when == PlannedWhen("infusions_planned", 3)
    assert STUDY.encounter("INF1").timing == Timing("atg_start", 7, 1, 7, DayRef("atg_start", 5))
    assert STUDY.encounter("BM90").timing == Timing("infusion_1", 90, 7, 7)
    (stop,) = STUDY.stops
    assert stop.by == DayRef("atg_start", 28) and stop.codes == tuple(f"W{n:02}" for n in range(1, 27))


def test_the_reminders_of_the_shipped_study_have_their_hours() -> None:
    ahead, before, missed = STUDY.encounter("W05").reminders
    assert (ahead.days, ahead.at) == (-3, time(10)) and (before.days, before.at) == (-1, time(18))
    assert (missed.days, missed.only) == (1, "missed")
    assert [reminder.hours for reminder in STUDY.encounter("INF1C").reminders] == [4, 24]
    assert not any(STUDY.encounter(f"ATG{n}").reminders for n in range(2, 6))


def test_the_shipped_study_names_only_templates_that_exist() -> None:
    from notifications.catalog import CATALOG

    assert read_design(STUDY_FILE, set(CATALOG)) == STUDY


WRONG: list[tuple[str, str, str]] = [
    ("anchor: start, offset: 7", "anchor: strat, offset: 7", "encounters[1].timing.anchor: no anchor is called 'strat'; there are: start"),  # noqa: E501
    ("code: V2", "code: V1", "encounters[1].code: 'V1' is used twice (encounters[0])"),
    ("before: 1", "before: -1", "encounters[1].timing.before: must be from 0 to 3660, not -1"),
    ("before: 1", "before: 1.5", "encounters[1].timing.before: must be a whole number, not 1.5"),
    ("before: 1", "before: true", "encounters[1].timing.before: must be a whole number, not True"),
    ("offset: 7,", "ofset: 7,", "encounters[1].timing.ofset: is not a known key here"),
    ("    label: {en: Second}\n", "", "encounters[1].label: is missing"),
    ("label: {en: Second}", "label: Second", "encounters[1].label: must be a text per language, as {en: ..., pt-BR: ...}"),  # noqa: E501
    ("label: {en: Second}", "label: {english: Second}", "encounters[1].label: 'english' is not a language such as en or pt-BR"),  # noqa: E501
    ("recorded_by: V1", "recorded_by: V9", "anchors[0].recorded_by: no visit has the code 'V9'"),
    ("version: \"1\"", "version: 1", "version: must be a text, not 1 (put numbers in quotes)"),
    ("code: V2\n", "code: V2\n    setting: hospital\n", "encounters[1].setting: must be clinic, inpatient or phone"),
    ("code: V2\n", "code: V 2\n", "encounters[1].code: 'V 2' may hold only letters, digits, '.', '_' and '-'"),
    ("code: V2\n", "code: V2\n    dosing: maybe\n", "encounters[1].dosing: must be true or false, not 'maybe'"),
    (
        "code: V2\n",
        "code: V2\n    planned_when: {setting: doses, at_least: 2}\n",
        "encounters[1].planned_when.setting: settings has no whole number called 'doses'",
    ),
    (
        "code: V2\n",
        "code: V2\n    reminders: [{template: visit_1d}]\n",
        "encounters[1].reminders[0].days: must have either days (from the visit) or hours (from its anchor)",
    ),
    (
        "code: V2\n",
        "code: V2\n    reminders: [{template: visit_1d, days: -1, at: 25:00}]\n",
        "encounters[1].reminders[0].at: must be a time of day such as \"18:00\", not '25:00'",
    ),
    (
        "timing: {anchor: start, offset: 7, before: 1, after: 2}",
        "timing: {offset: 7}",
        "encounters[1].timing.anchor: must name one anchor (or one anchor_setting)",
    ),
    ("anchors:", "anchors: []\nother:", "anchors: must have at least one anchor"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "line"), WRONG, ids=[row[2].split(":")[0] + str(i) for i, row in enumerate(WRONG)]
)
def test_each_fault_is_named_by_its_path(old: str, new: str, line: str) -> None:
    assert line in errors_of(changed(old, new))


def test_all_faults_are_told_at_once() -> None:
    text = SMALL.replace("anchor: start, offset: 7", "anchor: strat, offset: 7").replace(
        "recorded_by: V1", "recorded_by: V9"
    )
    assert len(errors_of(text)) == 2


def test_a_doubled_key_and_broken_yaml_name_their_line() -> None:
    assert errors_of(SMALL + "code: AGAIN\n") == ("(line 16): a key stands here twice",)
    assert errors_of("code: [1\nversion: }")[0].startswith("(line 2): is not YAML")
    assert errors_of("- a list")[0].startswith("(file): must be a mapping")
    assert errors_of("")[0].startswith("(file): must be a mapping")


def test_anchors_may_not_count_from_themselves() -> None:
    text = changed(
        "    recorded_by: V1\n",
        "    default: {anchor: later, offset: 1}\n"
        "  - name: later\n    label: {en: Later}\n    default: {anchor: start, offset: 1}\n",
    )
    lines = errors_of(text)
    assert lines == (
        "anchors[0]: the anchor 'start' is counted from itself in the end",
        "anchors[1]: the anchor 'later' is counted from itself in the end",
    )


def test_repeated_visits_are_numbered_and_spaced() -> None:
    text = changed("code: V2\n", 'code: "M{nn}"\n    repeat: {first: 1, last: 3, every_days: 30}\n')
    design = load_design(text.replace("{en: Second}", '{en: "Month {n}"}'))
    months = design.encounters[1:]
    assert [(m.code, m.label["en"], m.timing.offset) for m in months if m.timing] == [
        ("M01", "Month 1", 7),
        ("M02", "Month 2", 37),
        ("M03", "Month 3", 67),
    ]
    backwards = changed("code: V2\n", 'code: "M{n}"\n    repeat: {first: 3, last: 1, every_days: 30}\n')
    assert errors_of(backwards) == ("encounters[1].repeat.last: must not be less than first",)


def test_template_keys_are_checked_against_the_catalogue() -> None:
    text = changed("code: V2\n", "code: V2\n    reminders: [{template: visit_1x, days: -1}]\n")
    assert load_design(text).encounter("V2").reminders
    assert errors_of(text, {"visit_1d"}) == (
        "encounters[1].reminders[0].template: no message template is called 'visit_1x'",
    )


def test_a_missing_language_is_told() -> None:
    text = SMALL + "settings: {languages: [en, pt-BR]}\n"
    assert "encounters[0].label: has no text in pt-BR" in errors_of(text)


QUESTIONS = """
questionnaires:
  - key: daily
    title: {en: Daily}
    version: "1"
    licence: Apache-2.0
    source: own wording
    schedule: {start: {anchor: start}, end: {anchor: start, offset: 9}, reminders_hours: [2, 4]}
    items:
      - {key: well, type: choice, sms: well, choices: [{code: "1", value: better}, {code: "2", value: worse}]}
triage:
  - {id: W, version: "1", level: amber, when: {choice: {item: well, any_of: [worse]}}}
policies:
  - key: red
    steps: [{after: 0, recipients: [on_call], channels: [sms]}, {after: 600, repeat: true}]
    exhausted_after: 1500
    exhausted_recipients: ["role:monitor"]
    then_every: 300
"""

WRONG_QUESTIONS: list[tuple[str, str, str]] = [
    ("item: well", "item: wel", "triage[0].when: no question is called 'wel'; there are: well"),
    ("level: amber", "level: orange", "triage[0].level: must be one of red, amber, nothing"),
    ("{choice: {item", "{chose: {item", "triage[0].when.chose: unknown kind"),
    ("    licence: Apache-2.0\n", "", "questionnaires[0].licence: is missing"),
    ('{code: "2"', '{code: "1"', "questionnaires[0].items[0].choices[1].code: '1' is used twice"),
    ('{code: "2"', "{code: Stop", "questionnaires[0].items[0].choices[1].code: the carrier takes 'Stop' for itself"),
    ("end: {anchor: start,", "end: {anchor: finish,", "questionnaires[0].schedule.end.anchor: no anchor is called 'finish'"),  # noqa: E501
    ("key: red", "key: amber", "policies: must have one with the key 'red'"),
    ("after: 600, repeat: true", "after: 600", "policies[0].steps[1].channels: must have at least one"),
]  # fmt: skip


def test_questions_triage_and_policies_load() -> None:
    design = load_design(SMALL + QUESTIONS)
    assert design.questionnaire("daily").schedule is not None
    assert design.triage[0].when.kind == "choice" and design.policy(design.triage[0].level).key == "red"


@pytest.mark.parametrize(("old", "new", "line"), WRONG_QUESTIONS)
def test_each_fault_of_questions_is_named_by_its_path(old: str, new: str, line: str) -> None:
    assert old in QUESTIONS
    found = errors_of(SMALL + QUESTIONS.replace(old, new, 1))
    assert any(one.startswith(line) for one in found), found


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([field.name for field in fields(type(STUDY))] + ["merge_same_day"]), yaml_values)
def test_nonsense_anywhere_is_a_list_of_faults_and_never_a_crash(key: str, value: Any) -> None:
    import json

    text = SMALL + f"\n{json.dumps(key)}: {json.dumps(value)}\n"
    try:
        load_design(text)
    except ProtocolErrors as refused:
        assert refused.errors and all(": " in line for line in refused.errors)


@given(st.text(max_size=60))
def test_any_text_is_a_design_or_a_list_of_faults(text: str) -> None:
    try:
        load_design(text)
    except ProtocolErrors as refused:
        assert refused.errors
