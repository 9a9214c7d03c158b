"""Two at once: whoever comes first wins, and nothing is done twice. On PostgreSQL row locks settle it, on SQLite the
one writer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from service.models import Alert, AlertLog, AlertReport, EscalationRun, Message, Patient
from service.use_cases import alerts, escalations, patient_facts, timers, triaging
from tests.use_cases.case_help import at, patient, person, red


def together(runtime: Any, *acts: Callable[[Any], Any]) -> list[Any]:
    """Each act in its own thread and transaction, let go at the same moment; their answers in order."""
    start = threading.Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[Any], Any]) -> None:
        start.wait(20)
        try:
            with runtime.db.unit_of_work() as session:
                answers[place] = act(session)
        except Exception as error:
            answers[place] = error

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    assert not failed, failed
    return answers


@pytest.fixture
def case(runtime: Any) -> int:
    with runtime.db.unit_of_work() as session:
        return red(session, patient(session)).id


def count(runtime: Any, table: Any, *where: Any) -> int:
    with runtime.db.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where))


def test_two_people_take_a_case_and_one_has_it(runtime, case):
    def take(name: str) -> Callable[[Any], Any]:
        return lambda session: alerts.acknowledge(
            session, session.get(Alert, case), staff=person(session, name), via="sms", now=at(30)
        ).first

    assert sorted(together(runtime, take("Dr. Reis"), take("Dr. Lima"))) == [False, True]
    assert count(runtime, AlertLog, AlertLog.event == "acknowledged") == 1


def test_four_ticks_climb_one_rung(runtime, case):
    with runtime.db.reading() as session:
        run_id = session.scalar(select(EscalationRun.id))

    def tick(session: Any) -> None:
        escalations.SWEEPS[0].handle(session, run_id, at(60))

    together(runtime, tick, tick, tick, tick)
    assert count(runtime, Message, Message.channel == "voice", Message.kind == "page") == 1


def test_a_tick_and_an_acknowledgement_end_acknowledged_with_nothing_waiting_to_page(runtime, case):
    with runtime.db.reading() as session:
        run_id = session.scalar(select(EscalationRun.id))
    together(
        runtime,
        lambda session: escalations.SWEEPS[0].handle(session, run_id, at(60)),
        lambda session: alerts.acknowledge(
            session, session.get(Alert, case), staff=person(session, "Dr. Reis"), via="sms", now=at(60)
        ),
    )
    with runtime.db.reading() as session:
        assert session.get(Alert, case).status == "acknowledged"
        assert session.get(EscalationRun, run_id).due_at is None
    assert count(runtime, Message, Message.kind == "page", Message.status == "ready") == 0


def test_two_red_reports_at_once_make_one_case(runtime):
    with runtime.db.unit_of_work() as session:
        who = patient(session).id

    def report(source: str) -> Callable[[Any], int]:
        return lambda session: red(session, session.get(Patient, who), source=source).id

    first, second, again = together(runtime, report("text:1"), report("text:2"), report("text:1"))
    assert first == second == again
    assert count(runtime, AlertReport) == 2


def test_two_patients_at_once_get_two_codes(runtime):
    with runtime.db.unit_of_work() as session:
        ids = [patient(session, f"P-00{number}").id for number in (1, 2, 3)]

    def report(who: int) -> Callable[[Any], str]:
        return lambda session: red(session, session.get(Patient, who), source=f"text:{who}").case

    assert len(set(together(runtime, *(report(who) for who in ids)))) == 3


def meets(runtime: Any, first: Callable[[Any], Any], second: Callable[[Any], Any], then: Callable[[Any], Any]) -> Any:
    """`second` runs, in another transaction, between `first` and `then`, which are one; what it answers."""
    answers: list[Any] = []

    def run() -> None:
        try:
            with runtime.db.unit_of_work() as session:
                answers.append(second(session))
        except Exception as error:
            answers.append(error)

    other = threading.Thread(target=run)
    with runtime.db.unit_of_work() as session:
        first(session)
        other.start()
        other.join(0.5)  # it waits by now
        then(session)
    other.join(30)
    assert answers and not isinstance(answers[0], Exception), answers
    return answers[0]


def test_a_report_that_waits_for_a_case_while_it_is_closed_opens_a_new_one(runtime, case):
    with runtime.db.reading() as session:
        who = session.get(Alert, case).patient_id

    def close(session: Any) -> None:
        reis = person(session, "Dr. Reis")
        alerts.acknowledge(session, session.get(Alert, case), staff=reis, via="sms", now=at(30))
        alerts.outcome(session, session.get(Alert, case), staff=reis, outcome="wrong_reading", now=at(40))

    def report(session: Any) -> int:
        return red(session, session.get(Patient, who), source="text:2").id

    new = meets(runtime, close, report, lambda session: None)
    assert new != case and count(runtime, Alert, Alert.status == "open") == 1


def test_a_timer_that_runs_out_as_the_patient_writes_does_not_lock_out_the_text(runtime):
    with runtime.db.unit_of_work() as session:
        who = patient(session)
        who_id = who.id
        number = triaging.wait(session, who, triaging.FEVER_SILENCE, minutes=0, now=at(0), level="red", rules=[]).id

    def settle(session: Any) -> None:
        triaging.settle(session, session.get(Patient, who_id), *triaging.WAIT_FOR_READING, reason="came", now=at(5))
        session.flush()

    meets(
        runtime,
        lambda session: patient_facts.hold(session, session.get(Patient, who_id)),
        lambda session: timers.handle(session, number, at(5)),
        settle,
    )
    assert count(runtime, Alert) == 0
