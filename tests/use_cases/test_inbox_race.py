"""Texts of one patient that are read at the same moment: each is read once, in some order, and none is lost.
"""

from __future__ import annotations

import threading
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

from service.models import AlertReport, Inbound, Occasion, Patient, Reading, Response, Task
from service.tick import run_tick
from service.use_cases import conversation, inbox, occasion_clock
from tests.conftest import FROM
from tests.use_cases.test_alerts_race import together
from tests.use_cases.test_amendments import load_second

PATIENT = "P-001"


@pytest.fixture
def treated(world):
    world.enrol(PATIENT, on=date(2026, 2, 23))
    return world


def stored(world, *bodies: str) -> list[int]:
    with world.runtime.db.unit_of_work() as session:
        return [
            inbox.store(
                session, provider_id=f"SM{place}", channel="sms", from_address=world.phone(PATIENT).number,
                to_address=FROM, body=body, media=[], form={}, received_at=world.now,
            )
            for place, body in enumerate(bodies)
        ]  # fmt: skip


def rows(world, table):
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_three_texts_at_once_are_all_read(treated) -> None:
    ids = stored(treated, "36,5", "38,9", "falta de ar")
    together(
        treated.runtime,
        *(lambda session, one=one: inbox.handle(session, one, now=treated.now) for one in ids),
    )
    assert {row.status for row in rows(treated, Inbound)} == {"handled"}
    assert len(treated.alerts(PATIENT)) == 1
    assert {row.inbound_id for row in rows(treated, AlertReport)} == set(ids[1:])


def test_one_text_read_by_two_at_once_is_read_once(treated) -> None:
    (one,) = stored(treated, "36,5")
    together(treated.runtime, *[lambda session: inbox.handle(session, one, now=treated.now)] * 3)
    assert len(rows(treated, Response)) == len(rows(treated, Reading)) == 1


def test_a_text_and_the_clock_at_once(treated) -> None:
    (one,) = stored(treated, "36,5")
    occasion = next(row for row in rows(treated, Occasion) if row.opened_at is not None)
    later = occasion.next_due_at
    together(
        treated.runtime,
        lambda session: inbox.handle(session, one, now=later),
        lambda session: occasion_clock.SWEEPS[0].handle(session, occasion.id, later),
    )
    assert {row.status for row in rows(treated, Inbound)} == {"handled"}
    assert [row.item for row in rows(treated, Response)] == ["temp"]


def test_a_fever_told_while_the_patient_is_moved_to_another_version_is_the_patients(treated) -> None:
    (one,) = stored(treated, "38,9")
    with treated.runtime.db.unit_of_work() as session:
        second = load_second(session).id

    def read() -> None:
        with treated.runtime.db.unit_of_work() as session:
            inbox.handle(session, one, now=treated.now)

    with treated.runtime.db.unit_of_work() as session:
        session.scalars(select(Patient).where(Patient.code == PATIENT)).one().study_version_id = second
        session.flush()
        other = threading.Thread(target=read)
        other.start()
        other.join(0.5)
        assert other.is_alive()
    other.join(30)
    assert [row.heard["celsius"] for row in rows(treated, Inbound)] == ["38.9"]
    assert len(treated.alerts(PATIENT)) == 1


def test_a_race_is_no_poison_and_the_next_tick_reads_the_text(treated, monkeypatch) -> None:
    stored(treated, "38,9")
    treated.clock.advance(inbox.GRACE)
    real, races = conversation.take_text, [StaleDataError("a Task has changed meanwhile")]

    def once(*given, **more):
        if races:
            raise races.pop()
        return real(*given, **more)

    monkeypatch.setattr(conversation, "take_text", once)
    run_tick(treated.runtime)
    assert not races and [row.status for row in rows(treated, Inbound)] == [inbox.NEW]
    assert "text_not_read" not in [task.kind for task in rows(treated, Task)]
    run_tick(treated.runtime)
    assert [row.status for row in rows(treated, Inbound)] == [inbox.HANDLED] and treated.alerts(PATIENT)
