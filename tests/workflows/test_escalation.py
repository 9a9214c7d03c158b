"""The ladder: the default policy as a story, and its invariants over random lives of an alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows import alerts, escalation
from workflows.alerts import AlertState, AlertStatus, NoticeKind, Outcome
from workflows.escalation import Contact
from workflows.protocol import EscalationPolicy, EscalationStep, Level

T0 = datetime(2026, 3, 9, 6, 12, tzinfo=UTC)
REIS, LIMA, PI, MONITOR, OPS, COORDINATOR = 1, 2, 3, 4, 5, 6
EVERY = ("sms", "webpush", "voice")

RED = EscalationPolicy(
    key="red",
    steps=(
        EscalationStep(0, ("on_call",), ("sms", "webpush")),
        EscalationStep(60, ("on_call",), ("voice",)),
        EscalationStep(180, ("backup",), EVERY),
        EscalationStep(360, ("role:investigator",), EVERY),
        EscalationStep(540, (), (), repeat=True),
    ),
    exhausted_after=900,
    exhausted_recipients=("role:monitor", "role:operator"),
    then_every=300,
)
AMBER = EscalationPolicy(
    key="amber",
    steps=(
        EscalationStep(7200, ("role:coordinator",), ("sms",)),
        EscalationStep(7800, ("on_call",), ("voice",)),
    ),
    exhausted_after=9000,
    exhausted_recipients=("role:monitor",),
    then_every=900,
    advice="",
)


def by_all(staff_id: int, **faults: bool) -> tuple[Contact, ...]:
    return tuple(Contact(staff_id, channel, **faults) for channel in EVERY)


def everybody() -> dict[str, tuple[Contact, ...]]:
    return {
        "on_call": by_all(REIS),
        "backup": by_all(LIMA),
        "role:investigator": by_all(PI),
        "role:monitor": by_all(MONITOR),
        "role:operator": by_all(OPS),
        "fallback": by_all(PI),
    }


def seconds(count: float) -> datetime:
    return T0 + timedelta(seconds=count)


def climb(alert: AlertState, reach, until: float):
    """Handle every due time up to `until` seconds, exactly when it is due: [(seconds, decision)]."""
    seen = []
    while alert.wake_at is not None and alert.wake_at <= seconds(until):
        now = alert.wake_at
        decision = escalation.on_due(alert, RED, reach, now)
        seen.append(((now - T0).total_seconds(), decision))
        alert = decision.alert
    return seen


def paged(decision) -> set[tuple[int, str]]:
    return {(page.staff_id, page.channel) for page in decision.pages}


def kinds(decision) -> list[NoticeKind]:
    return [notice.kind for notice in decision.notices]


def test_the_default_ladder_from_the_report_to_the_exhausted_rounds():
    opened = escalation.open_case(Level.RED, RED, everybody(), T0)
    assert paged(opened) == {(REIS, "sms"), (REIS, "webpush")}
    assert kinds(opened) == [NoticeKind.ADVICE]
    story = climb(opened.alert, everybody(), 1500)
    assert [(at, paged(decision)) for at, decision in story] == [
        (60, {(REIS, "voice")}),
        (180, {(LIMA, channel) for channel in EVERY}),
        (360, {(PI, channel) for channel in EVERY}),
        (540, {(who, channel) for who in (REIS, LIMA, PI) for channel in EVERY}),
        (900, {(who, channel) for who in (MONITOR, OPS) for channel in EVERY}),
        (1200, {(who, channel) for who in (REIS, LIMA, PI, MONITOR, OPS) for channel in EVERY}),
        (1500, {(who, channel) for who in (REIS, LIMA, PI, MONITOR, OPS) for channel in EVERY}),
    ]
    assert kinds(story[4][1]) == [NoticeKind.EXHAUSTED, NoticeKind.PATIENT_GO_IN]
    assert kinds(story[5][1]) == [NoticeKind.EXHAUSTED]


def test_nothing_happens_before_it_is_due_or_after_the_end():
    alert = escalation.open_case(Level.RED, RED, everybody(), T0).alert
    assert not escalation.on_due(alert, RED, everybody(), seconds(59.999)).changed
    closed = alerts.record_outcome(alert, Outcome.OTHER, REIS, seconds(5)).alert
    assert not escalation.on_due(closed, RED, everybody(), seconds(99999)).changed


def test_an_empty_step_costs_no_time_and_the_rest_moves_up():
    reach = everybody() | {"on_call": by_all(REIS, verified=False), "backup": by_all(LIMA, opted_out=True)}
    opened = escalation.open_case(Level.RED, RED, reach, T0)
    assert paged(opened) == {(PI, channel) for channel in EVERY}
    lost = {notice.staff_id for notice in opened.notices if notice.kind is NoticeKind.UNREACHABLE}
    assert lost == {REIS, LIMA}
    assert opened.next_due_at == seconds(180)


def test_a_missing_telephone_contact_alone_loses_nobody_from_the_chain():
    reach = everybody() | {"on_call": (Contact(REIS, "sms"),)}
    opened = escalation.open_case(Level.RED, RED, reach, T0)
    at_60 = escalation.on_due(opened.alert, RED, reach, seconds(60))
    assert NoticeKind.UNREACHABLE not in kinds(at_60)
    assert paged(at_60) == {(LIMA, channel) for channel in EVERY}


def test_nobody_on_call_pages_the_fallback_and_says_so():
    reach = everybody() | {"on_call": ()}
    opened = escalation.open_case(Level.RED, RED, reach, T0)
    assert paged(opened) == {(PI, "sms"), (PI, "webpush")}
    assert NoticeKind.NOBODY_ON_CALL in kinds(opened)
    assert "nobody on call" in opened.log[-1].note


def test_no_reachable_human_ends_in_exhausted_at_once_and_goes_on():
    opened = escalation.open_case(Level.RED, RED, {}, T0)
    assert opened.pages == ()
    assert NoticeKind.EXHAUSTED in kinds(opened) and NoticeKind.PATIENT_GO_IN in kinds(opened)
    assert opened.next_due_at == seconds(300)
    later = escalation.on_due(opened.alert, RED, everybody(), seconds(300))
    assert (REIS, "voice") in paged(later), "somebody verified a contact in the meantime"


def test_after_a_stop_the_overdue_steps_follow_at_once():
    alert = escalation.open_case(Level.RED, RED, everybody(), T0).alert
    late = seconds(400)
    paged_now = []
    while alert.due_at <= late:
        decision = escalation.on_due(alert, RED, everybody(), late)
        paged_now.append({page.staff_id for page in decision.pages})
        alert = decision.alert
    assert paged_now == [{REIS}, {LIMA}, {PI}]
    assert alert.due_at == seconds(540)


def test_the_first_acknowledgement_wins_and_the_second_is_told():
    alert = escalation.open_case(Level.RED, RED, everybody(), T0).alert
    first = alerts.acknowledge(alert, REIS, RED, seconds(30))
    assert (first.alert.status, first.alert.acknowledged_by) == (AlertStatus.ACKNOWLEDGED, REIS)
    assert first.alert.due_at is None and first.alert.outcome_due_at == seconds(30 + 1800)
    second = alerts.acknowledge(first.alert, LIMA, RED, seconds(31))
    assert second.alert == first.alert and kinds(second) == [NoticeKind.ALREADY_TAKEN]
    again = alerts.acknowledge(first.alert, REIS, RED, seconds(40))
    assert again.alert == first.alert, "a second tap of the owner moves no clock"


def test_passing_on_pages_the_next_person_now():
    alert = escalation.open_case(Level.RED, RED, everybody(), T0).alert
    passed = alerts.pass_on(alert, REIS, seconds(20))
    decision = escalation.on_due(passed.alert, RED, everybody(), seconds(20))
    assert {page.staff_id for page in decision.pages} == {LIMA}


def test_the_owner_who_passes_on_opens_it_again_without_them_until_the_repeat():
    taken = alerts.acknowledge(escalation.start(Level.RED, T0), REIS, RED, T0).alert
    stranger = alerts.pass_on(taken, LIMA, seconds(10))
    assert stranger.alert == taken and kinds(stranger) == [NoticeKind.ALREADY_TAKEN]
    passed = alerts.pass_on(taken, REIS, seconds(20)).alert
    assert (passed.status, passed.loop) == (AlertStatus.OPEN, 1)
    first = escalation.on_due(passed, RED, everybody(), seconds(20))
    assert {page.staff_id for page in first.pages} == {LIMA}
    second = escalation.on_due(first.alert, RED, everybody(), seconds(200))
    repeat = escalation.on_due(second.alert, RED, everybody(), seconds(380))
    assert {page.staff_id for page in second.pages} == {PI}
    assert {page.staff_id for page in repeat.pages} == {REIS, LIMA, PI}


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.NOT_REACHED])
def test_an_outcome_closes_for_ever(outcome):
    taken = alerts.acknowledge(escalation.start(Level.RED, T0), REIS, RED, T0).alert
    closed = alerts.record_outcome(taken, outcome, REIS, seconds(60)).alert
    assert closed.status is AlertStatus.CLOSED and closed.wake_at is None
    for back in (
        alerts.acknowledge(closed, LIMA, RED, seconds(61)),
        alerts.pass_on(closed, LIMA, seconds(61)),
        alerts.record_outcome(closed, Outcome.NOT_REACHED, LIMA, seconds(61)),
    ):
        assert back.alert == closed and kinds(back) == [NoticeKind.ALREADY_CLOSED]
    with pytest.raises(ValueError):
        alerts.join(closed, Level.RED, RED, seconds(62))


def test_not_reached_passes_the_case_to_the_others():
    taken = alerts.acknowledge(escalation.start(Level.RED, T0), REIS, RED, T0).alert
    again = alerts.record_outcome(taken, Outcome.NOT_REACHED, REIS, seconds(300)).alert
    assert (again.status, again.acknowledged_by) == (AlertStatus.OPEN, None)
    paged_next = escalation.on_due(again, RED, everybody(), seconds(300))
    assert {page.staff_id for page in paged_next.pages} == {LIMA}


def test_half_an_hour_without_an_outcome_opens_it_again_and_pages_everybody_from_the_start():
    taken = alerts.acknowledge(escalation.start(Level.RED, T0), REIS, RED, T0).alert
    assert not escalation.on_due(taken, RED, everybody(), seconds(1799)).changed
    again = escalation.on_due(taken, RED, everybody(), seconds(1800))
    assert again.alert.status is AlertStatus.OPEN and again.alert.loop == 1
    assert kinds(again) == [NoticeKind.REOPENED]
    assert paged(again) == {(REIS, "sms"), (REIS, "webpush")}
    assert again.next_due_at == seconds(1860)


def test_a_further_red_report_repages_the_owner_who_has_fifteen_minutes():
    taken = alerts.acknowledge(escalation.start(Level.RED, T0), REIS, RED, T0).alert
    joined = alerts.join(taken, Level.RED, RED, seconds(100))
    assert joined.alert.status is AlertStatus.ACKNOWLEDGED
    assert paged(joined) == {(REIS, channel) for channel in EVERY}
    assert joined.next_due_at == seconds(1000)
    heard = alerts.acknowledge(joined.alert, REIS, RED, seconds(200)).alert
    assert heard.outcome_due_at == seconds(2000) and heard.acknowledged_at == T0
    silent = escalation.on_due(joined.alert, RED, everybody(), seconds(1000))
    assert silent.alert.status is AlertStatus.OPEN


def test_a_further_report_never_delays_an_open_ladder_and_a_worse_one_begins_it_again():
    alert = escalation.open_case(Level.RED, RED, everybody(), T0).alert
    same = alerts.join(alert, Level.RED, RED, seconds(30)).alert
    assert (same.due_at, same.step, same.loop) == (alert.due_at, alert.step, alert.loop)
    amber = escalation.open_case(Level.AMBER, AMBER, everybody(), T0).alert
    worse = alerts.join(amber, Level.RED, RED, seconds(30)).alert
    assert (worse.severity, worse.step, worse.loop, worse.due_at) == (Level.RED, 0, 1, seconds(30))
    milder = alerts.join(worse, Level.AMBER, RED, seconds(40)).alert
    assert milder.severity is Level.RED


def test_a_page_that_failed_for_good_moves_on_only_when_it_was_the_last_of_the_latest_step():
    alert = escalation.open_case(Level.RED, RED, everybody(), T0).alert
    failed = escalation.page_failed
    assert failed(alert, step=0, loop=0, others_alive=False, now=seconds(5)).alert.due_at == seconds(5)
    assert not failed(alert, step=0, loop=0, others_alive=True, now=seconds(5)).changed
    assert not failed(replace(alert, step=2), step=0, loop=0, others_alive=False, now=seconds(5)).changed
    taken = alerts.acknowledge(alert, REIS, RED, seconds(1)).alert
    assert not failed(taken, step=0, loop=0, others_alive=False, now=seconds(5)).changed


def test_amber_waits_its_two_hours_as_a_task_and_then_pages_like_any_other():
    assert escalation.first_clock(AMBER) == timedelta(hours=2)
    assert escalation.first_clock(RED) == timedelta(0)
    reach = everybody() | {"role:coordinator": by_all(COORDINATOR)}
    opened = escalation.open_case(Level.AMBER, AMBER, reach, T0)
    assert paged(opened) == {(COORDINATOR, "sms")}
    assert NoticeKind.ADVICE not in kinds(opened)
    assert opened.next_due_at == seconds(600)


def test_an_amber_patient_is_never_told_to_go_in_by_silence():
    exhausted = escalation.open_case(Level.AMBER, AMBER, {}, T0)
    assert NoticeKind.EXHAUSTED in kinds(exhausted) and NoticeKind.PATIENT_GO_IN not in kinds(exhausted)


def test_the_preview_is_what_then_happens():
    alert = escalation.open_case(Level.RED, RED, everybody(), T0).alert
    promised = [(at, who) for at, recipient, who in escalation.preview(alert, RED, everybody())]
    assert promised[:3] == [(seconds(60), (REIS,)), (seconds(180), (LIMA,)), (seconds(360), (PI,))]
    taken = alerts.acknowledge(alert, REIS, RED, seconds(1)).alert
    assert escalation.preview(taken, RED, everybody()) == ()


# ------------------------------------------------------------------------------------------ random lives

people = st.sampled_from([REIS, LIMA, PI, MONITOR, OPS])
contact = st.builds(
    Contact,
    people,
    st.sampled_from(EVERY),
    verified=st.booleans(),
    opted_out=st.booleans(),
    broken=st.booleans(),
)
reaches = st.fixed_dictionaries(
    {recipient: st.lists(contact, max_size=3).map(tuple) for recipient in escalation.recipients(RED)}
)
events = st.lists(
    st.tuples(
        st.sampled_from(["wait", "ack", "pass", "join", "failed", "not_reached", "close"]),
        people,
        st.integers(0, 900),
    ),
    max_size=25,
)


def live(start_reach, happenings):
    """[(before, event, decision, now)] of one random life; due times are handled when they come."""
    now = T0
    opened = escalation.open_case(Level.RED, RED, start_reach, now)
    life = [(None, "open", opened, now)]
    alert = opened.alert
    for what, who, wait in happenings:
        until = now + timedelta(seconds=wait)
        while alert.wake_at is not None and alert.wake_at <= until:
            now = max(now, alert.wake_at)
            decision = escalation.on_due(alert, RED, start_reach, now)
            life.append((alert, "due", decision, now))
            alert = decision.alert
        now = until
        if alert.status is AlertStatus.CLOSED:
            break
        decision = {
            "wait": lambda: escalation.on_due(alert, RED, start_reach, now),
            "ack": lambda: alerts.acknowledge(alert, who, RED, now),
            "pass": lambda: alerts.pass_on(alert, who, now),
            "join": lambda: alerts.join(alert, Level.RED, RED, now),
            "failed": lambda: escalation.page_failed(
                alert, step=alert.step - 1, loop=alert.loop, others_alive=False, now=now
            ),
            "not_reached": lambda: alerts.record_outcome(alert, Outcome.NOT_REACHED, who, now),
            "close": lambda: alerts.record_outcome(alert, Outcome.SENT_TO_ER, who, now),
        }[what]()
        life.append((alert, what, decision, now))
        alert = decision.alert
    return life


@settings(max_examples=50)
@given(reaches, events)
def test_i2_a_case_nobody_has_ended_always_has_a_time_to_look_again(reach, happenings):
    for _, _, decision, now in live(reach, happenings):
        if decision.alert.status is not AlertStatus.CLOSED:
            assert decision.next_due_at is not None
            assert decision.next_due_at <= now + escalation.largest_gap(RED)


@settings(max_examples=50)
@given(reaches, events)
def test_i3_only_a_named_human_takes_a_case_out_of_open(reach, happenings):
    for before, what, decision, _ in live(reach, happenings):
        if before and before.status is AlertStatus.OPEN and decision.alert.status is not AlertStatus.OPEN:
            assert what in ("ack", "close")
            assert decision.alert.acknowledged_by is not None and decision.log[-1].actor is not None
        if before and before.status is AlertStatus.CLOSED:
            assert decision.alert == before


@settings(max_examples=50)
@given(reaches, events)
def test_i7_i12_every_rung_reaches_somebody_or_the_case_is_exhausted_and_said_so(reach, happenings):
    for before, what, decision, _ in live(reach, happenings):
        if what in ("open", "due") and decision.changed:
            usable = any(each.usable for contacts in reach.values() for each in contacts)
            assert decision.pages or NoticeKind.EXHAUSTED in kinds(decision)
            if not usable:
                assert NoticeKind.EXHAUSTED in kinds(decision)
        for page in decision.pages:
            if page.recipient != "owner":
                assert any(
                    each.usable and (each.staff_id, each.channel) == (page.staff_id, page.channel)
                    for contacts in reach.values()
                    for each in contacts
                )


@settings(max_examples=50)
@given(reaches, events)
def test_i9_steps_never_go_back_but_in_a_new_loop_and_no_page_is_ordered_twice(reach, happenings):
    ordered: set[tuple[int, int, int, str]] = set()
    stand = (0, 0)
    for before, what, decision, _ in live(reach, happenings):
        after = (decision.alert.loop, decision.alert.step)
        assert after >= stand
        if after != stand:
            assert decision.log, "a step without its line in the log"
        stand = after
        for page in decision.pages:
            key = (page.step, page.loop, page.staff_id, page.channel)
            assert key not in ordered
            ordered.add(key)
