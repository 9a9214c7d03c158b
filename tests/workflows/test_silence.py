"""Silence: no answer by the last reminder and four hours, once in the neutropenic window, twice at any time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest

from workflows.protocol_file import load_design
from workflows.silence import AskedOccasion, silence_due, silent_at

DESIGN = load_design(files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8"))
ATG = date(2026, 3, 9)
ANCHORS = {"atg_start": ATG}


def asked(day: int, *, answered: bool = False, excused: bool = False) -> AskedOccasion:
    opens = datetime(2026, 3, 9, 11, tzinfo=UTC) + timedelta(days=day)
    return AskedOccasion(
        "daily",
        ATG + timedelta(days=day),
        opens,
        (opens + timedelta(hours=2), opens + timedelta(hours=4)),
        answered,
        excused,
    )


def fired(
    *occasions: AskedOccasion, after: timedelta = timedelta(hours=8), anchors=ANCHORS
) -> list[tuple[str, int]]:
    now = max(one.opens_at for one in occasions) + after
    return [
        (due.rule_id, (due.for_dates[-1] - ATG).days)
        for due in silence_due(DESIGN.silence, occasions, anchors, now)
    ]


def test_the_last_reminder_and_four_hours() -> None:
    rule = DESIGN.silence[0]
    assert silent_at(rule, asked(0)) == asked(0).opens_at + timedelta(hours=8)
    assert fired(asked(0), after=timedelta(hours=8)) == [("N-MISS1", 0)]
    assert fired(asked(0), after=timedelta(hours=8) - timedelta(seconds=1)) == []


def test_an_answer_is_no_silence() -> None:
    assert fired(asked(0, answered=True)) == []


@pytest.mark.parametrize(("day", "inside"), [(-1, False), (0, True), (41, True), (42, False)])
def test_one_miss_counts_in_the_neutropenic_window(day: int, inside: bool) -> None:
    assert (("N-MISS1", day) in fired(asked(day))) is inside


def test_two_running_count_at_any_time() -> None:
    assert fired(asked(60), asked(61)) == [("N-MISS2", 61)]
    assert fired(asked(60), asked(61, answered=True), asked(62)) == []
    assert fired(asked(60), asked(61), asked(62)) == [("N-MISS2", 61), ("N-MISS2", 62)]


def test_a_day_in_hospital_neither_counts_nor_breaks_the_row() -> None:
    assert fired(asked(60), asked(61, excused=True), asked(62)) == [("N-MISS2", 62)]
    assert fired(asked(60, excused=True)) == []


def test_what_fired_says_the_days() -> None:
    now = asked(61).opens_at + timedelta(hours=9)
    (due,) = silence_due(DESIGN.silence, [asked(61), asked(60)], ANCHORS, now)
    assert due.for_dates == (ATG + timedelta(days=60), ATG + timedelta(days=61))
    assert (due.task, due.level, due.version) == ("call_and_next_of_kin", "amber", "1")
    assert due.since == asked(61).opens_at + timedelta(hours=8)


def test_without_the_anchor_the_window_is_unknown_and_two_still_count() -> None:
    assert fired(asked(0), anchors={}) == []
    assert fired(asked(0), asked(1), anchors={}) == [("N-MISS2", 1)]
