"""Which messages hang on a visit, and when: local hours, through both changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.calendar_case import ENROLLED, STUDY, ZONE, day, plan
from workflows.anchors import resolve_anchors
from workflows.visit_reminders import ReminderDue, due_reminders, local_instant

ALL = {"enrolment": ENROLLED, "atg_start": day("03-09"), "infusion_1": day("03-20")}
NINE = time(9)


def reminders(code: str, zone: str = ZONE, dates: dict[str, object] | None = None) -> tuple[ReminderDue, ...]:
    anchors = dict(dates or ALL)
    resolved = resolve_anchors(STUDY, anchors, zone)  # type: ignore[arg-type]
    visit = plan(anchors, zone=zone)[code]
    return due_reminders(STUDY, visit, resolved, zone, NINE, members=visit.members)  # type: ignore[arg-type]


def local(code: str, zone: str = ZONE) -> list[tuple[str, str, str]]:
    tz = ZoneInfo(zone)
    return [(one.template, f"{one.at.astimezone(tz):%m-%d %H:%M}", one.only) for one in reminders(code, zone)]


def test_a_weekly_visit_is_announced_three_days_and_one_day_ahead_and_followed_up_when_missed() -> None:
    assert local("W05") == [
        ("visit_ahead", "04-21 10:00", ""),
        ("visit_1d_trough", "04-23 18:00", ""),
        ("missed", "04-25 10:00", "missed"),
    ]


def test_an_infusion_is_announced_two_days_and_one_day_ahead() -> None:
    assert local("INF1") == [("visit_ahead", "03-18 10:00", ""), ("visit_1d", "03-19 18:00", "")]


def test_the_first_infusion_is_followed_by_two_calls_counted_in_hours() -> None:
    at_clinic_hour = [(one.template, one.at) for one in reminders("INF1C")]
    start = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)  # 09:00 in Sao Paulo
    assert at_clinic_hour == [("infusion_check", start + timedelta(hours=h)) for h in (4, 24)]
    known = reminders("INF1C", dates={**ALL, "infusion_1": datetime(2026, 3, 20, 18, 30, tzinfo=UTC)})
    assert [one.at for one in known] == [
        datetime(2026, 3, 20, 22, 30, tzinfo=UTC),
        datetime(2026, 3, 21, 18, 30, tzinfo=UTC),
    ]  # noqa: E501


def test_hours_are_not_counted_from_an_infusion_that_has_not_happened() -> None:
    assert reminders("INF1C", dates={"enrolment": ENROLLED}) == ()


def test_an_appointment_has_one_set_of_reminders_with_the_word_on_the_dose_where_any_part_needs_it() -> None:
    assert reminders("W01") == () and reminders("R6M") == () and reminders("EOS") == ()
    assert local("INF2") == [
        ("visit_ahead", "03-25 10:00", ""),
        ("visit_1d_trough", "03-26 18:00", ""),
        ("missed", "03-28 10:00", "missed"),
    ]
    assert [template for template, _, _ in local("W26")] == ["visit_ahead", "visit_1d_trough", "missed"]


def test_visits_in_hospital_between_the_first_and_last_day_of_atg_have_none() -> None:
    assert [reminders(f"ATG{n}") for n in range(2, 6)] == [()] * 4
    assert reminders("ENR") == ()


def test_keys_are_stable_and_differ() -> None:
    keys = [one.key for one in reminders("W05")]
    assert keys == ["W05:-3d", "W05:-1d", "W05:+1d:missed"]
    moved = reminders("W05", dates={**ALL, "infusion_1": day("03-23")})
    assert [one.key for one in moved] == keys and moved[0].at != reminders("W05")[0].at


@pytest.mark.parametrize(
    ("zone", "on", "wall", "utc"),
    [
        ("America/New_York", "2026-03-08", time(2, 30), "2026-03-08T07:30"),  # 02:30 does not exist: 03:30
        ("America/New_York", "2026-11-01", time(1, 30), "2026-11-01T05:30"),  # comes twice: the first
        ("Europe/Lisbon", "2026-03-29", time(1, 30), "2026-03-29T01:30"),  # 01:30 does not exist: 02:30
        ("Europe/Lisbon", "2026-10-25", time(1, 30), "2026-10-25T00:30"),
        ("Europe/Lisbon", "2026-03-30", time(10, 0), "2026-03-30T09:00"),
        ("America/Sao_Paulo", "2026-03-08", time(18, 0), "2026-03-08T21:00"),
    ],
)
def test_local_hours_become_instants_through_both_changes_of_the_clock(
    zone: str, on: str, wall: time, utc: str
) -> None:
    assert local_instant(day(on), wall, zone) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Lisbon"])
def test_a_reminder_stays_at_its_local_hour_across_the_change(zone: str) -> None:
    for code in ("W01", "W02", "W03", "W04", "W25", "W26"):
        hours = [at[-5:] for template, at, _ in local(code, zone) if template == "visit_ahead"]
        assert set(hours) <= {"10:00"}
    before, after = reminders("W03", "America/New_York")[0].at, reminders("W26", "Europe/Lisbon")[0].at
    assert (before.hour, after.hour) == (14, 9)


@given(
    st.dates(min_value=day("2020-01-01"), max_value=day("2035-01-01")),
    st.times(),
    st.sampled_from(["America/New_York", "Europe/Lisbon", "Australia/Lord_Howe", ZONE]),
)  # noqa: E501
def test_an_instant_is_the_wall_time_or_the_skipped_time_moved_on(on: object, wall: time, zone: str) -> None:
    at = local_instant(on, wall, zone)  # type: ignore[arg-type]
    back = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    late = back - datetime.combine(on, wall)  # type: ignore[arg-type]
    assert timedelta(0) <= late <= timedelta(hours=1)


def test_365_days_in_every_zone_no_reminder_is_skipped_or_doubled() -> None:
    first = day("2026-01-01")
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        instants = [local_instant(first + timedelta(days=n), time(10), zone) for n in range(366)]
        gaps = {after - before for before, after in zip(instants, instants[1:])}
        assert timedelta(hours=22) <= min(gaps) and max(gaps) <= timedelta(hours=26), name
        assert all(at.astimezone(zone).hour == 10 for at in instants), name
