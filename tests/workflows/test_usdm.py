"""USDM studies: the one that CDISC publishes, small ones with every oddity, and our own there and back."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import shared
from tests.workflows.calendar_case import ENROLLED, STUDY, ZONE, day
from tests.workflows.usdm_case import dose, encounter, instance, study, timing
from workflows.anchors import AnchorDate
from workflows.closed_days import ClosedDays
from workflows.protocol import Setting, StudyDesign
from workflows.protocol_file import ProtocolErrors, load_design
from workflows.usdm import looks_like_usdm, read_usdm, write_usdm
from workflows.usdm_durations import Span, parse_duration
from workflows.visit_calendar import PlannedVisit, plan_visits

START = day("03-02")


def visits(text: str, start: date = START) -> dict[str, PlannedVisit]:
    return {visit.code: visit for visit in plan_visits(read_usdm(text).design, {"start": start}, "UTC")}


def offsets(text: str) -> dict[str, int]:
    return {code: (visit.date - START).days for code, visit in visits(text).items()}


def window(visit: PlannedVisit) -> tuple[int, int]:
    return (visit.date - visit.window_start).days, (visit.window_end - visit.date).days


def errors_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ProtocolErrors) as refused:
        read_usdm(text)
    return refused.value.errors


def test_the_study_that_cdisc_publishes() -> None:
    file = shared() / "data" / "usdm" / "CDISC_Pilot_Study.json"
    if not file.exists():
        pytest.skip(f"the CDISC pilot study is not at {file} (set VIGILIA_SHARED)")
    found = visits(file.read_text(encoding="utf-8"))
    assert {code: ((visit.date - START).days, *window(visit)) for code, visit in found.items()} == {
        "SCREEN1": (-14, 0, 0),
        "SCREEN2": (-2, 0, 0),  # its window of four hours is the day itself
        "DOSE": (0, 0, 0),
        "WK2": (14, 3, 3),
        "WK4": (28, 3, 3),
        "WK6": (42, 3, 3),
        "WK8": (56, 3, 3),
        "WK8N": (70, 0, 0),  # two weeks after week 8
        "WK12": (84, 4, 4),
        "WK12N": (98, 0, 0),
        "WK16": (112, 4, 4),
        "WK16N": (126, 0, 0),
        "WK20": (140, 4, 4),
        "WK20N": (154, 0, 0),
        "WK24": (168, 4, 4),
        "WK26": (182, 3, 3),
    }
    assert {visit.anchor for visit in found.values()} == {"DOSE"}
    assert found["SCREEN1"].label["en"] == "Screening 1" and found["DOSE"].label["en"] == "Baseline"
    assert not any(visit.projected or visit.merged_into or visit.flags for visit in found.values())


class TestChains:
    def test_each_hop_moves_by_its_whole_days(self) -> None:
        text = dose(
            (instance("PRE", "E_PRE"), timing("Before", "PRE", "DOSE", "PT15M")),
            (instance("A", "E_A"), timing("After", "A", "DOSE", "P1DT12H")),
            (instance("B", "E_B"), timing("After", "B", "A", "P1W1D")),
            (instance("C", "E_C"), timing("Before", "C", "B", "P3D")),
        )
        assert offsets(text) == {"PRE": 0, "DOSE": 0, "A": 1, "B": 9, "C": 6}

    def test_a_chain_may_be_thousands_of_hops_long(self) -> None:
        names = ["DOSE", *(f"N{n}" for n in range(5000))]
        text = dose(
            *((instance(b, f"E_{b}"), timing("After", b, a, "P1D")) for a, b in zip(names, names[1:]))
        )
        found = offsets(text)
        assert found["N4999"] == 5000 and len(found) == 5001

    def test_calendar_months_are_counted_hop_by_hop(self) -> None:
        text = dose(
            (instance("M1", "E_M1"), timing("After", "M1", "DOSE", "P1M")),
            (instance("M1B", "E_M1B"), timing("After", "M1B", "M1", "P2D")),
            (instance("Y1", "E_Y1"), timing("After", "Y1", "DOSE", "P1Y")),
        )
        found = visits(text, day("01-31"))
        assert found["M1"].date == day("02-28") and found["M1B"].date == day("03-02")
        assert found["Y1"].date == day("2027-01-31")

    def test_an_instance_without_an_encounter_may_stand_in_the_middle(self) -> None:
        text = dose(
            (instance("MID"), timing("After", "MID", "DOSE", "P2D")),
            (instance("END", "E_END"), timing("After", "END", "MID", "P3D")),
        )
        assert offsets(text) == {"DOSE": 0, "END": 5}
        assert read_usdm(text).notes == ("I_MID (MID): has no encounter, no visit",)


class TestWindows:
    @pytest.mark.parametrize(
        ("lower", "upper", "expected"),
        [
            (None, None, (0, 0)),
            ("", "", (0, 0)),
            ("PT4H", "PT0H", (0, 0)),
            ("P0D", "P0D", (0, 0)),
            ("P3D", "P1W", (3, 7)),
            ("-P3D", "P3D", (3, 3)),
            (None, "P2D", (0, 2)),
        ],
    )
    def test_missing_zero_in_hours_and_in_days(
        self, lower: Any, upper: Any, expected: tuple[int, int]
    ) -> None:
        text = dose((instance("A", "E_A"), timing("After", "A", "DOSE", "P10D", lower, upper)))
        assert window(visits(text)["A"]) == expected


def test_decisions_and_sub_timelines_are_no_visits() -> None:
    other = {
        "id": "TL_2",
        "mainTimeline": False,
        "instances": [instance("AE", "E_A")],
        "timings": [timing("Fixed Reference", "AE", "AE")],
    }
    text = study(
        [
            instance("DOSE", "E_DOSE"),
            instance("OK", instanceType="ScheduledDecisionInstance"),
            instance("VITALS", timelineId="TL_2"),
            instance("A", "E_A"),
        ],
        [timing("Fixed Reference", "DOSE", "DOSE"), timing("After", "A", "DOSE", "P1W")],
        [encounter("DOSE", "Baseline"), encounter("A", "Week 1")],
        other,
    )
    found = read_usdm(text)
    assert set(visits(text)) == {"DOSE", "A"}
    assert found.notes == (
        "I_OK (OK): a decision, no visit",
        "I_VITALS (VITALS): has no encounter, no visit",
        "I_AE (AE): in the timeline TL_2, not in the main one, no visit",
    )


def test_two_instances_of_one_name_keep_apart_by_their_ids() -> None:
    text = study(
        [
            instance("DOSE", "E_DOSE"),
            instance("A", "E_A"),
            instance("A", "E_A", id="I_A2"),
            instance("", "E_A", id="I_N"),
        ],
        [
            timing("Fixed Reference", "DOSE", "DOSE"),
            timing("After", "A", "DOSE", "P1W"),
            timing("After", "A2", "DOSE", "P2W"),
            timing("After", "N", "DOSE", "P3W"),
        ],
        [encounter("DOSE", "Baseline"), encounter("A", "Week")],
    )
    assert offsets(text) == {"DOSE": 0, "A_I_A": 7, "A_I_A2": 14, "I_N": 21}


def test_two_fixed_references_are_dated_apart_and_start_is_the_entrys() -> None:
    text = study(
        [instance("DOSE", "E_V"), instance("LEAVE", "E_V"), instance("AFTER", "E_V")],
        [
            timing("Fixed Reference", "DOSE", "DOSE"),
            timing("Fixed Reference", "LEAVE", "LEAVE"),
            timing("After", "AFTER", "LEAVE", "P30D"),
        ],
        [encounter("V", "Visit")],
    )
    assert set(visits(text)) == {"DOSE"}
    both = plan_visits(read_usdm(text).design, {"start": START, "LEAVE": day("04-01")}, "UTC")
    assert [(visit.code, visit.anchor, visit.date) for visit in both][-1] == ("AFTER", "LEAVE", day("05-01"))


def test_settings_come_from_the_encounters_surroundings() -> None:
    text = study(
        [instance("DOSE", "E_DOSE"), instance("CALL", "E_CALL")],
        [timing("Fixed Reference", "DOSE", "DOSE"), timing("After", "CALL", "DOSE", "P1D")],
        [
            encounter("DOSE", "Ward", environmentalSettings=[{"decode": "Hospital"}]),
            encounter("CALL", "Call", contactModes=[{"decode": "Telephone Call"}]),
        ],
    )
    found = visits(text)
    assert found["DOSE"].setting is Setting.INPATIENT and found["CALL"].setting is Setting.PHONE


FAULTS: list[tuple[str, str]] = [
    ("not json", "(line 1): is not JSON"),
    ("[]", "(file): has no study"),
    ('{"study": {"id": "S_1"}}', "S_1: has no versions"),
    ('{"study": {"id": "S_1", "versions": [{"id": "V_1"}]}}', "V_1: has no studyDesigns"),
    (study([], [], []), "TL_1: has no Fixed Reference"),
    (
        dose((instance("A", "E_X"), timing("After", "A", "DOSE", "P1D"))),
        "I_A: its encounter 'E_X' is not in the design",
    ),
    (
        dose((instance("A", "E_A"), timing("After", "A", "GONE", "P1D"))),
        "T_A: is relative to 'I_GONE', which is not",
    ),
    (
        dose((instance("A", "E_A"), timing("After", "GONE", "DOSE", "P1D"))),
        "T_GONE: its instance 'I_GONE' is not",
    ),
    (
        dose((instance("A", "E_A"), timing("After", "A", "DOSE", "2 weeks"))),
        "T_A: value: '2 weeks' is not an ISO 8601",
    ),
    (
        dose((instance("A", "E_A"), timing("After", "A", "DOSE", "P1D", "3d"))),
        "T_A: windowLower: '3d' is not an ISO",
    ),
    (dose((instance("A", "E_A"), timing("Around", "A", "DOSE", "P1D"))), "T_A: type 'Around' is none of"),
    (
        dose(
            (instance("A", "E_A"), timing("After", "A", "B", "P1D")),
            (instance("B", "E_B"), timing("After", "B", "A", "P1D")),
        ),
        "I_A: its timings go round in a circle",
    ),
]


@pytest.mark.parametrize(
    ("text", "line"), FAULTS, ids=[line.split(":")[0] + str(n) for n, (_, line) in enumerate(FAULTS)]
)
def test_faults_name_the_element_by_its_id(text: str, line: str) -> None:
    assert errors_of(text)[0].startswith(line)


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "span"),
        [
            ("P2W", Span(0, 14)),
            ("P1D", Span(0, 1)),
            ("PT4H", Span(0, 0)),
            ("PT48H", Span(0, 2)),
            ("P1M", Span(1, 0)),
            ("P1Y2M3DT4H", Span(14, 3)),
            ("P1.5D", Span(0, 1)),
            ("P0,5W", Span(0, 3)),
            ("-P3D", Span(0, 3, True)),
            (" p1d ", Span(0, 1)),
            ("P-7D", Span(0, 7, True)),
            ("-P-1W", Span(0, 7)),
            ("-PT15M", Span(0, 0, True)),
        ],
    )
    def test_read(self, text: str, span: Span) -> None:
        assert parse_duration(text) == span

    @pytest.mark.parametrize("text", ["", "P", "PT", "1D", "P1", "P1.5M", "P-1", "P1W-1D", "P99999999999D", "P1D2W"])
    def test_refused(self, text: str) -> None:
        with pytest.raises(ValueError):
            parse_duration(text)

    @given(st.text(max_size=12))
    def test_any_text_is_a_span_or_a_value_error(self, text: str) -> None:
        try:
            assert parse_duration(text).days >= 0
        except ValueError:
            pass


class TestOurOwn:
    @pytest.mark.parametrize(
        "anchors",
        [
            {"enrolment": ENROLLED},
            {"enrolment": ENROLLED, "atg_start": day("03-10"), "infusion_1": day("03-20")},
            {
                "enrolment": ENROLLED,
                "infusion_1": day("03-20"),
                "infusion_2": day("03-29"),
                "infusion_4": day("04-09"),
            },
            {"enrolment": ENROLLED, "infusion_3": AnchorDate("infusion_3", planned=day("04-06"))},
        ],
    )
    def test_there_and_back_gives_the_same_calendar(self, anchors: dict[str, Any]) -> None:
        back = read_usdm(write_usdm(STUDY)).design
        assert back.closed_days == STUDY.closed_days
        for closed in (None, ClosedDays("BR", "SP")):
            plans = [plan_visits(design, anchors, ZONE, closed) for design in (STUDY, back)]
            assert plans[0] == plans[1]

    def test_start_is_the_enrolment(self) -> None:
        back = read_usdm(write_usdm(STUDY)).design
        assert plan_visits(back, {"start": ENROLLED}, ZONE) == plan_visits(
            back, {"enrolment": ENROLLED}, ZONE
        )

    def test_whoever_ignores_the_extensions_reads_the_projected_dates(self) -> None:
        raw = json.loads(write_usdm(STUDY))
        design = raw["study"]["versions"][0]["studyDesigns"][0]
        design["extensionAttributes"] = []
        for one in design["scheduleTimelines"][0]["instances"]:
            one["extensionAttributes"] = []
        foreign = {
            v.code: v for v in plan_visits(read_usdm(json.dumps(raw)).design, {"start": ENROLLED}, ZONE)
        }
        ours = {visit.code: visit for visit in plan_visits(STUDY, {"enrolment": ENROLLED}, ZONE)}
        assert {code: visit.date for code, visit in ours.items()}.items() <= {
            code: visit.date for code, visit in foreign.items()
        }.items()
        assert window(foreign["BASE"]) == (4, 2) and foreign["BASE"].label["en"] == "Baseline"

    def test_a_distance_changed_in_the_file_changes_the_calendar(self) -> None:
        raw = json.loads(write_usdm(STUDY))
        timings = raw["study"]["versions"][0]["studyDesigns"][0]["scheduleTimelines"][0]["timings"]
        for one in timings:
            if one["name"] == "TIM_BASE":
                one["value"] = "P5D"
            if one["name"] == "TIM_ATG1":
                one["value"] = "P9D"
        plan = {v.code: v for v in plan_visits(read_usdm(json.dumps(raw)).design, {"start": ENROLLED}, ZONE)}
        assert plan["ATG1"].date == ENROLLED + timedelta(days=9)
        assert plan["BASE"].date == ENROLLED + timedelta(days=4)

    def test_ids_are_unique_and_references_exist(self) -> None:
        text = write_usdm(STUDY)
        ids: list[str] = []
        references: list[str] = []

        def walk(value: Any) -> None:
            if isinstance(value, dict):
                ids.extend([value["id"]] if value.get("id") else [])
                references.extend(v for k, v in value.items() if k.endswith("Id") and isinstance(v, str))
                for inner in value.values():
                    walk(inner)
            elif isinstance(value, list):
                for inner in value:
                    walk(inner)

        walk(json.loads(text))
        assert len(ids) == len(set(ids)) and set(references) <= set(ids)
        assert text == write_usdm(STUDY)

    def test_what_version_4_asks_of_every_study_is_there(self) -> None:
        version = json.loads(write_usdm(STUDY))["study"]["versions"][0]
        (design,) = version["studyDesigns"]
        (sponsor,), (identifier,) = version["organizations"], version["studyIdentifiers"]
        assert identifier["text"] == STUDY.code and identifier["scopeId"] == sponsor["id"]
        assert design["population"]["includesHealthySubjects"] is False
        assert all(cell["elementIds"] for cell in design["studyCells"])
        (item,), (criterion,) = version["eligibilityCriterionItems"], design["eligibilityCriteria"]
        assert criterion["criterionItemId"] == item["id"]
        fixed = [
            one
            for one in design["scheduleTimelines"][0]["timings"]
            if one["type"]["decode"] == "Fixed Reference"
        ]
        assert fixed and all(one["windowLower"] is one["windowUpper"] is None for one in fixed)

    def test_the_export_is_valid_by_the_schema_of_version_4(self) -> None:
        schema = os.environ.get("VIGILIA_USDM_SCHEMA")
        if not schema:
            pytest.skip("set VIGILIA_USDM_SCHEMA to the file of CDISC's USDM 4.0 API (OpenAPI, JSON)")
        parts = json.loads(Path(schema).read_text(encoding="utf-8"))["components"]
        wrapper = {"$ref": "#/components/schemas/Wrapper-Input", "components": parts}
        validator = pytest.importorskip("jsonschema_rs").validator_for(wrapper)
        foreign = dose((instance("A", "E_A"), timing("After", "A", "DOSE", "P10D", "P1D", "P2D")))
        for design in (STUDY, read_usdm(foreign).design):
            errors = [str(error) for error in validator.iter_errors(json.loads(write_usdm(design)))]
            assert errors == []

    def test_a_broken_extension_is_a_fault_by_id(self) -> None:
        raw = json.loads(write_usdm(STUDY))
        extension = raw["study"]["versions"][0]["studyDesigns"][0]["extensionAttributes"][0]
        extension["valueString"] = "{}"
        assert errors_of(json.dumps(raw))[0].startswith(
            "InterventionalStudyDesign_1: its extension attribute lacks"
        )
        extension["valueString"] = "{"
        assert errors_of(json.dumps(raw))[0].endswith("its valueString is not JSON")

    @pytest.mark.parametrize("first", ["LEAVE", "start"])
    def test_several_fixed_references_and_long_names_go_there_and_back(self, first: str) -> None:
        long = "Week 1, with the long name that a protocol's own table gives it"
        text = study(
            [instance(first, "E_V"), instance("DOSE", "E_V"), instance(long, "E_V")],
            [
                timing("Fixed Reference", first, first),
                timing("Fixed Reference", "DOSE", "DOSE"),
                timing("After", long, "DOSE", "P1W"),
            ],
            [encounter("V", "Visit")],
        )
        raw = json.loads(text)
        raw["study"]["versions"][0]["studyDesigns"][0]["scheduleTimelines"][0]["entryId"] = f"I_{long}"
        once = read_usdm(json.dumps(raw)).design
        plan = plan_visits(once, {"start": START}, "UTC")
        assert {v.code for v in plan} == ({first} if first == "start" else {"DOSE", long})
        assert plan_visits(read_usdm(write_usdm(once)).design, {"start": START}, "UTC") == plan

    def test_a_study_in_calendar_months_goes_there_and_back(self) -> None:
        text = dose(
            (instance("M", "E_M"), timing("After", "M", "DOSE", "P1M", "P2D", "P3D")),
            (instance("MD", "E_MD"), timing("After", "MD", "M", "P1M2D")),
            (instance("BACK", "E_BACK"), timing("Before", "BACK", "MD", "P5D")),
            (instance("EARLY", "E_EARLY"), timing("Before", "EARLY", "BACK", "P1Y")),
        )
        again = write_usdm(read_usdm(text).design)
        for start in (day("01-31"), day("02-28"), START):
            assert visits(again, start) == visits(text, start)
        (design,) = json.loads(again)["study"]["versions"][0]["studyDesigns"]
        values = {one["label"]: one["value"] for one in design["scheduleTimelines"][0]["timings"]}
        steps = [values[code] for code in ("M", "MD step 1", "MD", "BACK step 2", "BACK", "EARLY")]
        assert steps == ["P1M", "P1M", "P1M2D", "P1M", "P3D", "P12M"]

    def test_a_foreign_study_goes_there_and_back_too(self) -> None:
        text = dose(
            (instance("A", "E_A"), timing("After", "A", "DOSE", "P10D", "P1D", "P2D")),
            (instance("B", "E_B"), timing("Before", "B", "A", "P3D")),
        )
        again = write_usdm(read_usdm(text).design)
        assert visits(again) == visits(text)


@given(st.integers(-30, 60), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_small_designs_go_there_and_back(offset: int, before: int, after: int, merge: bool) -> None:
    design: StudyDesign = load_design(f"""
code: T
version: "1"
title: {{en: T}}
merge_same_day: {str(merge).lower()}
anchors:
  - {{name: start, label: {{en: Start}}}}
  - {{name: second, label: {{en: Second}}, default: {{anchor: start, offset: {offset}}}, recorded_by: B}}
encounters:
  - {{code: A, label: {{en: A}}, timing: {{anchor: start, offset: 3, before: {before}, after: {after}}}}}
  - {{code: B, label: {{en: B}}, timing: {{anchor: second}}}}
  - {{code: C, label: {{en: C}}, timing: {{anchor: second, offset: {offset}, before: {after}, after: {before}}}}}
""")
    back = read_usdm(write_usdm(design)).design
    for anchors in ({"start": START}, {"start": START, "second": START + timedelta(days=5)}):
        assert plan_visits(back, anchors, ZONE) == plan_visits(design, anchors, ZONE)


def test_usdm_is_told_from_yaml_by_its_first_sign() -> None:
    assert (
        looks_like_usdm('\ufeff\n {"study": 1}')
        and not looks_like_usdm("code: X")
        and not looks_like_usdm("")
    )
