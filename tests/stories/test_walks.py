"""The four walks of the house, and what happens when no one answers."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from service.models import Alert, EscalationRun, Reading, Reminder, Visit

PATIENT, REIS, LIMA, PRADO = "P-001", "Dr. Reis", "Dr. Lima", "Dr. Prado"


def _on_treatment(world, code: str = PATIENT) -> None:
    """Enrolled on 2 March, ATG begins on the 9th: it is 9 March, 12:00 in Sao Paulo, today's questions are out."""
    world.enrol(code)
    world.advance_to_local(12, 0, days=7)
    world.phone(code).reads_all()


def test_enrolment_makes_the_whole_calendar(world) -> None:
    number = world.enrol(PATIENT)
    with world.runtime.db.reading() as session:
        visits = {visit.code: visit for visit in session.scalars(select(Visit).where(Visit.patient_id == number))}
        reminders = session.scalars(select(Reminder).where(Reminder.patient_id == number)).all()
    assert visits["ENR"].date == date(2026, 3, 2)
    assert [visits[f"ATG{day}"].date.day for day in range(1, 6)] == [9, 10, 11, 12, 13]
    assert visits["INF1"].date == date(2026, 3, 16)
    assert visits["W01"].date == date(2026, 3, 23)
    assert {f"W{week:02d}" for week in range(1, 27)} <= visits.keys()
    assert reminders


def test_a_reminder_goes_out_the_evening_before(world) -> None:
    world.enrol(PATIENT)
    world.phone(PATIENT).reads_all()
    world.advance_to_local(18, 30, days=3)  # 5 March: baseline is on the 6th
    world.phone(PATIENT).expects("Visita")


def test_fever_pages_the_doctor_and_the_code_stops_it(world) -> None:
    _on_treatment(world)
    world.phone(PATIENT).replies("38,7")
    world.phone(PATIENT).expects("URGENTE", "192")
    page = world.phone(REIS).expects(PATIENT)
    assert "38" not in page, "no health word in a text"
    (alert,) = world.alerts(PATIENT)
    assert (alert.status, alert.severity) == ("open", "red")
    with world.runtime.db.reading() as session:
        reading = session.scalars(select(Reading)).one()
    assert (reading.celsius, reading.unit, reading.site, reading.raw) == ("38.7", "C", "unknown", "38,7")

    world.phone(REIS).replies(f"{world.phone(REIS).code()}4")
    (alert,) = world.alerts(PATIENT)
    assert alert.status == "acknowledged"
    assert alert.acknowledged_by_id == world.staff(REIS).id
    world.phone(LIMA).reads_all()
    world.advance(minutes=20)
    assert not [text for text in world.phone(LIMA).reads_all() if "7K5" in text], "the ladder has stopped"


def test_the_second_to_answer_is_told_who_has_it(world) -> None:
    _on_treatment(world)
    world.phone(PATIENT).replies("38,7")
    world.advance(minutes=4)
    world.phone(LIMA).expects(PATIENT)
    world.phone(REIS).replies(f"{world.phone(REIS).code()}4")
    world.phone(LIMA).reads_all()
    world.phone(LIMA).replies(f"{world.phone(LIMA).code()}4")
    world.phone(LIMA).expects("Dr. Reis")
    (alert,) = world.alerts(PATIENT)
    assert alert.acknowledged_by_id == world.staff(REIS).id


def test_no_one_answers(world) -> None:
    _on_treatment(world)
    world.phone(PATIENT).replies("38,7")
    world.phone(REIS).expects(PATIENT)
    world.advance(seconds=61)
    assert world.phone(REIS).calls, "after a minute the telephone rings"
    world.advance(minutes=3)
    world.phone(LIMA).expects(PATIENT)
    world.advance(minutes=3)
    world.phone(PRADO).expects(PATIENT)
    world.phone(PATIENT).reads_all()
    world.advance(minutes=9)
    world.phone("Dr. Mota").expects(PATIENT)
    world.phone("Bia Nunes").expects(PATIENT)
    world.phone(PATIENT).expects("pronto-socorro")
    before = len(world.phone(REIS).inbox)
    world.advance(minutes=6)
    assert len(world.phone(REIS).inbox) > before, "it goes on until a human answers"
    with world.runtime.db.reading() as session:
        run = session.scalars(select(EscalationRun)).one()
        assert run.due_at is not None and run.exhausted_at is not None


def test_nobody_on_call_pages_the_fallback(world) -> None:
    from service.models import Rota

    _on_treatment(world)
    with world.runtime.db.unit_of_work() as session:
        session.scalars(select(Rota)).one().layers = []
    world.phone(PATIENT).replies("39")
    assert world.phone(PRADO).unread or world.phone("Dr. Mota").unread, "somebody is paged all the same"
    (alert,) = world.alerts(PATIENT)
    assert alert.status == "open"


def test_a_tap_on_the_link_acknowledges_and_a_look_does_not(world) -> None:
    _on_treatment(world)
    world.phone(PATIENT).replies("38,7")
    link = world.phone(REIS).link()
    fresh = world.app.test_client()
    page = fresh.get(link, base_url="https://vigilia.test")
    assert page.status_code == 200
    shown = page.get_data(as_text=True)
    assert PATIENT in shown and "38" not in shown.replace("P-038", ""), "before the tap: case, code and time"
    assert world.alerts(PATIENT)[0].status == "open"
    answer = fresh.post(link, data={"do": "take"}, base_url="https://vigilia.test", follow_redirects=True)
    assert answer.status_code == 200
    assert "38,7" in answer.get_data(as_text=True) or "38.7" in answer.get_data(as_text=True)
    assert world.alerts(PATIENT)[0].status == "acknowledged"


def test_two_fevers_are_two_cases(world) -> None:
    world.enrol("P-002")
    _on_treatment(world)
    world.phone("P-002").reads_all()
    world.phone(PATIENT).replies("38,7")
    first = world.phone(REIS).code()
    world.phone("P-002").replies("39,1")
    second = world.phone(REIS).code()
    assert first != second
    world.phone(REIS).replies("ok")
    assert {alert.status for alert in world.alerts()} == {"open"}, "a bare ok does not choose between two"
    world.phone(REIS).replies(f"{second}4")
    assert world.alerts("P-002")[0].status == "acknowledged"
    assert world.alerts(PATIENT)[0].status == "open"


def test_a_second_fever_joins_the_open_case(world) -> None:
    _on_treatment(world)
    world.phone(PATIENT).replies("38,7")
    world.advance(minutes=2)
    world.phone(PATIENT).replies("39,2")
    with world.runtime.db.reading() as session:
        assert len(session.scalars(select(Alert)).all()) == 1
