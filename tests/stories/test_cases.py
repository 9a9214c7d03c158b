"""Nights with a fever, told through phones: who is rung, what they answer, and what the patient hears."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.models import Alert, ContactMethod, Rota, Staff

PATIENT, OTHER = "P-001", "P-002"
REIS, LIMA, PRADO, MOTA, BIA = "Dr. Reis", "Dr. Lima", "Dr. Prado", "Dr. Mota", "Bia Nunes"


def _febrile(world, *codes: str) -> None:
    """Patients in the weeks after treatment, a quiet noon, then a fever each."""
    for code in codes:
        world.enrol(code)
    world.advance_to_local(12, 0, days=7)
    for name in (*codes, REIS, LIMA, PRADO, MOTA, BIA):
        world.phone(name).reads_all()
    for code in codes:
        world.phone(code).replies("38,7")


def _change(world, name: str, **values) -> None:
    with world.runtime.db.unit_of_work() as session:
        who = session.scalars(select(Staff).where(Staff.name == name)).one()
        for contact in session.scalars(select(ContactMethod).where(ContactMethod.staff_id == who.id)):
            for key, value in values.items():
                setattr(contact, key, value)


def test_the_whole_ladder_when_nobody_answers(world):
    _febrile(world, PATIENT)
    start = world.now
    code = world.phone(REIS).code()
    world.phone(PATIENT).reads_all()
    world.advance_to(start + timedelta(seconds=179))
    assert len(world.phone(REIS).calls) == 1
    world.phone(LIMA).expects_nothing()
    world.advance_to(start + timedelta(seconds=180))
    world.phone(LIMA).expects(PATIENT, f"{code}4")
    assert world.phone(LIMA).calls
    world.phone(PRADO).expects_nothing()
    world.advance_to(start + timedelta(seconds=360))
    world.phone(PRADO).expects(PATIENT)
    world.advance_to(start + timedelta(seconds=540))
    world.phone(REIS).expects(PATIENT, code), world.phone(LIMA).expects(PATIENT, code)
    world.phone(PATIENT).expects_nothing()
    world.advance_to(start + timedelta(seconds=900))
    world.phone(MOTA).expects(PATIENT, f"{code}4")
    world.phone(BIA).expects(PATIENT)
    assert "pronto-socorro" in world.phone(PATIENT).expects("URGENTE")
    world.advance_to(start + timedelta(seconds=1200))
    world.phone(REIS).expects(PATIENT, code)
    world.phone(MOTA).replies(f"{code.lower()}4")
    world.phone(MOTA).expects(code, PATIENT)
    calls = len(world.simulator.calls)
    world.advance_to(start + timedelta(seconds=2400))
    assert len(world.simulator.calls) == calls, "nobody is rung once somebody has it"


def test_a_key_on_the_call_takes_the_case(world):
    _febrile(world, PATIENT)
    world.advance(seconds=60)
    (call,) = world.phone(REIS).calls
    world.simulator.answer(call)
    assert PATIENT in " ".join(call.said)
    world.simulator.press(call, "4")
    world.settle()
    (alert,) = world.alerts(PATIENT)
    assert (alert.status, alert.acknowledged_via) == ("acknowledged", "voice")
    world.advance(minutes=5)
    world.phone(LIMA).expects_nothing()


def test_two_febrile_patients_are_never_mixed_up(world):
    _febrile(world, PATIENT, OTHER)
    one, other = world.alerts()
    assert one.case != other.case
    world.phone(REIS).replies("ok")
    world.phone(REIS).expects(f"{one.case}4 {PATIENT}", f"{other.case}4 {OTHER}")
    assert {alert.status for alert in world.alerts()} == {"open"}
    world.phone(REIS).replies(f"{other.case}4")
    assert [alert.status for alert in world.alerts()] == ["open", "acknowledged"]
    world.phone(REIS).replies("ok")
    assert [alert.status for alert in world.alerts()] == ["acknowledged", "acknowledged"]


def test_no_outcome_in_half_an_hour_wakes_them_again(world):
    _febrile(world, PATIENT)
    world.phone(REIS).replies(f"{world.phone(REIS).code()}4")
    world.phone(REIS).reads_all()
    world.advance(minutes=31)
    assert world.alerts()[0].status == "open"
    world.phone(REIS).expects(PATIENT, "4")


def test_nobody_on_call_is_said_to_those_who_are_paged_instead(world):
    with world.runtime.db.unit_of_work() as session:
        rota = session.scalars(select(Rota)).one()
        rota.layers = [{**rota.layers[0], "until": "2026-03-05"}, rota.layers[1]]
    _febrile(world, PATIENT)
    for name in (LIMA, PRADO):
        world.phone(name).expects(PATIENT, "NINGUEM")
    world.phone(BIA).expects("ninguem esta de plantao")


def test_a_number_that_is_wrong_costs_no_time(world):
    world.simulator.faults.undelivered.add(world.phone(REIS).number)
    _febrile(world, PATIENT)
    assert world.phone(REIS).calls, "the text did not arrive: the call follows at once"


def test_nobody_can_be_reached_and_operations_and_the_patient_know_at_once(world):
    for name in (REIS, LIMA, PRADO):
        _change(world, name, verified_at=None)
    _febrile(world, PATIENT)
    world.phone(MOTA).expects(PATIENT)
    world.phone(BIA).expects(PATIENT)
    world.phone(PATIENT).expects("URGENTE", "pronto-socorro")


def test_a_doctor_who_stops_our_texts_is_called_and_operations_know(world):
    world.enrol(PATIENT)
    world.phone(REIS).replies("PARE")
    world.phone(BIA).expects("Dr. Reis")
    _febrile(world)
    world.phone(PATIENT).replies("39,1")
    assert world.phone(REIS).calls


def test_a_second_fever_wakes_the_one_who_has_the_case(world):
    _febrile(world, PATIENT)
    world.phone(REIS).replies(f"{world.phone(REIS).code()}4")
    world.phone(REIS).reads_all()
    world.advance(minutes=5)
    world.phone(PATIENT).replies("39,4")
    world.phone(REIS).expects(PATIENT)
    assert len(world.alerts()) == 1


def test_two_calls_ring_at_once_and_a_key_takes_only_the_case_of_its_call(world):
    _febrile(world, PATIENT, OTHER)
    world.advance(seconds=60)
    calls = {next(each for each in (PATIENT, OTHER) if each in " ".join(_heard(world, call))): call
             for call in world.phone(REIS).calls}  # fmt: skip
    assert set(calls) == {PATIENT, OTHER}
    world.simulator.press(calls[OTHER], "4")
    world.settle()
    assert {one.patient.code: one.status for one in _with_patients(world)} == {PATIENT: "open", OTHER: "acknowledged"}
    world.simulator.press(calls[PATIENT], "5")
    world.settle()
    assert {one.patient.code: one.status for one in _with_patients(world)} == {PATIENT: "open", OTHER: "acknowledged"}
    world.phone(LIMA).expects(PATIENT)
    assert not any(OTHER in text for text in world.phone(LIMA).unread)


def _heard(world, call):
    world.simulator.answer(call)
    return call.said


def _with_patients(world):
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(Alert).options(joinedload(Alert.patient)).order_by(Alert.id)))
