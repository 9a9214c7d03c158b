"""Two changes of one calendar at the same moment follow each other, and the second goes by what the first has left."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import select

from service.models import CalendarRevision, Message, Patient
from service.use_cases import amendments, anchors, bulk, outbox, patient_facts, patients, reminders
from service.use_cases.calendar_there import look
from tests.use_cases.calendar_people import ACTOR, at, day, enrol
from tests.use_cases.calendar_people import reminders as reminders_of
from tests.use_cases.test_alerts_race import meets, together
from tests.use_cases.test_amendments import load_second


def date_infusion(session: Any, number: int, on: str) -> dict[str, Any]:
    return anchors.commit(
        session, session.get_one(Patient, number), anchor="infusion_1", date=day(on), reason="held", actor=ACTOR,
        now=at("03-20"),
    )  # fmt: skip


def test_a_date_given_while_the_patient_is_moved_to_another_version_is_planned_by_that_version(runtime: Any) -> None:
    with runtime.db.unit_of_work() as session:
        patient, second = enrol(session).id, load_second(session).id
    answers: list[Any] = []

    def wait_for_the_other() -> None:
        with runtime.db.unit_of_work() as session:
            answers.append(date_infusion(session, patient, "03-20"))

    with runtime.db.unit_of_work() as session:
        moved = session.get_one(Patient, patient)
        version = session.get_one(type(moved.study_version), second)
        amendments.migrate(session, moved, version, reason="amendment 1", actor=ACTOR, now=at("03-03"))
        other = threading.Thread(target=wait_for_the_other)
        other.start()
        other.join(0.5)
        assert other.is_alive()
    other.join(30)
    assert answers and answers[0]["revision"] == 2
    with runtime.db.reading() as session:
        found = session.get_one(Patient, patient)
        codes = {row["code"] for row in answers[0]["moved"]}
        assert found.study_version_id == second and "W24" in codes and "W26" not in codes


def test_two_dates_at_once_are_two_revisions(runtime: Any) -> None:
    with runtime.db.unit_of_work() as session:
        patient = enrol(session).id
    done = together(
        runtime, *(lambda session, on=on: date_infusion(session, patient, on) for on in ("03-18", "03-19", "03-20"))
    )
    assert sorted(one["revision"] for one in done) == [1, 2, 3]
    with runtime.db.reading() as session:
        kept = session.query(CalendarRevision).order_by(CalendarRevision.number).all()
        last = next(one for one in done if one["revision"] == 3)
        assert kept[-1].diff["moved"] == last["moved"] and session.get_one(Patient, patient).revision >= 4


def test_a_reminder_that_is_due_while_its_visit_moves_does_not_tell_the_old_day(runtime: Any) -> None:
    with runtime.db.unit_of_work() as session:
        patient = enrol(session)
        who, due = patient.id, reminders_of(session, patient, "ATG1")["ATG1:-1d"]
        number, now = due.id, due.due_at
    seen: list[Any] = []

    def begin(session: Any) -> None:
        mover = session.get_one(Patient, who)
        seen.extend((mover, bulk.Writes(session), look(session, mover, now=now, hold=True)))

    def move(_session: Any) -> None:
        mover, writes, there = seen
        anchors._record(writes, mover, *there, "atg_start", day("03-16"), None, reason="later", actor=ACTOR, now=now)
        writes.flush()

    meets(runtime, begin, lambda session: reminders.handle(session, number, now) or True, move)
    with runtime.db.reading() as session:
        told = session.scalars(select(Message).where(Message.visit_id.is_not(None), Message.status == "ready")).all()
        assert [one.fields for one in told] == []


def test_a_patient_who_leaves_while_a_text_is_read_does_not_lock_it_out(runtime: Any) -> None:
    with runtime.db.unit_of_work() as session:
        patient = enrol(session)
        who = patient.id
        outbox.enqueue(
            session, now=at("03-02"), kind="reminder", template="visit_ahead", patient=patient, dedupe="x",
            fields={"date": "sex 20/03", "time": "09:00"},
        )  # fmt: skip

    def leave(session: Any) -> str:
        return patients.set_status(
            session, session.get_one(Patient, who), status="withdrawn", on=day("03-03"), reason="moved away",
            actor=ACTOR, now=at("03-03"),
        ).status  # fmt: skip

    assert "withdrawn" == meets(
        runtime,
        lambda session: patient_facts.hold(session, session.get_one(Patient, who)),
        leave,
        lambda session: outbox.cancel_for(session, now=at("03-03"), reason="answered", patient_id=who),
    )
