"""Silence is a signal: missed answers, no word after an advice, texts that do not arrive. Task first, then a case."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from service.models import AlertReport, Task
from service.use_cases import tasks

PATIENT, REIS = "P-001", "Dr. Reis"
# what the patient types to the question that says so
ANSWERS = {"Onde": "1", "calafrio": "N", "Tomou": "2", "capsulas": "1", "em relacao": "2"}
IN_THE_WINDOW = date(2026, 2, 16)  # ATG day 1 is a week later: the weeks without neutrophils


def open_tasks(world: Any, kind: str) -> list[Task]:
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(Task).where(Task.kind == kind, Task.status == "open").order_by(Task.id)))


def test_a_missed_day_is_a_task_and_unseen_it_climbs_to_the_doctor(world: Any) -> None:
    world.enrol(PATIENT, on=IN_THE_WINDOW)
    world.phone(REIS).reads_all()
    world.advance_to_local(16, 1)
    (task,) = open_tasks(world, "call_today")
    assert (task.level, task.rules) == ("amber", ["N-MISS1"]) and not world.alerts()
    world.phone(REIS).expects_nothing()
    world.advance_to_local(18, 2)
    (case,) = world.alerts()
    assert (case.severity, case.status) == ("amber", "open")
    assert PATIENT in world.phone(REIS).expects(case.case)
    world.phone(REIS).replies(f"{case.case}4")
    assert world.alerts()[0].status == "acknowledged"


def test_a_missed_day_that_somebody_has_seen_wakes_nobody(world: Any) -> None:
    world.enrol(PATIENT, on=IN_THE_WINDOW)
    world.advance_to_local(16, 1)
    (task,) = open_tasks(world, "call_today")
    with world.runtime.db.unit_of_work() as session:
        tasks.see(session, session.get_one(Task, task.id), actor="staff:1", now=world.now)
    world.advance_to_local(19, 0)
    assert not world.alerts()


def test_an_answered_day_is_no_silence(world: Any) -> None:
    world.enrol(PATIENT, on=IN_THE_WINDOW)
    phone = world.phone(PATIENT)
    phone.replies("36,6")
    for _ in ANSWERS:
        asked = next((answer for words, answer in ANSWERS.items() if words in phone.inbox[-1]), None)
        if asked is not None:
            phone.replies(asked)
    world.advance_to_local(16, 1)
    assert not open_tasks(world, "call_today") and not world.alerts()


def test_no_word_after_an_advice_wakes_the_one_who_has_the_case(world: Any) -> None:
    world.enrol(PATIENT)
    world.phone(PATIENT).replies("38,9")
    (case,) = world.alerts()
    world.phone(PATIENT).reads_all()
    asked = False
    for _ in range(10):  # the owner takes it again and again; only the patient is silent
        if world.alerts()[0].status == "open":
            world.phone(REIS).replies(f"{case.case}4")
        asked = asked or any("chegou ao hospital" in text for text in world.phone(PATIENT).unread)
        world.advance(minutes=10)
    assert asked, world.phone(PATIENT).unread
    with world.runtime.db.reading() as session:
        rules = [one.rules for one in session.scalars(select(AlertReport).order_by(AlertReport.id))]
    assert ["N-ADVICE"] in rules
    assert any(case.case in text for text in world.phone(REIS).unread)


def test_texts_that_do_not_arrive_are_a_task_and_then_a_case(world: Any) -> None:
    world.enrol(PATIENT, on=IN_THE_WINDOW)
    world.simulator.faults.undelivered.add(world.phone(PATIENT).number)
    world.advance_to_local(10, 5)
    (task,) = open_tasks(world, "undeliverable")
    assert task.rules == ["N-UNDEL"]
    world.advance(hours=2, minutes=1)
    assert [one.severity for one in world.alerts()] == ["amber"]


def test_a_patient_who_wants_no_messages_is_a_task(world: Any) -> None:
    world.enrol(PATIENT, on=IN_THE_WINDOW)
    world.phone(PATIENT).replies("PARAR")
    (task,) = open_tasks(world, "opted_out")
    assert task.level == "amber" and task.due_at is not None
    world.advance_to(task.due_at)
    world.advance(minutes=1)
    assert [one.severity for one in world.alerts()] == ["amber"], "nobody has agreed another way"
