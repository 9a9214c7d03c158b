"""Who is on call: rotations over the change of the clocks, shifts, overrides, swaps, holes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.oncall import (
    Hole,
    Layer,
    OnDuty,
    Override,
    Rota,
    Rotation,
    Shift,
    Why,
    holes,
    stretches,
    swap,
    who_is_on_call,
)

SP = "America/Sao_Paulo"
REIS, LIMA, SOUZA = 1, 2, 3


def at(text: str, zone: str = SP) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def weekly(*people: int, **more) -> Rotation:
    return Rotation(people, date(2026, 3, 2), **more)


def on_call(rota: Rota, when: datetime) -> list[int]:
    return [duty.staff_id for duty in who_is_on_call(rota, when)]


def test_a_week_each_handed_over_at_eight_local_time():
    rota = Rota(SP, (Layer("on_call", (weekly(REIS, LIMA),)),))
    assert on_call(rota, at("2026-03-02T07:59")) == []
    assert who_is_on_call(rota, at("2026-03-02T08:00")) == (
        OnDuty(REIS, "on_call", at("2026-03-09T08:00"), Why.ROTATION),
    )
    assert on_call(rota, at("2026-03-09T07:59")) == [REIS]
    assert on_call(rota, at("2026-03-09T08:00")) == [LIMA]
    assert on_call(rota, at("2026-03-16T08:00")) == [REIS]


def test_one_person_alone_has_no_next_change():
    rota = Rota(SP, (Layer("on_call", (weekly(REIS),)),))
    assert who_is_on_call(rota, at("2026-05-01T03:00"))[0].until is None


@pytest.mark.parametrize(
    "zone, day",
    [("America/New_York", "2026-03-08"), ("America/New_York", "2026-11-01"), ("Europe/Lisbon", "2026-03-29")],
)
def test_the_hand_over_stays_at_eight_when_the_clocks_change(zone, day):
    rota = Rota(zone, (Layer("on_call", (Rotation((REIS, LIMA), date(2026, 1, 1), every_days=1),)),))
    before, after = on_call(rota, at(f"{day}T07:59", zone)), on_call(rota, at(f"{day}T08:00", zone))
    assert {*before, *after} == {REIS, LIMA}
    assert who_is_on_call(rota, at(f"{day}T08:00", zone))[0].until == at(f"{day}T08:00", zone) + timedelta(
        hours=24
    )


def test_a_hand_over_in_the_hour_that_does_not_exist_happens_once():
    rota = Rota(
        "America/New_York",
        (Layer("on_call", (Rotation((REIS, LIMA), date(2026, 3, 1), time(2, 30), every_days=1),)),),
    )
    changes = [
        minute
        for minute in range(0, 24 * 60)
        if on_call(rota, datetime(2026, 3, 8, 0, 0, tzinfo=UTC) + timedelta(minutes=minute))
        != on_call(rota, datetime(2026, 3, 8, 0, 0, tzinfo=UTC) + timedelta(minutes=minute + 1))
    ]
    assert len(changes) == 1


def test_nights_and_weekdays_leave_their_holes():
    nights = weekly(REIS, weekdays=frozenset(range(5)), start_at=time(18), end_at=time(8))
    rota = Rota(SP, (Layer("on_call", (nights,)),))
    assert on_call(rota, at("2026-03-03T03:00")) == [REIS], "Monday's night"
    assert on_call(rota, at("2026-03-03T12:00")) == []
    assert on_call(rota, at("2026-03-07T03:00")) == [REIS], "Friday's night ends on Saturday"
    assert on_call(rota, at("2026-03-07T20:00")) == []
    assert holes(rota, at("2026-03-03T00:00"), at("2026-03-04T00:00")) == (
        Hole("on_call", at("2026-03-03T08:00"), at("2026-03-03T18:00")),
    )


def test_a_shift_goes_before_the_rotation_and_an_override_before_the_shift():
    shift = Shift(SOUZA, at("2026-03-03T20:00"), at("2026-03-04T08:00"))
    override = Override("on_call", LIMA, at("2026-03-03T22:00"), at("2026-03-03T23:00"), "dinner")
    rota = Rota(SP, (Layer("on_call", (weekly(REIS),), (shift,)), Layer("backup")), (override,))
    story = [("19:59", REIS, Why.ROTATION), ("20:00", SOUZA, Why.SHIFT), ("22:30", LIMA, Why.OVERRIDE)]
    for hour, who, why in story:
        duty = who_is_on_call(rota, at(f"2026-03-03T{hour}"))[0]
        assert (duty.staff_id, duty.why) == (who, why)
    assert who_is_on_call(rota, at("2026-03-03T20:00"))[0].until == at("2026-03-03T22:00")
    assert on_call(rota, at("2026-03-03T23:00")) == [SOUZA]


def test_an_override_to_nobody_makes_a_hole_of_a_layer_that_must_be_covered():
    gone = Override("on_call", None, at("2026-03-03T10:00"), at("2026-03-03T12:00"))
    rota = Rota(SP, (Layer("on_call", (weekly(REIS),)), Layer("backup", required=False)), (gone,))
    assert holes(rota, at("2026-03-03T00:00"), at("2026-03-05T00:00")) == (
        Hole("on_call", at("2026-03-03T10:00"), at("2026-03-03T12:00")),
    )


def test_a_swap_exchanges_two_stretches():
    mine, yours = (
        Shift(REIS, at("2026-03-03T08:00"), at("2026-03-04T08:00")),
        Shift(LIMA, at("2026-03-05T08:00"), at("2026-03-06T08:00")),
    )
    rota = Rota(SP, (Layer("on_call", (), (mine, yours)),), swap(mine, yours, "on_call", "wedding"))
    assert on_call(rota, at("2026-03-03T12:00")) == [LIMA]
    assert on_call(rota, at("2026-03-05T12:00")) == [REIS]


def test_the_calendar_joins_what_one_person_covers_and_is_who_is_on_call():
    layer = Layer("on_call", (weekly(REIS, LIMA),))
    rota = Rota(SP, (layer,))
    shown = stretches(rota, layer, at("2026-03-05T00:00"), at("2026-03-20T00:00"))
    assert [(begin, duty.staff_id, duty.until) for begin, duty in shown] == [
        (at("2026-03-05T00:00"), REIS, at("2026-03-09T08:00")),
        (at("2026-03-09T08:00"), LIMA, at("2026-03-16T08:00")),
        (at("2026-03-16T08:00"), REIS, at("2026-03-20T00:00")),
    ]


@pytest.mark.parametrize("wrong", [{"people": ()}, {"every_days": 0}, {"start_at": time(8)}])
def test_a_rotation_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError):
        Rotation(**({"people": (REIS,), "start": date(2026, 3, 2)} | wrong))


hours = st.integers(0, 240)
spans = st.lists(
    st.tuples(st.integers(0, 230), st.integers(1, 48), st.sampled_from([REIS, LIMA, None])), max_size=4
)


@settings(max_examples=40)
@given(spans, st.lists(st.tuples(st.integers(0, 230), st.integers(1, 48)), max_size=4), hours)
def test_at_every_instant_there_is_either_somebody_or_a_reported_hole(overrides, shifts, hour):
    zero = datetime(2026, 3, 6, tzinfo=UTC)
    span = timedelta(hours=1)
    rota = Rota(
        "America/New_York",
        (
            Layer(
                "on_call",
                (Rotation((REIS, LIMA), date(2026, 3, 8), every_days=1, start_at=time(20), end_at=time(9)),),
                tuple(Shift(SOUZA, zero + span * begin, zero + span * (begin + n)) for begin, n in shifts),
            ),
        ),
        tuple(
            Override("on_call", who, zero + span * begin, zero + span * (begin + n))
            for begin, n, who in overrides
        ),
    )
    when = zero + span * hour
    in_a_hole = any(hole.start <= when < hole.end for hole in holes(rota, zero, zero + span * 260))
    assert in_a_hole == (who_is_on_call(rota, when) == ())
