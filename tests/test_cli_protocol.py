"""`vigilia protocol ...` as its users and other programs call it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from icalendar import Calendar

from service.cli_protocol import protocol
from tests.conftest import shared
from tests.workflows.calendar_case import STUDY_FILE
from tests.workflows.usdm_case import dose, instance, study, timing

ENROLLED = ("--anchor", "enrolment=2026-03-02")
KEYS = ["code", "label", "anchor", "date", "window_start", "window_end", "projected", "merged_into", "flags"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(protocol, [str(one) for one in arguments])


def calendar(*arguments: object) -> list[dict[str, object]]:
    result = run("calendar", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    rows: list[dict[str, object]] = json.loads(result.stdout)
    return rows


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    text = STUDY_FILE.read_text(encoding="utf-8")
    text = text.replace("timing: {anchor: atg_start, offset: -3", "timing: {anchor: atg_strat, offset: -3", 1)
    file = tmp_path / "broken.yaml"
    file.write_text(text.replace("infusions_planned: 2 ", "infusions_planned: two ", 1), encoding="utf-8")
    return file


def test_check_of_the_shipped_study_exits_0_and_lists_what_is_to_be_confirmed() -> None:
    result = run("check", STUDY_FILE)
    assert result.exit_code == 0
    assert "no errors" in result.output and "named investigator" in result.output


def test_check_of_a_broken_study_exits_1_and_names_every_fault(broken: Path) -> None:
    result = run("check", broken)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith("encounters[1].timing.anchor: no anchor is called 'atg_strat'")
    assert sum("planned_when.setting: settings has no whole number" in line for line in lines) == 4


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path: Path) -> None:
    assert run("check", tmp_path / "none.yaml").exit_code == 2
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    result = run("check", binary)
    assert result.exit_code == 1 and "is not UTF-8" in result.output


def test_the_json_calendar_is_the_contract() -> None:
    rows = calendar(STUDY_FILE, *ENROLLED, "--anchor", "infusion_1=2026-03-20", "--zone", "America/Sao_Paulo")
    assert all(list(row) == KEYS for row in rows)
    assert [row["date"] for row in rows] == sorted(str(row["date"]) for row in rows)
    by_code = {row["code"]: row for row in rows}
    assert by_code["ENR"] == {
        "code": "ENR",
        "label": "Enrolment and consent",
        "anchor": "enrolment",
        "date": "2026-03-02",
        "window_start": "2026-03-02",
        "window_end": "2026-03-02",
        "projected": False,
        "merged_into": None,
        "flags": [],
    }
    assert by_code["ATG1"]["projected"] is True and by_code["W05"]["projected"] is False
    assert by_code["W01"]["merged_into"] == "INF2"
    assert by_code["W02"]["date"] == "2026-04-02"  # Good Friday moved it
    assert (by_code["W02"]["window_start"], by_code["W02"]["window_end"]) == ("2026-04-01", "2026-04-05")


def test_planned_dates_closed_days_today_and_language() -> None:
    rows = calendar(STUDY_FILE, *ENROLLED, "--planned", "infusion_3=2026-04-02", "--closed", "2026-03-06")
    by_code = {row["code"]: row for row in rows}
    assert by_code["INF3"]["date"] == "2026-04-02" and by_code["INF3"]["projected"] is True
    assert by_code["BASE"]["date"] == "2026-03-05"
    stopped = calendar(STUDY_FILE, *ENROLLED, "--today", "2026-05-01")
    assert not [row for row in stopped if str(row["code"]).startswith("W")]
    assert calendar(STUDY_FILE, *ENROLLED, "--language", "pt-BR")[0]["label"] == "Inclusão e consentimento"


def test_an_infusion_before_the_last_atg_day_is_refused() -> None:
    result = run("calendar", STUDY_FILE, *ENROLLED, "--anchor", "infusion_1=2026-03-12")
    assert result.exit_code == 1 and "infusion_1: cannot be before 2026-03-14" in result.output


@pytest.mark.parametrize(
    "anchor", ["enrolment", "enrolment=2026-13-01", "enrolment=tomorrow", "enrolment=2026-03-02T25:00"]
)
def test_an_anchor_that_is_no_date_is_refused(anchor: str) -> None:
    result = run("calendar", STUDY_FILE, "--anchor", anchor)
    assert result.exit_code == 2 and "--anchor" in result.output


def test_an_unknown_anchor_and_zone_are_refused_and_missing_dates_told() -> None:
    unknown = run("calendar", STUDY_FILE, "--anchor", "enrolled=2026-03-02").output
    assert "enrolled: no anchor has this name" in unknown and "(got 2026-03-02)" in unknown
    assert run("calendar", STUDY_FILE, *ENROLLED, "--zone", "Mars/Olympus").exit_code == 1
    only_infusion = run("calendar", STUDY_FILE, "--anchor", "infusion_1=2026-03-20")
    assert only_infusion.exit_code == 0
    assert "enrolment: has no date, so there is no ENR" in only_infusion.stderr


def test_the_table_csv_and_ics_say_the_same() -> None:
    table = run("calendar", STUDY_FILE, *ENROLLED).output
    assert table.splitlines()[0].split() == ["CODE", "DATE", "WINDOW", "VISIT", "NOTES"]
    assert "with W26" in table
    rows = list(csv.DictReader(io.StringIO(run("calendar", STUDY_FILE, *ENROLLED, "--format", "csv").output)))
    assert list(rows[0]) == KEYS and len(rows) == 42 and rows[0]["projected"] == "false"
    feed = Calendar.from_ical(run("calendar", STUDY_FILE, *ENROLLED, "--format", "ics").output)
    events = {str(event["uid"]): event for event in feed.walk("VEVENT")}
    assert len(events) == 38  # four visits are part of another's appointment
    last = events["nct01297972-w26@vigilia"]
    assert last["summary"] == "W26 + R6M + EOS" and last["status"] == "TENTATIVE"
    assert last["dtstart"].dt.isoformat() == next(row["date"] for row in rows if row["code"] == "W26")


def test_export_reads_back_to_the_same_calendar(tmp_path: Path) -> None:
    exported = run("export", STUDY_FILE, "--format", "usdm")
    assert exported.exit_code == 0
    file = tmp_path / "study.json"
    file.write_text(exported.stdout, encoding="utf-8")
    for anchors in (
        ENROLLED,
        (*ENROLLED, "--anchor", "infusion_1=2026-03-20", "--anchor", "infusion_2=2026-03-30"),
    ):
        assert calendar(file, *anchors) == calendar(STUDY_FILE, *anchors)
    assert calendar(file, "--anchor", "start=2026-03-02") == calendar(STUDY_FILE, *ENROLLED)
    assert run("check", file).exit_code == 0


def test_the_cdisc_study_has_its_calendar() -> None:
    file = shared() / "data" / "usdm" / "CDISC_Pilot_Study.json"
    if not file.exists():
        pytest.skip(f"the CDISC pilot study is not at {file} (set VIGILIA_SHARED)")
    rows = calendar(file, "--anchor", "start=2026-01-05")
    assert len(rows) == 16 and rows[0]["code"] == "SCREEN1" and rows[0]["date"] == "2025-12-22"
    assert {row["anchor"] for row in rows} == {"DOSE"}


def test_what_is_no_visit_is_named_on_standard_error(tmp_path: Path) -> None:
    file = tmp_path / "usdm.json"
    file.write_text(
        dose(
            (
                instance("CHECK", instanceType="ScheduledDecisionInstance"),
                timing("After", "CHECK", "DOSE", "P1D"),
            )
        )
    )
    result = run("calendar", file, "--anchor", "start=2026-01-05", "--format", "json")
    assert result.stderr == "I_CHECK (CHECK): a decision, no visit\n"
    assert [row["code"] for row in json.loads(result.stdout)] == ["DOSE"]


def test_two_dates_for_one_anchor_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "usdm.json"
    file.write_text(dose())
    twice = run("calendar", file, "--anchor", "DOSE=2026-03-02", "--anchor", "start=2026-03-09")
    assert twice.exit_code == 1
    assert "start: is DOSE, which has another date (got 2026-03-09)" in twice.output
    same = run("calendar", file, "--anchor", "DOSE=2026-03-02", "--anchor", "start=2026-03-02")
    assert same.exit_code == 0


def test_a_label_with_line_ends_is_one_line_of_the_table(tmp_path: Path) -> None:
    file = tmp_path / "usdm.json"
    times = [timing("Fixed Reference", "A", "A")]
    file.write_text(study([instance("A", "E_A")], times, [{"id": "E_A", "label": "Day 1\n  Dose"}]))
    table = run("calendar", file, "--anchor", "start=2026-03-02").output
    assert table.splitlines()[1].endswith("Day 1 Dose") and len(table.splitlines()) == 2
    listed = json.loads(run("calendar", file, "--anchor", "start=2026-03-02", "--format", "json").output)
    assert listed[0]["label"] == "Day 1\n  Dose"


def test_a_usdm_fault_names_the_element(tmp_path: Path) -> None:
    file = tmp_path / "usdm.json"
    file.write_text(study([instance("A", "E_A")], [], [{"id": "E_A", "label": "A"}]))
    result = run("check", file)
    assert result.exit_code == 1
    assert "TL_1: has no Fixed Reference" in result.output and "I_A (A): no visit" in result.output


def test_compare_says_what_changed(tmp_path: Path) -> None:
    new = tmp_path / "v2.yaml"
    text = STUDY_FILE.read_text(encoding="utf-8").replace('version: "1"', 'version: "2"', 1)
    new.write_text(text, encoding="utf-8")
    assert run("compare", STUDY_FILE, new).output.splitlines() == ["Version 1 became version 2."]
    assert run("compare", STUDY_FILE, STUDY_FILE).output == "Nothing changed.\n"


@pytest.mark.parametrize("command", ["check", "calendar", "export", "compare"])
def test_each_command_shows_an_example(command: str) -> None:
    assert "Example: vigilia protocol" in run(command, "--help").output
