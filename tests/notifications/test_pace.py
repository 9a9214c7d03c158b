"""A sender number's pace: never more than its rate, and one second's worth at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifications.pace import MOST_AHEAD, after, room

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def test_a_second_is_saved_up_and_no_more() -> None:
    assert room(None, rate=10, now=NOW) == 10
    used = after(None, 10, rate=10, now=NOW)
    assert room(used, rate=10, now=NOW) == 0
    assert room(used, rate=10, now=NOW + timedelta(seconds=0.55)) == 5
    assert room(used, rate=10, now=NOW + timedelta(hours=1)) == 10


def test_what_left_without_asking_is_waited_for() -> None:
    used = after(None, 30, rate=10, now=NOW)
    assert room(used, rate=10, now=NOW + timedelta(seconds=2)) == 0
    assert room(used, rate=10, now=NOW + timedelta(seconds=2.5)) == 5


def test_a_clock_that_was_set_back_holds_nobody_for_long() -> None:
    used = after(None, 10, rate=10, now=NOW + timedelta(hours=1))
    later = after(used, 0, rate=10, now=NOW)
    assert later == NOW + MOST_AHEAD
    assert room(later, rate=10, now=NOW + MOST_AHEAD) == 10


@given(
    rate=st.integers(1, 100),
    looks=st.lists(st.tuples(st.floats(0, 3), st.integers(0, 300)), min_size=1, max_size=40),
)
def test_no_stretch_of_time_sees_more_than_its_rate_and_one_second(
    rate: int, looks: list[tuple[float, int]]
) -> None:
    next_at, now, sent = None, NOW, []
    for waited, wanted in looks:
        now += timedelta(seconds=waited)
        goes = min(wanted, room(next_at, rate=rate, now=now))
        next_at = after(next_at, goes, rate=rate, now=now)
        sent.append((now, goes))
    for place, (began, _) in enumerate(sent):
        for end in range(place, len(sent)):
            seconds = (sent[end][0] - began).total_seconds()
            assert sum(number for _, number in sent[place : end + 1]) <= rate * (seconds + 1) + 1e-3
