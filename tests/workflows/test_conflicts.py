"""Appointments in each other's way."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from workflows.conflicts import Appointment, ClashKind, over_capacity, own_clashes, same_hour
from workflows.protocol import Setting

CLINIC, INPATIENT, PHONE = Setting.CLINIC, Setting.INPATIENT, Setting.PHONE


def one(code: str, day: int, setting: Setting = CLINIC, **more: object) -> Appointment:
    return Appointment("P-001", code, date(2026, 3, day), setting, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (one("W01", 10), one("BM30", 10, INPATIENT), ClashKind.ELSEWHERE),
        (one("W01", 10, by_hand=True), one("BM30", 10), ClashKind.SAME_DAY),
        (one("W01", 10, by_hand=True), one("BM30", 11), ClashKind.TOO_NEAR),
        (one("W01", 10), one("BM30", 11), None),  # so the protocol has it
        (one("W01", 10, by_hand=True), one("BM30", 12), None),
        (one("ATG1", 10, INPATIENT, by_hand=True), one("ATG2", 11, INPATIENT), None),
        (one("ATG5", 10, INPATIENT, by_hand=True), one("W01", 11), None),
        (one("W01", 10, by_hand=True), one("INF1C", 10, PHONE), None),
    ],
)
def test_two_appointments_of_a_patient(first: Appointment, second: Appointment, kind: ClashKind | None) -> None:
    for order in ((first, second), (second, first)):
        found = own_clashes(order)
        assert [clash.kind for clash in found] == ([kind] if kind else [])
        assert all(clash.date == second.date and clash.why for clash in found)


def test_each_pair_is_told_once() -> None:
    three = [one("A", 10, by_hand=True), one("B", 10), one("C", 11)]
    told = {(clash.code, clash.other, clash.kind) for clash in own_clashes(three)}
    assert told == {("B", "A", ClashKind.SAME_DAY), ("C", "A", ClashKind.TOO_NEAR)}


def test_the_same_hour_is_another_patients() -> None:
    at = datetime(2026, 3, 10, 12, tzinfo=UTC)
    mine = one("W01", 10, booked_at=at)
    others = [
        Appointment("P-002", "W03", date(2026, 3, 10), CLINIC, booked_at=at),
        Appointment("P-003", "W03", date(2026, 3, 10), CLINIC, booked_at=at.replace(hour=13)),
        mine,
    ]
    (clash,) = same_hour(mine, others)
    assert clash.other == "P-002" and clash.kind is ClashKind.SAME_HOUR
    assert same_hour(one("W01", 10), others) == ()


def test_a_day_holds_what_the_site_takes() -> None:
    visits = [one("W01", 10), one("W02", 17), one("INF1", 10, INPATIENT)]
    counts = {date(2026, 3, 10): 4, date(2026, 3, 17): 3}
    (clash,) = over_capacity(visits, counts, 3)
    assert (clash.code, clash.count, clash.limit) == ("W01", 4, 3)
    assert over_capacity(visits, counts, None) == ()
