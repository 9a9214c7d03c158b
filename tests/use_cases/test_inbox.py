"""Whose phone is it? Patients, two of them on one phone, relatives, strangers, people on call; and texts
that break.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from service.models import AlertLog, AlertReport, Inbound, Message, Patient, Reading, Task, TriageHit
from service.use_cases import inbox, patients

FIRST, SECOND, REIS = "P-001", "P-002", "Dr. Reis"
STRANGER = "+5516988887777"


def rows(world, table, **where):
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(table.id)))


def change(world, code: str, **changes) -> None:
    with world.runtime.db.unit_of_work() as session:
        patient = session.scalars(select(Patient).where(Patient.code == code)).one()
        patients.update(session, patient, reason="a test", actor="system", now=world.now, **changes)


@pytest.fixture
def shared(world):
    """Two patients on the telephone of the first."""
    world.enrol(FIRST)
    world.enrol(SECOND)
    change(world, SECOND, phone=world.phone(FIRST).number)
    world.phone(FIRST).reads_all()
    return world


def test_two_on_one_phone_are_asked_who(shared) -> None:
    phone = shared.phone(FIRST)
    phone.replies("36,7")
    assert "1 = P-001" in phone.expects("P-002")
    assert not rows(shared, Reading)
    phone.replies("2")
    (reading,) = rows(shared, Reading)
    assert reading.patient_id == shared.patient(SECOND).id and reading.raw == "36,7"


def test_a_fever_on_a_shared_phone_does_not_wait(shared) -> None:
    phone = shared.phone(FIRST)
    phone.replies("39")
    phone.expects("URGENTE")
    assert shared.phone(REIS).expects("P-0")
    (report,) = rows(shared, AlertReport)
    assert report.summary["one_of"] == [FIRST, SECOND]
    phone.replies("P-002")
    (second,) = shared.alerts(SECOND)
    (first,) = shared.alerts(FIRST)
    assert first.status == "open", "only a human closes a case"
    reports = rows(shared, AlertReport)
    assert [report.summary.get("other_case", "") for report in reports] == ["", first.case, second.case]
    assert reports[1].summary["other_patient"] == FIRST and reports[2].summary["named"] == SECOND
    assert {hit.rule_id for hit in rows(shared, TriageHit, alert_id=first.id)} == {"N-ONE-OF"}
    assert [line.alert_id for line in rows(shared, AlertLog, event="same_words")] == [first.id, second.id]
    (reading,) = rows(shared, Reading)
    assert reading.patient_id == shared.patient(SECOND).id


def test_the_one_who_was_paged_first_may_be_the_one(shared) -> None:
    phone = shared.phone(FIRST)
    phone.replies("39")
    phone.replies("1")
    (first,) = shared.alerts(FIRST)
    assert not shared.alerts(SECOND)
    reports = rows(shared, AlertReport, alert_id=first.id)
    assert reports[-1].summary["named"] == FIRST and not reports[-1].summary["other_case"]


def test_an_answer_that_names_nobody_is_asked_again(shared) -> None:
    phone = shared.phone(FIRST)
    phone.replies("36,7")
    phone.reads_all()
    phone.replies("3")
    phone.expects("P-001")
    assert not rows(shared, Reading)
    shared.advance(minutes=61)
    assert [task.kind for task in rows(shared, Task)] == ["which_patient"]


def test_one_who_has_left_does_not_share(shared) -> None:
    with shared.runtime.db.unit_of_work() as session:
        patient = session.scalars(select(Patient).where(Patient.code == FIRST)).one()
        patients.set_status(
            session, patient, status="withdrawn", on=shared.local.date(), reason="own wish", actor="system",
            now=shared.now,
        )  # fmt: skip
    shared.phone(FIRST).replies("36,7")
    (reading,) = rows(shared, Reading)
    assert reading.patient_id == shared.patient(SECOND).id


def test_a_stranger_is_told_nothing_of_anybody(world) -> None:
    world.enrol(FIRST)
    phone = world.phone(STRANGER)
    phone.replies("oi, tudo bem?")
    phone.expects_nothing()
    (task,) = rows(world, Task)
    assert (task.kind, task.level, task.patient_id) == ("unknown_sender", "nothing", None)


def test_a_strangers_cry_raises_an_alarm(world) -> None:
    world.enrol(FIRST)
    phone = world.phone(STRANGER)
    phone.replies("socorro, falta de ar")
    text = phone.expects("192")
    assert "P-0" not in text and "febre" not in text.lower()
    assert world.phone("Bia Nunes").expects("numero desconhecido")
    assert not world.alerts()


def test_a_relative_raises_the_patients_case(world) -> None:
    world.enrol(FIRST)
    change(world, FIRST, next_of_kin=STRANGER)
    world.phone(STRANGER).replies("ele desmaiou")
    (alert,) = world.alerts(FIRST)
    assert alert.severity == "red"
    assert not rows(world, Reading)


def test_a_staff_phone_is_not_a_patient(world) -> None:
    world.enrol(FIRST)
    world.phone(REIS).replies("39,5")
    assert not rows(world, Reading) and not world.alerts()
    (inbound,) = rows(world, Inbound)
    assert inbound.staff_id == world.staff(REIS).id


def test_the_same_text_twice_is_read_once(world) -> None:
    world.enrol(FIRST)
    with world.runtime.db.unit_of_work() as session:
        first = store(session, world, "SM1", "39")
        assert store(session, world, "SM1", "39") is None
        number = first
    for _ in range(2):
        with world.runtime.db.unit_of_work() as session:
            inbox.handle(session, number, now=world.now)
    assert len(rows(world, Reading)) == 1 and len(rows(world, AlertReport)) == 1


def store(session, world, provider_id: str, body: str, **known):
    return inbox.store(
        session, provider_id=provider_id, channel="sms", from_address=world.phone(FIRST).number,
        to_address="+5516330000001",
        body=body, media=[], form={}, received_at=world.now, **known,
    )  # fmt: skip


def test_a_text_that_cannot_be_read_stays_and_tells_a_human(world, monkeypatch) -> None:
    world.enrol(FIRST)

    def broken(*args, **kwargs):
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr("service.use_cases.conversation.take_text", broken)
        world.phone(FIRST).replies("39")
    (inbound,) = rows(world, Inbound)
    assert (inbound.status, inbound.error, inbound.body) == ("poisoned", "RuntimeError", "39")
    assert [task.kind for task in rows(world, Task)] == ["text_not_read"]
    assert world.phone("Bia Nunes").expects("nao pode ser lida")
    world.advance(seconds=30)
    (inbound,) = rows(world, Inbound)
    assert inbound.status == "handled", "it is tried again"
    assert world.alerts(FIRST)


def test_a_poison_text_blocks_nobody(world, monkeypatch) -> None:
    from service.use_cases import conversation

    world.enrol(FIRST)
    world.enrol(SECOND)
    real = conversation.take_text

    def picky(session, patient, inbound, *, now):
        if inbound.body == "x":
            raise RuntimeError("broken")
        return real(session, patient, inbound, now=now)

    monkeypatch.setattr("service.use_cases.conversation.take_text", picky)
    world.phone(FIRST).replies("x")
    world.phone(SECOND).replies("39")
    assert world.alerts(SECOND)
    world.advance(minutes=11)
    assert world.alerts(FIRST), "unread for ten minutes, its task climbs"


def test_a_text_found_later_counts_for_its_own_time(world) -> None:
    world.enrol(FIRST, on=date(2026, 2, 23))
    world.advance_to_local(8, 30)
    said_at = world.now - timedelta(hours=1)  # 07:30: yesterday's questions were still open
    with world.runtime.db.unit_of_work() as session:
        found = store(session, world, "SM9", "38,8", carrier_at=said_at, found_by="poll")
        inbox.handle(session, found, now=world.now)
    (reading,) = rows(world, Reading)
    assert reading.taken_at == said_at and reading.received_at == world.now
    (alert,) = world.alerts(FIRST)
    assert alert.reported_at == said_at and alert.opened_at == world.now


def test_what_was_heard_is_kept_with_the_text(world) -> None:
    world.enrol(FIRST)
    world.phone(FIRST).replies("falta de ar, 38,2")
    (inbound,) = rows(world, Inbound)
    assert inbound.heard["signs"] == ["B"] and inbound.heard["celsius"] == "38.2"
    assert inbound.patient_id == world.patient(FIRST).id
    assert not [
        message for message in rows(world, Message) if message.kind == "reply" and message.template == "saved"
    ]
