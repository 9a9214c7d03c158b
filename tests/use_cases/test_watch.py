"""The watchers' audit: quiet when all is well, and one finding for each thing that would lose a fever."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from service.models import ContactMethod, Heartbeat, Inbound, Message, Rota
from service.use_cases import watch
from service.use_cases.watch import Severity
from tests.use_cases.case_help import at, messages, patient, person, red


def alive(session, seconds: float = 0) -> None:
    for kind in ("scheduler", "lane:pages"):
        session.merge(Heartbeat(name=f"{kind}@here:1", kind=kind, seen_at=at(seconds)))
    session.flush()


def kinds(session, seconds: float = 0, machine: float | None = None) -> dict[str, Severity]:
    found = watch.findings(session, now=at(seconds), machine_now=at(seconds if machine is None else machine))
    return {each.kind: each.severity for each in found}


def test_all_is_well(session):
    patient(session)
    alive(session)
    assert kinds(session) == {}
    assert watch.is_safe([])


def test_a_ladder_that_stands_still_is_critical(session):
    red(session, patient(session))
    alive(session, 71)
    assert "overdue_run" not in kinds(session, 69)
    found = kinds(session, 71)
    assert found["overdue_run"] is Severity.CRITICAL
    assert found["overdue_pages"] is Severity.CRITICAL


def test_an_outcome_that_is_not_chased_is_critical(session):
    alert = red(session, patient(session))
    alive(session)
    alert.status, alert.outcome_due_at = "acknowledged", at(0)
    session.flush()
    assert kinds(session, 11)["overdue_run"] is Severity.CRITICAL


def test_texts_that_nobody_handles(session):
    alive(session)
    for number, status in enumerate(("new", "poisoned", "handled")):
        session.add(
            Inbound(
                provider_id=f"SM{number}",
                channel="sms",
                from_address="+5516992220001",
                to_address="+5516330000001",
                body="38,9",
                form={},
                received_at=at(0),
                next_try_at=at(0),
                status=status,
            )
        )
    session.flush()
    assert kinds(session, 9) == {}
    assert kinds(session, 11) == {"inbound_new": Severity.CRITICAL, "inbound_poisoned": Severity.CRITICAL}


def test_workers_that_died_by_the_machine_clock_only(session):
    assert kinds(session) == {"no_heartbeat": Severity.CRITICAL}
    alive(session)
    assert kinds(session, seconds=86400, machine=29) == {}, "the study clock may jump a day"
    assert kinds(session, machine=31) == {"stale_heartbeat": Severity.CRITICAL}


def test_a_hole_now_is_critical_and_one_in_two_days_a_warning(session):
    patient(session)
    alive(session)
    rota = session.scalars(select(Rota)).one()
    layers = rota.layers
    rota.layers = [{**layers[0], "start": "2030-01-07"}, layers[1]]
    session.flush()
    assert kinds(session)["hole"] is Severity.CRITICAL
    rota.layers = [{**layers[0], "until": "2026-03-03"}, layers[1]]
    session.flush()
    assert kinds(session)["hole"] is Severity.WARNING


def test_a_study_without_patients_needs_no_cover(session):
    alive(session)
    session.delete(session.scalars(select(Rota)).one())
    session.flush()
    assert kinds(session) == {}


def test_a_doctor_who_cannot_be_paged_and_one_whose_phone_was_silent_for_a_month(session):
    patient(session)
    alive(session)
    reis = person(session, "Dr. Reis")
    owned = session.scalars(select(ContactMethod).where(ContactMethod.staff_id == reis.id)).all()
    for contact in owned:
        contact.last_delivered_at = contact.verified_at = at(0) - timedelta(days=31)
    session.flush()
    assert kinds(session) == {"not_delivered": Severity.WARNING}
    for contact in owned:
        contact.verified_at = None
    session.flush()
    found = watch.findings(session, now=at(0), machine_now=at(0))
    assert [(each.kind, each.detail) for each in found] == [
        ("unreachable", "Dr. Reis cannot be paged: not verified")
    ]


def test_a_contact_that_refused_a_message_is_flagged_until_one_arrives(session):
    patient(session)
    alive(session)
    reis = person(session, "Dr. Reis")
    owned = select(ContactMethod).where(ContactMethod.staff_id == reis.id, ContactMethod.channel == "sms")
    contact = session.scalars(owned).one()
    contact.failed_at = at(60)
    session.flush()
    found = [one for one in watch.findings(session, now=at(7200), machine_now=at(0)) if one.kind == "delivery_failed"]
    assert [one.detail for one in found] == ["Dr. Reis: the last message by sms was refused; check the address"]
    contact.last_delivered_at = at(120)
    session.flush()
    assert "delivery_failed" not in kinds(session)


def test_a_carrier_that_accepts_and_says_nothing(session):
    patient(session)
    alive(session)
    welcome = messages(session)[0]
    for number in range(3):
        copy = {column.key: getattr(welcome, column.key) for column in Message.__table__.columns}
        copy |= {"id": None, "dedupe": f"copy:{number}", "status": "accepted", "sent_at": at(0)}
        session.add(Message(**copy))
    for message in messages(session):
        message.status = "accepted"
    session.flush()
    assert "silent_carrier" not in kinds(session, 14 * 60)
    assert kinds(session, 16 * 60)["silent_carrier"] is Severity.WARNING


def test_critical_findings_come_first_and_hold_the_ping_back(session):
    patient(session)
    rota = session.scalars(select(Rota)).one()
    rota.layers = [{**layer, "until": "2026-03-03"} for layer in rota.layers]
    session.flush()
    found = watch.findings(session, now=at(0), machine_now=at(0))
    assert found[0].severity is Severity.CRITICAL and found[-1].severity is Severity.WARNING
    assert not watch.is_safe(found)
