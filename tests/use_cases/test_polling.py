"""Texts that came while we were away are found in the carrier's list and handled with their own time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from service.models import Inbound, Reading
from service.use_cases import polling
from service.worker import poll
from tests.conftest import FROM


def stored(world: Any) -> list[Inbound]:
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(Inbound).order_by(Inbound.id)))


def away(world: Any) -> None:
    """Our webhooks cannot be reached."""
    world.simulator.post = lambda url, form, headers: (502, "")


def test_a_fever_texted_while_we_were_down_is_found_with_its_own_time(world: Any) -> None:
    world.enrol("P-001")
    patient = world.phone("P-001")
    patient.reads_all()
    post = world.simulator.post
    away(world)
    texted_at = world.now
    world.simulator.receive(patient.number, FROM, "38,9")
    assert stored(world) == []
    world.clock.advance(timedelta(minutes=10))
    world.simulator.post = post
    assert poll(world.runtime) == 1
    (row,) = stored(world)
    assert (row.found_by, row.status, row.carrier_at) == ("poll", "handled", texted_at)
    with world.runtime.db.reading() as session:
        (reading,) = session.scalars(select(Reading))
    assert reading.celsius == "38.9"
    (alert,) = world.alerts("P-001")
    assert alert.status == "open"
    world.settle()
    world.phone("Dr. Reis").expects("P-001")


def test_what_the_webhook_brought_is_not_found_again(world: Any) -> None:
    world.enrol("P-001")
    world.phone("P-001").replies("36,5")
    assert len(stored(world)) == 1
    assert [poll(world.runtime), poll(world.runtime)] == [0, 0]
    assert len(stored(world)) == 1


def test_the_webhook_that_comes_after_the_poll_changes_nothing(world: Any) -> None:
    world.enrol("P-001")
    patient = world.phone("P-001")
    post = world.simulator.post
    away(world)
    world.simulator.receive(patient.number, FROM, "36,5")
    world.simulator.post = post
    assert poll(world.runtime) == 1
    world.settle()  # the carrier repeats its post
    assert len(stored(world)) == 1


def test_a_day_is_looked_back_and_no_more(world: Any) -> None:
    world.enrol("P-001")
    away(world)
    world.simulator.receive(world.phone("P-001").number, FROM, "36,5")
    world.clock.advance(timedelta(hours=25))
    assert poll(world.runtime) == 0


def test_a_carrier_that_does_not_answer_is_asked_again_next_time(world: Any) -> None:
    world.enrol("P-001")
    token, world.simulator.auth_token = world.simulator.auth_token, "changed at the carrier"
    assert poll(world.runtime) == 0
    world.simulator.auth_token = token
    assert poll(world.runtime) == 0


def test_a_text_that_cannot_be_stored_keeps_no_other_from_being_heard(world: Any, monkeypatch: Any) -> None:
    world.enrol("P-001")
    patient = world.phone("P-001")
    away(world)
    world.simulator.receive(patient.number, FROM, "poison")
    world.clock.advance(timedelta(minutes=1))
    world.simulator.receive(patient.number, FROM, "38,9")
    real = polling.store

    def poisoned(session: Any, one: Any, **more: Any) -> Any:
        if one.text == "poison":
            raise ValueError("cannot be stored")
        return real(session, one, **more)

    monkeypatch.setattr(polling, "store", poisoned)
    assert poll(world.runtime) == 1
    assert [row.body for row in stored(world)] == ["38,9"]
    monkeypatch.undo()
    away(world)
    assert poll(world.runtime) == 1, "it is tried again"


def test_half_a_sign_in_the_carriers_list_keeps_no_text_from_being_heard(world: Any) -> None:
    """JSON can hold a lone surrogate, which no database takes."""
    world.enrol("P-001")
    world.simulator.post = None  # nor can a post
    world.simulator.receive(world.phone("P-001").number, FROM, "38,9 \ud83d")
    assert poll(world.runtime) == 1
    assert [(row.body, row.status) for row in stored(world)] == [("38,9 ?", "handled")]
    assert world.alerts("P-001")
