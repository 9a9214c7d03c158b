"""An answer that is meant for yesterday after today's question was sent is put where the patient meant it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from service.models import Inbound, Occasion, Reading, Response, Task
from service.use_cases import inbox

PATIENT = "P-001"


def rows(world, table, **where):
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(table.id)))


def days(world) -> list[Occasion]:
    """The daily forms that have opened: yesterday's, today's."""
    return [row for row in rows(world, Occasion, questionnaire="daily") if row.opened_at is not None]


def given(world, day: Occasion | None) -> list[tuple[str, str]]:
    found = rows(world, Response, occasion_id=day.id if day else None)
    return [(row.item, row.raw) for row in found]


@pytest.fixture
def second_day(world):
    """Yesterday's form was left half answered (temperature, place, signs); today's question went out at 08:00."""
    world.enrol(PATIENT, on=date(2026, 2, 23), language="en")
    phone = world.phone(PATIENT)
    for text in ("36,5", "1", "N"):
        phone.replies(text)
    world.advance_to_local(8, 1, days=1)
    phone.reads_all()
    assert [day.status for day in days(world)] == ["late", "open"]
    return world


def test_what_is_said_of_yesterday_is_not_todays_answer(second_day) -> None:
    phone = second_day.phone(PATIENT)
    phone.replies("ontem 36,9")
    assert "temperature" in phone.expects("")
    yesterday, today = days(second_day)
    assert given(second_day, today) == []
    assert given(second_day, None) == [("temp", "ontem 36,9")], "yesterday has its temperature: this one is by itself"
    phone.replies("36,6")
    assert given(second_day, today) == [("temp", "36,6")]


def test_a_day_without_any_answer_takes_it(world) -> None:
    world.enrol(PATIENT, on=date(2026, 2, 23), language="en")
    world.advance_to_local(8, 1, days=1)
    phone = world.phone(PATIENT)
    phone.reads_all()
    phone.replies("yesterday 36.9")
    yesterday, today = days(world)
    assert given(world, yesterday) == [("temp", "yesterday 36.9")] and given(world, today) == []
    assert "temperature" in phone.expects(""), "today's question is asked again"
    assert today.item == "temp"


def test_a_fever_of_yesterday_is_red_now(second_day) -> None:
    second_day.phone(PATIENT).replies("ontem a noite deu 38,5")
    assert [alert.severity for alert in second_day.alerts(PATIENT)] == ["red"]
    assert days(second_day)[1].status == "answered", "a red report ends today's questions"


def test_an_answer_to_the_question_that_was_open_yesterday(second_day) -> None:
    phone = second_day.phone(PATIENT)
    phone.replies("2")  # not a temperature: the doses that were asked last night
    yesterday, today = days(second_day)
    assert given(second_day, yesterday)[-1] == ("doses", "2") and given(second_day, today) == []
    assert "temperature" in phone.expects("")
    phone.replies("36,6")
    assert given(second_day, today) == [("temp", "36,6")]


def test_it_was_yesterdays_moves_the_answer_and_keeps_both(second_day) -> None:
    phone = second_day.phone(PATIENT)
    phone.replies("36,9")
    phone.reads_all()
    phone.replies("era de ontem")
    yesterday, today = days(second_day)
    old, new = rows(second_day, Response, item="temp")[-2:]
    assert (old.occasion_id, new.occasion_id) == (today.id, None), "yesterday has a temperature already"
    assert new.corrects_id == old.id and "yesterday" in new.reason and new.raw == old.raw == "36,9"
    assert today.item == "temp" and "temperature" in phone.expects("")
    phone.replies("36,4")
    phone.replies("N")
    assert ("signs", "N") in given(second_day, today)
    corrected = {row.corrects_id for row in rows(second_day, Reading)}
    assert [row.celsius for row in rows(second_day, Reading) if row.id not in corrected] == ["36.5", "36.9", "36.4"]


def test_it_was_yesterdays_with_nothing_to_move_goes_to_a_human_in_the_end(second_day) -> None:
    phone = second_day.phone(PATIENT)
    phone.replies("era de ontem")
    phone.replies("era de ontem")
    assert "unclear_answer" in [task.kind for task in rows(second_day, Task)]


def test_a_text_that_was_written_before_todays_question_is_yesterdays(world) -> None:
    world.enrol(PATIENT, on=date(2026, 2, 23), language="en")
    world.advance_to_local(8, 1, days=1)
    with world.runtime.db.unit_of_work() as session:
        number = inbox.store(
            session, provider_id="SM-late", channel="sms", from_address=world.phone(PATIENT).number, to_address="+1",
            body="36,7", media=[], form={}, received_at=world.now, carrier_at=world.now - timedelta(hours=10),
            found_by="poll",
        )  # fmt: skip
        inbox.handle(session, number, now=world.now)
    yesterday, today = days(world)
    assert given(world, yesterday) == [("temp", "36,7")] and given(world, today) == []
    assert rows(world, Inbound)[-1].status == "handled"
