"""Before sending: is it still wanted, may it go now? Each no with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from service.models import Occasion, Patient, Visit
from tests.sending import PostOffice
from workflows.sending import end_of_quiet_hours, may_send

ZONE = ZoneInfo("America/Sao_Paulo")


@pytest.fixture
def post(world: Any) -> PostOffice:
    return PostOffice(world)


def night(post: PostOffice) -> None:
    post.clock.move_to(datetime(2026, 3, 3, 2, 0, tzinfo=UTC))  # 23:00 in Sao Paulo


def test_a_reminder_waits_for_the_morning_and_a_safety_message_does_not(post: PostOffice) -> None:
    night(post)
    reminder, safety = post.enqueue(), post.enqueue("safety", "red")
    post.send()
    row = post.message(reminder)
    assert (row.status, row.reason) == ("ready", "quiet hours")
    assert row.send_at == datetime(2026, 3, 3, 11, 0, tzinfo=UTC), "08:00 in Sao Paulo"
    assert post.status(safety) == "accepted"
    assert post.attempts(reminder) == []
    post.clock.move_to(row.send_at)
    post.send()
    assert post.status(reminder) == "accepted"


def test_a_reminder_that_is_of_no_use_tomorrow_expires_tonight(post: PostOffice) -> None:
    night(post)
    message = post.enqueue(expires_at=post.clock.now() + timedelta(hours=2))
    post.send()
    assert post.status(message) == "expired" and "quiet hours" in (post.message(message).reason or "")


def test_a_message_is_not_sent_after_its_use(post: PostOffice) -> None:
    message = post.enqueue(expires_at=post.clock.now() + timedelta(minutes=1))
    post.wait(minutes=1)
    post.send()
    assert post.status(message) == "expired" and "too late" in (post.message(message).reason or "")


def test_no_more_than_so_many_a_day(post: PostOffice) -> None:
    messages = [post.enqueue() for _ in range(22)]
    post.send()
    assert [post.status(one) for one in messages].count("accepted") == 20
    assert post.message(messages[-1]).reason == "20 messages today already"
    safety = post.enqueue("safety", "red")
    post.send()
    assert post.status(safety) == "accepted"
    post.wait(days=1)
    tomorrow = post.enqueue()
    post.send()
    assert post.status(tomorrow) == "accepted"


def test_a_question_that_was_answered_is_not_asked(post: PostOffice) -> None:
    with post.db.unit_of_work() as session:
        occasion = Occasion(
            patient_id=post.patient_id, site_id=1, questionnaire="test", for_date=post.world.local.date(),
            status="open", opens_at=post.clock.now(), late_at=post.clock.now(), missed_at=post.clock.now(),
        )  # fmt: skip
        session.add(occasion)
        session.flush()
        number = occasion.id
    asked = post.enqueue("question", "temp", occasion_id=number, wanted_while="occasion_open")
    post.send()
    assert post.status(asked) == "accepted"
    again = post.enqueue("question", "temp", occasion_id=number, wanted_while="occasion_open")
    with post.db.unit_of_work() as session:
        session.get_one(Occasion, number).status = "answered"
    post.send()
    assert (post.status(again), post.message(again).reason) == ("cancelled", "no longer wanted: occasion is answered")


def test_a_visit_that_was_held_is_not_reminded_of(post: PostOffice) -> None:
    with post.db.unit_of_work() as session:
        visit = session.scalars(select(Visit).where(Visit.patient_id == post.patient_id).limit(1)).one()
        visit.status = "completed"
        number = visit.id
    message = post.enqueue(visit_id=number, wanted_while="visit_planned")
    post.send()
    assert post.message(message).reason == "no longer wanted: visit is completed"


def test_a_message_about_nothing_is_not_wanted(post: PostOffice) -> None:
    message = post.page(wanted_while="alert_open")
    post.send()
    assert post.message(message).reason == "no longer wanted: alert is gone"


CASES = [
    # kind, status, consented, opted_out, sent today -> reason or None
    ("reminder", "enrolled", True, None, 0, None),
    ("reminder", "enrolled", True, "reminders", 0, "opted out of reminders"),
    ("question", "enrolled", True, "reminders", 0, None),
    ("question", "enrolled", True, "all", 0, "opted out of all messages"),
    ("notice", "enrolled", False, None, 0, "no consent to messages"),
    ("question", "withdrawn", True, None, 0, "the patient has withdrawn"),
    ("question", "completed", True, None, 0, "the patient has completed"),
    ("question", "enrolled", True, None, 5, "5 messages today already"),
    ("safety", "withdrawn", False, "all", 99, None),
    ("reply", "enrolled", False, "all", 99, None),
    ("safety", "died", True, None, 0, "the patient has died"),
    ("reply", "died", True, None, 0, "the patient has died"),
]


@pytest.mark.parametrize(("kind", "status", "consented", "opted_out", "sent", "reason"), CASES)
def test_may_send(
    kind: str, status: str, consented: bool, opted_out: str | None, sent: int, reason: str | None
) -> None:
    noon = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    refused = may_send(
        kind, status=status, consented=consented, opted_out=opted_out, zone=ZONE, sent_today=sent, cap=5, now=noon
    )
    assert (refused.reason if refused else None) == reason


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["America/Sao_Paulo", "Europe/Lisbon", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_quiet_hours_end_in_daytime_and_soon(now: datetime, zone: str) -> None:
    end = end_of_quiet_hours(now, ZoneInfo(zone))
    local = now.astimezone(ZoneInfo(zone))
    assert (end is None) == (8 <= local.hour < 21)
    if end is not None:
        assert now < end <= now + timedelta(hours=12)
        assert end_of_quiet_hours(end, ZoneInfo(zone)) is None


def test_a_patient_may_be_away_from_the_site(post: PostOffice) -> None:
    night(post)
    with post.db.unit_of_work() as session:
        session.get_one(Patient, post.patient_id).timezone = "Asia/Tokyo"
    message = post.enqueue()
    post.send()
    assert post.status(message) == "accepted", "it is 11:00 in Tokyo"
