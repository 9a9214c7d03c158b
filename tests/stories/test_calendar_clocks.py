"""Clocks: summer time begins and ends, a patient moves to another zone; every reminder keeps its local hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from service.models import Occasion, Patient, Reminder, Visit
from service.use_cases import enrolment, patients
from tests.use_cases.calendar_people import ACTOR, at, new

CHANGES = [  # the day the clocks change, with its zone: March and autumn of 2026
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Lisbon", date(2026, 3, 29)),
    ("Europe/Lisbon", date(2026, 10, 25)),
]


def reminded(session: Any, patient: Patient) -> list[tuple[Reminder, Visit]]:
    rows = session.execute(
        select(Reminder, Visit).join(Visit, Visit.id == Reminder.visit_id).where(Reminder.patient_id == patient.id)
    )
    return [(reminder, visit) for reminder, visit in rows]


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_hours_stay_local_across_a_change_of_the_clocks(session: Any, zone: str, change: date) -> None:
    place = ZoneInfo(zone)
    start = change - timedelta(days=12)
    now = datetime.combine(start, time(8), place).astimezone(UTC)
    given = new(session, timezone=zone, enrolled_on=start)
    patient = enrolment.enrol_patient(session, given, actor=ACTOR, now=now)
    offsets = set()
    for reminder, visit in reminded(session, patient):
        local = reminder.due_at.astimezone(place)
        offsets.add(local.utcoffset())
        if not reminder.key.endswith("h"):
            days = int(reminder.key.split(":")[1].removesuffix("d"))
            assert local.date() == visit.date + timedelta(days=days), reminder.key
            assert local.time() in (time(10), time(18)), reminder.key
    assert len(offsets) == 2  # both sides of the change were met
    daily = session.scalars(
        select(Occasion)
        .where(Occasion.patient_id == patient.id, Occasion.questionnaire == "daily")
        .order_by(Occasion.for_date)
    ).all()
    days = [one.for_date for one in daily]
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))] and days[0] < change < days[-1]
    for one in daily:
        assert one.opens_at.astimezone(place) == datetime.combine(one.for_date, time(8), place)
    before, after = (next(one for one in daily if one.for_date == change + timedelta(days=n)) for n in (-1, 0))
    assert after.opens_at - before.opens_at in (timedelta(hours=23), timedelta(hours=25))


def test_a_patient_who_moves_zone_keeps_days_and_local_hours(session: Any) -> None:
    patient = enrolment.enrol_patient(session, new(session), actor=ACTOR, now=at("03-02", 8))
    before = {(row.id, visit.date): row.due_at for row, visit in reminded(session, patient)}
    sent = next(row for row, visit in reminded(session, patient) if visit.code == "BASE")
    sent.status = "sent"
    was = sent.due_at
    patients.update(
        session, patient, reason="moved to Manaus", actor=ACTOR, now=at("03-04"), timezone="America/Manaus"
    )
    place = ZoneInfo("America/Manaus")  # an hour behind Sao Paulo
    after = {(row.id, visit.date): row.due_at for row, visit in reminded(session, patient)}
    assert set(after) == set(before)  # the same rows, visits on the same days
    waiting = [row for row, _visit in reminded(session, patient) if row.status == "pending"]
    assert waiting and all(row.due_at.astimezone(place).time() in (time(10), time(18)) for row in waiting)
    assert (sent.status, sent.due_at) == ("sent", was)
    opens = session.scalars(
        select(Occasion.opens_at).where(Occasion.patient_id == patient.id, Occasion.status == "upcoming")
    ).all()
    assert {one.astimezone(place).time() for one in opens if one > at("03-05")} >= {time(8)}
