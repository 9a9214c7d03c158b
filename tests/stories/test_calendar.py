"""The calendar from the outside: a date is previewed, recorded and corrected, and the telephone follows."""

from __future__ import annotations

import pytest
import vobject
from sqlalchemy import select

from service.models import Patient, Reminder, Visit
from service.use_cases import feeds

PATIENT = "P-001"


@pytest.fixture
def number(world) -> int:
    """Enrolled on Monday 2 March; in hospital, so that no daily question waits for an answer."""
    number: int = world.enrol(PATIENT)
    answer = world.api(
        "POST", f"/patients/{number}/status", {"status": "admitted", "on": "2026-03-02", "reason": "for ATG"}
    )
    assert answer.status_code == 200, answer.json
    world.phone(PATIENT).reads_all()
    return number


def record(world, number: int, anchor: str, day: str, **more):
    body = {"anchor": anchor, "date": day, "reason": "as it happened"} | more
    return world.api("POST", f"/patients/{number}/anchors", body)


def calendar(world, number: int) -> dict:
    rows = world.api("GET", f"/patients/{number}/calendar").json
    return {row["code"]: row for row in rows}


def test_a_preview_and_its_commit_answer_the_same_diff(world, number) -> None:
    world.advance_to_local(15, 0, days=18)  # 20 March
    before = calendar(world, number)
    shown = record(world, number, "infusion_1", "2026-03-20", dry_run=True)
    assert shown.status_code == 200, shown.json
    assert calendar(world, number) == before
    done = record(world, number, "infusion_1", "2026-03-20")
    assert done.status_code == 200
    assert {key: value for key, value in done.json.items() if key != "revision"} == shown.json
    assert done.json["revision"] == 1
    assert {"code": "W10", "from": "2026-05-25", "to": "2026-05-29"} in done.json["moved"]
    assert calendar(world, number)["W10"]["date"] == "2026-05-29"


def test_an_infusion_before_the_last_day_of_atg_is_refused(world, number) -> None:
    world.advance_to_local(15, 0, days=10)
    answer = record(world, number, "infusion_1", "2026-03-12")
    assert answer.status_code == 422 and "cannot be before 2026-03-14" in answer.get_data(as_text=True)


def test_the_reminder_follows_the_visit(world, number) -> None:
    world.advance_to_local(15, 0, days=14)  # 16 March
    record(world, number, "infusion_1", "2026-03-16")
    world.phone(PATIENT).reads_all()
    world.advance_to_local(9, 0, days=10)  # 27 March: week 2 is on the 30th
    before = [text for text in world.phone(PATIENT).reads_all() if "30/03" in text]
    assert before == []
    record(world, number, "infusion_1", "2026-03-17")
    world.advance_to_local(10, 30)
    assert not [text for text in world.phone(PATIENT).reads_all() if "30/03" in text]
    world.advance_to_local(10, 30)  # 28 March, three days before the 31st
    world.phone(PATIENT).expects("31/03")


def test_a_missed_visit_is_followed_up_by_text(world, number) -> None:
    world.advance_to_local(15, 0, days=14)
    record(world, number, "infusion_1", "2026-03-16")
    world.advance_to_local(19, 0, days=14)  # 30 March
    week = calendar(world, number)["W02"]
    answer = world.api("PATCH", f"/visits/{week['id']}", {"status": "missed"}, **{"If-Match": week["etag"]})
    assert answer.status_code == 200, answer.json
    world.phone(PATIENT).reads_all()
    world.advance_to_local(10, 30)
    world.phone(PATIENT).expects("Sentimos sua falta")


def test_undo_over_the_api_puts_the_calendar_back(world, number) -> None:
    world.advance_to_local(15, 0, days=18)
    before = {code: row["date"] for code, row in calendar(world, number).items()}
    record(world, number, "infusion_1", "2026-03-20")
    undone = world.api("POST", f"/patients/{number}/anchors/undo")
    assert undone.status_code == 200, undone.json
    assert {code: row["date"] for code, row in calendar(world, number).items()} == before


def test_what_was_sent_keeps_its_history_and_a_move_is_told_once(world, number) -> None:
    world.advance_to_local(15, 0, days=14)  # 16 March
    record(world, number, "infusion_1", "2026-03-16")
    world.advance_to_local(10, 30, days=10)  # 27 March: three days before week 2
    phone = world.phone(PATIENT)
    phone.expects("30/03")
    sent = sent_reminders(world, number, "W02")
    assert len(sent) == 1
    record(world, number, "infusion_1", "2026-03-17")
    record(world, number, "infusion_1", "2026-03-17")  # again: nothing moves any more
    world.settle()
    told = [text for text in phone.reads_all() if "31/03" in text]
    assert len(told) == 1, told
    assert [row for row in sent_reminders(world, number, "W02") if row in sent] == sent
    world.advance_to_local(10, 30)  # 28 March: the reminder three days ahead, at the new day
    phone.expects("31/03")
    world.advance_to_local(18, 30, days=2)  # 30 March, the evening before
    phone.expects("31/03")
    assert not [text for text in phone.reads_all() if "30/03" in text]


def sent_reminders(world, number: int, code: str) -> list[tuple]:
    with world.runtime.db.reading() as session:
        rows = session.execute(
            select(Reminder.id, Reminder.key, Reminder.due_at, Reminder.message_id)
            .join(Visit, Visit.id == Reminder.visit_id)
            .where(Visit.patient_id == number, Visit.code == code, Reminder.status == "sent")
        )
        return [tuple(row) for row in rows]


def test_a_calendar_program_follows_every_change(world, number) -> None:
    def events() -> dict:
        with world.runtime.db.reading() as session:
            text = feeds.of_patient(session, session.get_one(Patient, number)).decode()
        parsed = vobject.readOne(text)
        assert parsed.vtimezone.tzid.value == "America/Sao_Paulo"
        return {event.uid.value: event for event in parsed.vevent_list}

    rows = calendar(world, number)
    second, week = (f"visit-{rows[code]['id']}@vigilia" for code in ("INF2", "W01"))
    assert rows["W01"]["merged_into"] == "INF2"
    before = events()
    assert second in before and week not in before
    world.advance_to_local(15, 0, days=14)
    record(world, number, "infusion_1", "2026-03-16")
    record(world, number, "infusion_2", "2026-03-24")  # planned a day after week 1: they part
    parted = events()
    assert (parted[second].dtstart.value.isoformat(), parted[week].status.value) == ("2026-03-24", "TENTATIVE")
    assert int(parted[second].sequence.value) > int(before[second].sequence.value)
    record(world, number, "infusion_2", "2026-03-23")  # and are one again
    joined = events()
    assert joined[week].status.value == "CANCELLED"
    assert int(joined[week].sequence.value) > int(parted[week].sequence.value)
    assert set(before) <= set(joined)
