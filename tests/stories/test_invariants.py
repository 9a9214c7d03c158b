"""The fourteen invariants, searched for by a machine that makes moves in any order against the real code; and faults,
planted one by one, that its checker must find."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from service import killpoints, tick
from service.demo import seed
from service.models import Alert, Attempt, EscalationRun, Message, Patient
from service.prepared import Prepared
from service.use_cases import (
    alerts,
    escalations,
    inbox,
    outbox_claim,
    outbox_unknown,
    pages,
    receipts,
    wanted,
)
from service.use_cases.wanted import SEND
from tests.conftest import FROM, PAGE_FROM
from tests.stories.invariants import Broken
from tests.stories.ladders import DOCTORS, FAULTS, PATIENTS, WORDS, Ladders
from workflows import alerts as rules
from workflows import escalation
from workflows.alerts import AlertStatus, Outcome

REIS, LIMA = seed.REIS, seed.LIMA
STEPS = tuple(point for point in killpoints.POINTS if point != "polled")


def machine(house: Any) -> type[RuleBasedStateMachine]:
    """The machine over this process' database."""
    codes, people = st.sampled_from(PATIENTS), st.sampled_from(DOCTORS)

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.ward = Ladders(house)

        @rule(code=codes, words=st.sampled_from(WORDS))
        def a_patient_reports(self, code: str, words: str) -> None:
            self.ward.report(code, words)

        @rule(seconds=st.sampled_from((1, 2, 30, 58, 60, 61, 120, 180, 300, 900)))
        def time_goes_on(self, seconds: int) -> None:
            self.ward.wait(seconds)

        @rule(person=people, which=st.integers(0, 2))
        def somebody_takes_a_case(self, person: seed.Person, which: int) -> None:
            self.ward.answer(person, 4, which)

        @rule(person=people, which=st.integers(0, 2))
        def somebody_passes_on(self, person: seed.Person, which: int) -> None:
            self.ward.answer(person, 5, which)

        @rule(digit=st.sampled_from((4, 5, 9)))
        def a_key_is_pressed_on_a_call(self, digit: int) -> None:
            self.ward.presses(digit)

        @rule(person=people, outcome=st.sampled_from(tuple(Outcome)))
        def a_case_ends(self, person: seed.Person, outcome: Outcome) -> None:
            self.ward.outcome(person, outcome)

        @rule(person=people, to=people)
        def a_case_is_handed_over(self, person: seed.Person, to: seed.Person) -> None:
            self.ward.hands_over(person, to)

        @rule(person=people, words=st.sampled_from(("STOP", "START", "ok", "hm?")))
        def one_of_the_team_types(self, person: seed.Person, words: str) -> None:
            self.ward.says(person, words)

        @rule(code=codes)
        def a_patient_opts_out(self, code: str) -> None:
            self.ward.text(dict(seed.PATIENTS)[code], FROM, "PARAR")

        @rule(name=st.sampled_from(FAULTS), person=people)
        def the_carrier_changes(self, name: str, person: seed.Person) -> None:
            self.ward.fault(name, person.phone)

        @rule()
        def only_receipts_arrive(self) -> None:
            self.ward.receipts()

        @rule()
        def a_slow_sender_claims(self) -> None:
            self.ward.claim()

        @rule()
        def slow_senders_go_on(self) -> None:
            self.ward.send_claimed()

        @rule()
        def a_tick(self) -> None:
            self.ward.tick()

        @rule()
        def everything_due_is_done(self) -> None:
            self.ward.settle()

        @rule(step=st.sampled_from(STEPS), times=st.integers(1, 3))
        def the_process_will_die(self, step: str, times: int) -> None:
            self.ward.crash_at(step, times)

        @invariant()
        def nothing_is_broken(self) -> None:
            self.ward.check()

        def teardown(self) -> None:
            """The carrier is well again, the process lives, ten minutes pass: nothing is left over."""
            self.ward.fault("none", "")
            killpoints.hook = None
            self.ward.wait(600)
            self.ward.check()
            self.ward.close()
            assert not self.ward.checker.at_the_end()

    return Machine


@pytest.mark.timeout(300)
def test_no_order_of_moves_breaks_an_invariant(house: Any) -> None:
    run_state_machine_as_test(machine(house), settings=settings(max_examples=8, stateful_step_count=20))


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_no_order_of_moves_breaks_an_invariant_for_hours(house: Any) -> None:
    examples = int(os.environ.get("VIGILIA_TEST_EXAMPLES", "2000"))
    found = settings(max_examples=examples, stateful_step_count=60, phases=(Phase.generate, Phase.shrink))
    run_state_machine_as_test(machine(house), settings=found)


# --- a checker that finds nothing proves nothing: each fault is planted, and must be found


@pytest.fixture
def ward(house: Any) -> Any:
    ward = Ladders(house)
    yield ward
    ward.close()


def found(ward: Ladders) -> set[str]:
    """The invariants that are broken now."""
    try:
        ward.check()
    except Broken as broken:
        return broken.names
    return set()


def test_a_night_without_faults_breaks_nothing(ward: Ladders) -> None:
    for act in (
        lambda: ward.report("P-001", "38,9"), ward.claim, ward.receipts, ward.send_claimed, ward.settle,
        lambda: ward.says(LIMA, "STOP"), lambda: ward.wait(200), lambda: ward.answer(REIS, 4),
        lambda: ward.report("P-001", "falta de ar"), lambda: ward.wait(2000), lambda: ward.answer(REIS, 5),
        lambda: ward.wait(1000), lambda: ward.answer(seed.MOTA, 4),
        lambda: ward.outcome(seed.MOTA, Outcome.SENT_TO_ER), lambda: ward.wait(600),
    ):  # fmt: skip
        act()
        assert not found(ward)
    assert not ward.checker.at_the_end()


def changed(decision: Any, **values: Any) -> Any:
    return replace(decision, alert=replace(decision.alert, **values))


def climbs(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Every look at a ladder that does something ends as `change` makes it."""
    real = escalation.on_due

    def wrong(*given: Any) -> Any:
        decision = real(*given)
        return change(decision) if decision.changed else decision

    monkeypatch.setattr(escalation, "on_due", wrong)


def test_finds_two_cases_of_one_patient(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "open_of", lambda *_: None)
    ward.report("P-001", "38,9")
    assert not found(ward)
    ward.report("P-001", "falta de ar")
    assert "I14" in found(ward), "the database itself refuses the second; the text stays visible as not read"
    assert len(ward._cases()) == 1


def test_finds_a_red_text_that_became_no_report(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_take", lambda *_: {})
    ward.report("P-001", "38,9")
    assert "I1" in found(ward)


def test_finds_a_ladder_without_a_due_time(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    climbs(monkeypatch, lambda decision: changed(decision, due_at=None))
    ward.report("P-001", "38,9")
    assert "I2" in found(ward)


def test_finds_a_ladder_that_waits_too_long(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    climbs(monkeypatch, lambda decision: changed(decision, due_at=decision.alert.due_at + timedelta(hours=2)))
    ward.report("P-001", "38,9")
    assert "I2" in found(ward)


def test_finds_a_case_that_nobody_took(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.report("P-001", "38,9")
    assert not found(ward)
    at = ward.clock.now() + timedelta(hours=1)
    climbs(monkeypatch, lambda decision: changed(decision, status=AlertStatus.ACKNOWLEDGED, outcome_due_at=at))
    ward.wait(61)
    assert "I3" in found(ward)


def test_finds_a_promise_to_the_carrier_without_a_row(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "store", lambda *_, **__: None)
    ward.report("P-001", "38,9")
    assert "I4" in found(ward)


def test_a_text_that_cannot_be_stored_is_refused_and_comes_again(
    ward: Ladders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side of I4: no row, no 2xx; the carrier posts it once more."""
    ward.simulator.own(FROM, sms_url=f"{ward.runtime.config.public_url}/webhooks/twilio/sms#rc=5&rp=all")

    def away(*_: Any, **__: Any) -> None:
        raise RuntimeError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(inbox, "store", away)
        ward.report("P-001", "38,9")
        assert not found(ward) and not ward._cases()
    ward.settle()
    assert len(ward._cases()) == 1 and not found(ward)


def test_finds_a_receipt_that_goes_back(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "may_move", lambda *_: True)
    for name, table in (("MOVE_ATTEMPT", Attempt), ("MOVE_MESSAGE", Message)):
        moves = {status: Prepared(receipts._risen(table, status)) for status in receipts.GOOD}
        monkeypatch.setattr(receipts, name, moves)
    ward.fault("reverse", "")
    ward.report("P-001", "38,9")
    ward.drain()
    assert not found(ward)
    real, events = ward.simulator.deliver, ward.simulator._events
    ward.simulator._events = [events[-1]]
    real()
    assert not found(ward)
    ward.simulator._events = events[:-1]
    real()
    assert "I5" in found(ward)


def test_finds_two_live_leases(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    real = outbox_unknown.lose_leases
    ward.report("P-001", "38,9")
    ward.claim()
    assert not found(ward)

    def too_early(session: Any, *, machine_now: Any, **more: Any) -> int:
        return real(session, machine_now=machine_now + timedelta(hours=1), **more)

    monkeypatch.setattr(outbox_unknown, "lose_leases", too_early)
    ward.sender.reconcile(["someone"])
    ward.send_claimed()
    assert "I6" in found(ward)


def test_finds_a_case_for_which_nobody_was_paged(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "send", lambda *_, **__: None)
    ward.report("P-001", "38,9")
    ward.settle()
    assert "I7" in found(ward)


def test_finds_pages_that_never_leave(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(ward.sender), "drain", lambda *_, **__: 0)
    ward.report("P-001", "38,9")
    ward.wait(180)
    assert found(ward) >= {"I7", "I11"}


def test_finds_a_page_after_the_acknowledgement(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    def claimed_and_then_taken() -> set[str]:
        ward.report("P-001", "38,9")
        ward.claim()
        ward.answer(REIS, 4)
        ward.send_claimed()
        return found(ward)

    assert not claimed_and_then_taken()
    ward.outcome(REIS, Outcome.WRONG_READING)
    monkeypatch.setattr(outbox_claim, "still_wanted", lambda *_, **__: SEND)
    assert "I8" in claimed_and_then_taken()


def test_finds_a_page_that_is_claimed_after_the_acknowledgement(
    ward: Ladders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wanted, "_lapsed", lambda *_: SEND)
    monkeypatch.setattr(type(ward.sender), "_unwanted", lambda *_: None)
    with monkeypatch.context() as careless:
        careless.setattr("service.use_cases.outbox.cancel_for", lambda *_, **__: 0)
        ward.report("P-001", "38,9")
        ward.answer(REIS, 4)
    ward.drain()
    assert "I8" in found(ward)


def test_finds_a_ladder_that_goes_back(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.report("P-001", "38,9")
    ward.wait(61)
    assert not found(ward)
    climbs(monkeypatch, lambda decision: changed(decision, step=0))
    ward.wait(130)
    assert "I9" in found(ward)


def test_finds_a_step_without_a_line_in_the_log(ward: Ladders) -> None:
    ward.report("P-001", "38,9")
    assert not found(ward)
    with ward.runtime.db.unit_of_work() as session:
        session.query(EscalationRun).one().step += 1
    assert "I9" in found(ward)


def test_finds_a_trail_that_was_written_over(ward: Ladders) -> None:
    ward.report("P-001", "38,9")
    assert not ward.checker.at_the_end()
    with ward.runtime.db.unit_of_work() as session:
        table = "audit_entry"
        if ward.runtime.db.is_sqlite:
            triggers = session.connection().exec_driver_sql(
                f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'"
            )
            for (name,) in triggers.all():
                session.connection().exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            session.connection().exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        session.connection().exec_driver_sql(f"UPDATE {table} SET actor = 'nobody' WHERE id = 3")
    assert ward.checker.at_the_end()


def test_finds_a_receipt_that_stops_a_ladder(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    real = receipts._delivered

    def believes(session: Any, row: Any, *, now: Any) -> None:
        real(session, row, now=now)
        message = session.get_one(Message, row.id)
        run = session.query(EscalationRun).filter_by(alert_id=message.alert_id).one_or_none()
        if message.kind == "page" and run is not None:
            run.due_at = now + timedelta(minutes=5)

    ward.report("P-001", "38,9")
    ward.drain()
    assert not found(ward)
    monkeypatch.setattr(receipts, "_delivered", believes)
    monkeypatch.setattr(receipts, "is_good", lambda *_: False)  # with a session
    ward.receipts()
    assert "I10" in found(ward)


def test_finds_a_ladder_that_climbs_too_early(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    climbs(monkeypatch, lambda decision: changed(decision, due_at=decision.alert.due_at - timedelta(seconds=5)))
    ward.report("P-001", "38,9")
    ward.wait(58)
    assert "I11" in found(ward)


def test_finds_a_ladder_that_stands_still(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.report("P-001", "38,9")
    left = tuple(one for one in tick.sweeps.SWEEPS if one.name not in ("escalation", "failed_pages"))
    monkeypatch.setattr(tick.sweeps, "SWEEPS", left)
    ward.wait(70)
    assert "I11" in found(ward)


def test_finds_an_exhausted_ladder_that_is_told_to_nobody(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_alarm_case", lambda *_: None)
    ward.report("P-001", "38,9")
    ward.wait(890)
    assert not found(ward)
    ward.wait(11)
    assert "I12" in found(ward)


def test_with_nobody_to_reach_the_ladder_is_at_its_end_at_once_and_says_so(ward: Ladders) -> None:
    with ward.runtime.db.unit_of_work() as session:
        session.execute(escalations.contacts.ContactMethod.__table__.update().values(verified_at=None))
    ward.report("P-001", "38,9")
    ward.settle()
    assert not found(ward)
    with ward.runtime.db.reading() as session:
        run = session.query(EscalationRun).one()
        assert run.exhausted_at == ward.clock.now() and run.due_at is not None


def test_finds_a_page_to_a_doctor_who_sent_stop(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped_before_it_left() -> set[str]:
        ward.report("P-001", "38,9")
        ward.says(REIS, "STOP")
        ward.settle()
        return found(ward)

    assert not stopped_before_it_left()
    ward.says(REIS, "START")
    ward.answer(REIS, 4)
    ward.outcome(REIS, Outcome.WRONG_READING)
    monkeypatch.setattr(wanted, "_staff", lambda *_: SEND)
    assert "I13" in stopped_before_it_left()


def test_finds_a_reminder_to_a_patient_who_opted_out(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "_patient", lambda *_, **__: SEND)
    monkeypatch.setattr("service.use_cases.outbox.cancel_for", lambda *_, **__: 0)
    with ward.runtime.db.unit_of_work() as session:
        who = session.query(Patient).filter_by(code="P-001").one()
        who.opted_out, who.opted_out_at = "all", ward.clock.now()
        pages.outbox.enqueue(
            session, now=ward.clock.now(), kind="reminder", template="daily_reminder", patient=who, dedupe="planted"
        )
    ward.drain()
    assert "I13" in found(ward)


def test_finds_that_nobody_is_told_of_a_stop(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.use_cases.staff_messages.alarm", lambda *_, **__: 0)
    ward.text(REIS.phone, PAGE_FROM, "STOP")
    assert "I13" in found(ward)


def test_finds_what_a_dead_process_took_with_it(ward: Ladders, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies_with_a_page_in_hand() -> set[str]:
        ward.report("P-001", "38,9")
        ward.crash_at("sending", 1)
        ward.drain()
        ward.wait(120)
        return found(ward)

    assert not dies_with_a_page_in_hand()
    ward.answer(REIS, 4)
    ward.outcome(REIS, Outcome.WRONG_READING)
    monkeypatch.setattr(outbox_unknown, "lose_leases", lambda *_, **__: 0)
    assert "I14" in dies_with_a_page_in_hand()


def test_the_rules_know_the_states(ward: Ladders) -> None:
    """The checker reads states as words: they are those of the rules."""
    assert {str(state) for state in AlertStatus} == {"open", "acknowledged", "closed"}
    assert rules.AlertStatus(Alert.__table__.c.status.default.arg) is AlertStatus.OPEN
