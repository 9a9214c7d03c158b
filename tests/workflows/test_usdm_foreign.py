"""What other people's USDM files hold: cycles, spare timings, older keys, and anything broken in any place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.usdm_case import dose, encounter, instance, study, timing
from workflows.decisions import RuleViolation
from workflows.protocol import Setting
from workflows.protocol_file import ProtocolErrors
from workflows.usdm import read_usdm, write_usdm
from workflows.visit_calendar import plan_visits

START = date(2026, 3, 2)
DECISION = "ScheduledDecisionInstance"


def cycles() -> str:
    """Two cycles in full, then a loop: a base and a delay that count from themselves, and a decision."""
    return study(
        [
            instance("SCREEN", "E_SCREEN"),
            instance("DAY1"),
            instance("C1", "E_C1"),
            instance("C2", "E_C2"),
            instance("BASE"),
            instance("CN", "E_CN"),
            instance("DELAY"),
            instance(
                "AGAIN",
                instanceType=DECISION,
                conditionAssignments=[{"condition": "cycle\n 3 to 9", "conditionTargetId": "I_BASE"}],
            ),
            instance("END", "E_END"),
        ],
        [
            timing("Before", "SCREEN", "C1", "P30D", "P0D", "P30D"),
            timing("Fixed Reference", "DAY1", "DAY1", "P1D"),
            timing("After", "C1", "DAY1", "P1D"),
            timing("After", "C2", "DAY1", "P16D", "P2D", "P2D"),
            timing("After", "BASE", "BASE", "P46D"),
            timing("After", "CN", "BASE", "P1D"),
            timing("After", "DELAY", "DELAY", "P14D"),
            timing("After", "END", "CN", "P30D"),
        ],
        [encounter(name, name) for name in ("SCREEN", "C1", "C2", "CN", "END")],
    )


def offsets(text: str) -> dict[str, int]:
    planned = plan_visits(read_usdm(text).design, {"start": START}, "America/Sao_Paulo")
    return {visit.code: (visit.date - START).days for visit in planned}


def changed(text: str, change: Any) -> str:
    raw = json.loads(text)
    change(raw)
    return json.dumps(raw)


def design_of(raw: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = raw["study"]["versions"][0]["studyDesigns"][0]
    return found


def main_of(raw: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = design_of(raw)["scheduleTimelines"][0]
    return found


def test_a_loop_of_cycles_is_listed_and_what_comes_before_it_is_dated() -> None:
    assert offsets(cycles()) == {"SCREEN": -29, "C1": 1, "C2": 16}
    loop = "I_BASE: counts from itself, as the steps of a cycle do, so nothing dates it"
    assert read_usdm(cycles()).notes == (
        "I_DAY1 (DAY1): has no encounter, no visit",
        "I_BASE (BASE): has no encounter, no visit",
        f"I_CN (CN): no visit, as it hangs on {loop}",
        "I_DELAY (DELAY): has no encounter, no visit",
        "I_AGAIN (AGAIN): a decision, no visit (cycle 3 to 9 -> I_BASE)",
        f"I_END (END): no visit, as it hangs on {loop}",
    )


def test_a_second_timing_of_an_instance_is_listed_and_a_fixed_reference_goes_first() -> None:
    text = study(
        [instance("A", "E_V"), instance("DOSE", "E_V")],
        [
            timing("After", "A", "DOSE", "P7D"),
            timing("Before", "A", "DOSE", "P9D") | {"id": "T_SPARE"},
            timing("After", "DOSE", "A", "P1D") | {"id": "T_BACK"},
            timing("Fixed Reference", "DOSE", "DOSE"),
        ],
        [encounter("V", "Visit")],
    )
    assert offsets(text) == {"DOSE": 0, "A": 7}
    assert read_usdm(text).notes == (
        "T_SPARE: I_A is dated by T_A, this timing is not used",
        "T_BACK: I_DOSE is dated by T_DOSE, this timing is not used",
    )


def test_a_visit_that_nothing_dates_is_listed_and_holds_up_no_other() -> None:
    elsewhere = {
        "id": "TL_2",
        "mainTimeline": False,
        "instances": [instance("LAB")],
        "timings": [timing("Fixed Reference", "LAB", "LAB")],
    }
    names = ("DOSE", "UNPLANNED", "LATER", "CYCLE", "RESULT", "SOON", "A")
    text = study(
        [instance(name, f"E_{name}") for name in names],
        [
            timing("Fixed Reference", "DOSE", "DOSE"),
            timing("After", "LATER", "UNPLANNED", "P2D"),
            timing("After", "CYCLE", "CYCLE", "P21D"),
            timing("After", "RESULT", "LAB", "P2D"),
            timing("After", "SOON", "DOSE", ""),
            timing("After", "A", "DOSE", "P1W"),
            timing("After", "LAB", "DOSE", "P1D"),
            timing("After", "A", "DOSE", "P9D") | {"id": "T_IDLE", "relativeFromScheduledInstanceId": None},
        ],
        [encounter(name, name) for name in names],
        elsewhere,
    )
    assert offsets(text) == {"DOSE": 0, "A": 7}
    assert read_usdm(text).notes == (
        "I_UNPLANNED (UNPLANNED): no visit, as it has no timing, so nothing dates it",
        "I_LATER (LATER): no visit, as it hangs on I_UNPLANNED: has no timing, so nothing dates it",
        "I_CYCLE (CYCLE): no visit, as it counts from itself, as the steps of a cycle do, so nothing dates it",
        "I_RESULT (RESULT): no visit, as it counts from I_LAB, which is in the timeline TL_2",
        "I_SOON (SOON): no visit, as it has the timing T_SOON, which says no distance",
        "T_LAB: dates I_LAB, which is in the timeline TL_2, this timing is not used",
        "T_IDLE: names no instance that it dates, this timing is not used",
        "I_LAB (LAB): in the timeline TL_2, not in the main one, no visit",
    )


def test_timings_the_wrong_way_round_are_told_and_a_distance_to_be_decided_is_none() -> None:
    text = dose(
        (instance("A", "E_A"), timing("After", "DOSE", "A", "P7D") | {"id": "T_A"}),
        (instance("B", "E_B"), timing("After", "B", "DOSE", "TBD")),
    )
    assert offsets(text) == {"DOSE": 0}
    assert read_usdm(text).notes == (
        "I_A (A): no visit, as it has no timing, so nothing dates it (relativeFrom and relativeTo of T_A may be "
        "the wrong way round)",
        "I_B (B): no visit, as it has the timing T_B, which says no distance",
        "T_A: I_DOSE is dated by T_DOSE, this timing is not used",
    )


def test_where_nothing_dates_any_visit_the_error_names_them() -> None:
    text = study([instance("A", "E_A")], [], [encounter("A", "A")])
    with pytest.raises(ProtocolErrors) as refused:
        read_usdm(text)
    assert refused.value.errors == (
        "TL_1: has no Fixed Reference, so nothing dates it",
        "I_A (A): no visit, as it has no timing, so nothing dates it",
    )


def test_a_window_in_words_only_is_the_day_itself_and_is_told() -> None:
    wordy = timing("After", "A", "DOSE", "P1W") | {"windowLabel": "-3..3 days"}
    blank = timing("After", "B", "DOSE", "P2W") | {"windowLabel": "-"}
    text = dose((instance("A", "E_A"), wordy), (instance("B", "E_B"), blank))
    (_, a, b) = plan_visits(read_usdm(text).design, {"start": START}, "America/Sao_Paulo")
    assert a.window_start == a.window_end == a.date and b.window_start == b.date
    assert read_usdm(text).notes == (
        "T_A: its window is given in words only ('-3..3 days'), so it is the day itself",
    )


def test_a_window_that_ends_before_the_day_does_so() -> None:
    text = dose((instance("A", "E_A"), timing("Before", "A", "DOSE", "P1D", "P28D", "-P2D")))
    for source in (text, write_usdm(read_usdm(text).design)):
        (visit, _) = plan_visits(read_usdm(source).design, {"start": START}, "America/Sao_Paulo")
        found = [(day - START).days for day in (visit.window_start, visit.date, visit.window_end)]
        assert found == [-29, -1, -3] and visit.flags == ("outside_window",)


def test_who_may_come_or_call_comes() -> None:
    place = {"environmentalSettings": [{"decode": "Clinic"}]}
    call, person = {"decode": "Telephone Call"}, {"decode": "In Person"}
    text = study(
        [instance("DOSE", "E_DOSE"), instance("A", "E_A")],
        [timing("Fixed Reference", "DOSE", "DOSE"), timing("After", "A", "DOSE", "P1D")],
        [
            encounter("DOSE", "D", contactModes=[person, call], **place),
            encounter("A", "A", contactModes=[call], **place),
        ],
    )
    assert [one.setting for one in read_usdm(text).design.encounters] == [Setting.CLINIC, Setting.PHONE]


def test_further_versions_and_designs_are_listed() -> None:
    def more(raw: dict[str, Any]) -> None:
        raw["study"]["versions"][0]["studyDesigns"].append({"id": "D_2"})
        raw["study"]["versions"].append({"id": "V_2"})

    text = changed(dose(), more)
    assert offsets(text) == {"DOSE": 0}
    assert read_usdm(text).notes == (
        "V_2: another version of the study, not read",
        "D_2: another study design, not read",
    )


ONE = (instance("A", "E_A"), timing("After", "A", "DOSE", "P1W", "P1D", "PT36H"))
SAME: list[tuple[str, Any]] = [
    ("as it is", lambda raw: None),
    ("the main timeline in words", lambda raw: main_of(raw).update(mainTimeline="true")),
    ("no study around", lambda raw: raw.update(raw.pop("study"))),
    ("lists that are null", lambda raw: main_of(raw).update(exits=None)),
    ("no way in", lambda raw: main_of(raw).update(entryId="")),
    ("version 3", lambda raw: raw.update(usdmVersion="3.0.0")),
    ("version 3 before it was called so", lambda raw: raw.update(usdmVersion="2.11.0")),
    (
        "types by their preferred names",
        lambda raw: [
            one.update(type={"code": "", "decode": one["type"]["decode"] + " Timing Type"})
            for one in main_of(raw)["timings"]
        ],
    ),
    (
        "types by their code alone",
        lambda raw: [
            one.update(type={"code": code, "decode": ""})
            for one, code in zip(main_of(raw)["timings"], ("C201358", "C201356"), strict=True)
        ],
    ),
    (
        "types in capitals",
        lambda raw: [
            one["type"].update(decode=one["type"]["decode"].upper())
            for one in main_of(raw)["timings"]
        ],
    ),
    ("timings in another order", lambda raw: main_of(raw)["timings"].reverse()),
    ("instances in another order", lambda raw: main_of(raw)["instances"].reverse()),
    (
        "a Fixed Reference from nowhere",
        lambda raw: main_of(raw)["timings"][0].update(relativeFromScheduledInstanceId=""),
    ),
]


@pytest.mark.parametrize("change", [change for _, change in SAME], ids=[name for name, _ in SAME])
def test_files_that_say_the_same_in_other_ways(change: Any) -> None:
    text = changed(dose(ONE), change)
    (first, second) = plan_visits(read_usdm("\ufeff" + text).design, {"start": START}, "America/Sao_Paulo")
    assert (first.code, second.code) == ("DOSE", "A")
    assert [(day - START).days for day in (second.window_start, second.date, second.window_end)] == [6, 7, 8]


def test_version_3_has_another_key_for_the_surroundings() -> None:
    phone = encounter("A", "A", environmentalSetting=[{"decode": "Home"}], contactModes=[{"decode": "Telephone Call"}])
    ward = encounter("DOSE", "D", environmentalSetting=[{"decode": "Hospital"}])
    timings = [timing("Fixed Reference", "DOSE", "DOSE"), ONE[1]]
    text = study([instance("DOSE", "E_DOSE"), instance("A", "E_A")], timings, [ward, phone])
    assert [one.setting for one in read_usdm(text).design.encounters] == [Setting.INPATIENT, Setting.PHONE]


def no_versions(raw: dict[str, Any]) -> None:
    raw["usdmVersion"] = "2.6"
    del raw["study"]["versions"]


def no_main(raw: dict[str, Any]) -> None:
    design_of(raw)["scheduleTimelines"].append({"id": "TL_2", "mainTimeline": False})
    main_of(raw)["mainTimeline"] = None


def two_mains(raw: dict[str, Any]) -> None:
    design_of(raw)["scheduleTimelines"].append({"id": "TL_2", "mainTimeline": True})


FAULTS: list[tuple[Any, str]] = [
    (
        no_versions,
        "S_1: has no versions; it is written in USDM '2.6'; the form of version 3 or 4 is read",
    ),
    (no_main, "D_1: has 0 main timelines of 2 (TL_1, TL_2); one is needed"),
    (two_mains, "D_1: has 2 main timelines of 2 (TL_1, TL_2); one is needed"),
    (
        lambda raw: design_of(raw).update(scheduleTimelines=[]),
        "D_1: has no scheduleTimelines, so there is nothing to date",
    ),
    (
        lambda raw: main_of(raw)["timings"][1].update(relativeToScheduledInstanceId=["I_DOSE"]),
        "T_A: relativeToScheduledInstanceId must be the id of an instance, not ['I_DOSE']",
    ),
    (
        lambda raw: main_of(raw)["timings"][1].update(relativeFromScheduledInstanceId={}),
        "T_A: relativeFromScheduledInstanceId must be the id of an instance, not {}",
    ),
    (lambda raw: main_of(raw)["timings"][1].update(value="P" + 900 * "9" + "D"), "T_A: value: "),
]


@pytest.mark.parametrize(("change", "line"), FAULTS)
def test_faults_name_the_element_and_stay_short(change: Any, line: str) -> None:
    with pytest.raises(ProtocolErrors) as refused:
        read_usdm(changed(dose(ONE), change))
    assert refused.value.errors[0].startswith(line) and len(refused.value.errors[0]) < 200


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


WHOLE = json.loads(cycles())
PLACES = list(places(WHOLE))
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["", "P1D", "-P3D", "PT5H", "P1M", "P1Y2W", "I_DAY1", "I_C1", "E_C1", "\x00", "x" * 3000, 10**30]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "name"]), inner),
        max_leaves=4,
    ),
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.just(None) | st.tuples(JUNK)), min_size=1, max_size=3))
def test_whatever_is_dropped_or_altered_there_is_a_calendar_or_a_clear_error(
    changes: list[tuple[tuple[Any, ...], tuple[Any] | None]],
) -> None:
    raw = copy.deepcopy(WHOLE)
    for path, new in changes:
        holder = raw
        try:
            for key in path[:-1]:
                holder = holder[key]
            if new is None:
                del holder[path[-1]]
            else:
                holder[path[-1]] = new[0]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    try:
        found = read_usdm(json.dumps(raw))
        plan_visits(found.design, {"start": START}, "America/Sao_Paulo")
    except ProtocolErrors as refused:
        assert all(": " in line and len(line) < 400 for line in refused.errors)
    except RuleViolation:
        pass  # a distance that leads out of the calendar
    else:
        assert all("\n" not in note for note in found.notes)
