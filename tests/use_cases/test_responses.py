"""Answers from the app, the page and the telephone interview: one way in, the same triage."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from service.errors import Conflict, NotFound
from service.models import AuditEntry, Occasion, Patient, Reading, Response, Task, Timer, TriageHit
from service.use_cases import occasions, responses
from workflows.decisions import RuleViolation
from workflows.protocol import Level

PATIENT = "P-001"


@pytest.fixture
def treated(world):
    """ATG day 1, 2 March 08:00: the daily form is open."""
    world.enrol(PATIENT, on=date(2026, 2, 23))
    world.phone(PATIENT).reads_all()
    return world


def work(world, do):
    """One unit of work with the patient and today's form."""
    with world.runtime.db.unit_of_work() as session:
        patient = session.scalars(select(Patient).where(Patient.code == PATIENT)).one()
        occasion = session.scalars(
            select(Occasion).where(Occasion.opened_at.is_not(None)).order_by(Occasion.id)
        ).first()
        return do(session, patient, occasion)


def record(world, answers, **known):
    def do(session, patient, occasion):
        return responses.record_answers(
            session, patient, occasion=occasion, questionnaire="daily", answers=answers, now=world.now,
            **{"channel": "app", **known},
        )  # fmt: skip

    outcome = work(world, do)
    world.settle()
    return outcome


def rows(world, table):
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_a_whole_form_at_once(treated) -> None:
    outcome = record(
        treated, {"temp": "36,5", "temp_site": "1", "signs": ["none"], "doses": "1", "well": "same"}
    )
    assert (outcome.level, outcome.done, outcome.next_item) == (Level.NOTHING, True, None)
    assert len(rows(treated, Response)) == 5
    assert rows(treated, Reading)[0].site == "armpit"
    treated.phone(PATIENT).expects_nothing()


def test_one_answer_after_another(treated) -> None:
    assert record(treated, {"temp": "36,5"}).next_item == "temp_site"
    assert record(treated, {"temp_site": "mouth"}).next_item == "signs"
    assert record(treated, {"signs": "D"}).next_item == "bleeding"
    last = record(treated, {"bleeding": "3"})
    assert (last.level, last.done) == (Level.RED, True)
    assert treated.alerts(PATIENT)


def test_red_from_the_app_sends_the_advice_and_ends_the_form(treated) -> None:
    outcome = record(treated, {"temp": "39,1", "signs": ["B"]})
    assert outcome.level is Level.RED and outcome.next_item is None
    treated.phone(PATIENT).expects("URGENTE")
    with pytest.raises(Conflict):
        record(treated, {"well": "1"})


def test_what_cannot_be_read_is_named_and_nothing_is_kept(treated) -> None:
    for answers, field in (
        ({"temp": "warm"}, "temp"),
        ({"temp": "36,5", "well": "9"}, "well"),
        ({"x": "1"}, "x"),
    ):
        with pytest.raises(RuleViolation) as caught:
            record(treated, answers)
        assert caught.value.field == field
    assert not rows(treated, Response)


def test_the_phones_own_time_counts_unless_it_runs_ahead(treated) -> None:
    early = treated.now - timedelta(minutes=30)
    record(treated, {"temp": "36,5"}, phone_at=early)
    assert rows(treated, Reading)[0].taken_at == early
    record(treated, {"temp": "36,6"}, phone_at=treated.now + timedelta(days=1))
    assert rows(treated, Reading)[-1].taken_at == treated.now


def test_an_answer_given_twice_replaces_the_first(treated) -> None:
    record(treated, {"temp": "36,5"})
    record(treated, {"temp": "36,9"})
    first, second = rows(treated, Reading)
    assert second.corrects_id == first.id
    assert (
        work(treated, lambda session, patient, occasion: responses.given(session, occasion)["temp"])
        == second_value()
    )


def second_value():
    from decimal import Decimal

    return Decimal("36.9")


def test_a_correction_by_staff_has_a_reason_and_raises_what_it_must(treated) -> None:
    record(treated, {"temp": "36,5"})
    number = rows(treated, Response)[0].id

    def correct(value, reason):
        return work(
            treated,
            lambda session, patient, occasion: responses.correct(
                session, number, value, reason=reason, actor="staff:1", now=treated.now
            ),
        )

    with pytest.raises(RuleViolation):
        correct("38,5", " ")
    row = correct("38,5", "misheard on the telephone")
    treated.settle()
    assert row.corrects_id == number and row.typed_by == "staff:1"
    assert treated.alerts(PATIENT), "a corrected fever is a fever"
    with pytest.raises(Conflict):
        correct("36,5", "again")
    with pytest.raises(NotFound):
        work(
            treated,
            lambda session, patient, occasion: responses.correct(
                session, 999, "36", reason="x", actor="staff:1", now=treated.now
            ),
        )


def test_a_patient_cannot_fill_in_yesterday_but_an_interview_can(treated) -> None:
    treated.advance(days=1, hours=5)
    missed = work(treated, lambda session, patient, occasion: occasion.status)
    assert missed == "missed"
    with pytest.raises(Conflict):
        record(treated, {"temp": "36,5"})
    record(treated, {"temp": "36,5"}, channel="phone", typed_by="staff:1")
    row = rows(treated, Response)[-1]
    assert (row.channel, row.typed_by) == ("phone", "staff:1")
    assert work(treated, lambda session, patient, occasion: occasion.status) == "missed"


def test_free_text_of_the_weekly_form_is_heard(treated) -> None:
    def do(session, patient, occasion):
        return responses.record_answers(
            session, patient, questionnaire="weekly", answers={"free_text": "ontem desmaiei no banho"}, channel="web",
            now=treated.now,
        )  # fmt: skip

    assert work(treated, do).level is Level.RED


def test_last_weeks_highest_temperature_is_no_fever_now(treated) -> None:
    def do(session, patient, occasion):
        return responses.record_answers(
            session,
            patient,
            questionnaire="weekly",
            answers={"highest_temp": "39"},
            channel="web",
            now=treated.now,
        )

    assert work(treated, do).level is Level.NOTHING
    assert not rows(treated, Reading)


def test_the_same_hand_in_twice_is_one(treated) -> None:
    first = record(treated, {"temp": "38,5"}, client_id="c-1")
    again = record(treated, {"temp": "38,5"}, client_id="c-1")
    assert (first.level, again.level) == (Level.RED, Level.RED)
    assert len(rows(treated, Response)) == 1 and len(treated.alerts(PATIENT)) == 1


def test_every_hit_is_kept_with_rule_version_and_reason(treated) -> None:
    record(treated, {"temp": "37,5", "temp_site": "1"})
    (hit,) = rows(treated, TriageHit)
    assert (hit.rule_id, hit.rule_version, hit.level) == ("T-WATCH", "1", "amber")
    assert hit.findings == [{"kind": "temperature", "value": "37.5", "detail": "armpit"}]
    assert {"recheck", "recheck_silence"} <= {timer.kind for timer in rows(treated, Timer)}
    assert [task.kind for task in rows(treated, Task)] == ["watch_fever"]


def test_a_rule_acts_once_in_a_form(treated) -> None:
    record(treated, {"temp": "37,5", "temp_site": "1"})
    record(treated, {"signs": "N"})
    record(treated, {"antipyretic": "2"})
    assert [hit.rule_id for hit in rows(treated, TriageHit)] == ["T-WATCH"]


def test_answers_are_audited_without_their_content(treated) -> None:
    record(treated, {"temp": "36,5"})
    entry = [one for one in rows(treated, AuditEntry) if one.action == "response:record"][-1]
    assert entry.detail["items"] == ["temp"] and "36" not in str(entry.detail)
    assert entry.actor == f"patient:{treated.patient(PATIENT).id}"


def test_reminders_stop_when_the_form_is_done_on_another_channel(treated) -> None:
    record(
        treated,
        {"temp": "36,5", "temp_site": "1", "signs": ["none"], "doses": "1", "well": "2"},
        channel="web",
    )
    before = len(treated.phone(PATIENT).inbox)
    treated.advance(hours=10)
    assert len(treated.phone(PATIENT).inbox) == before


def test_in_hospital_nothing_is_asked_and_a_fever_is_heard(treated) -> None:
    work(treated, lambda session, patient, occasion: occasions.pause(session, patient, now=treated.now))
    treated.phone(PATIENT).replies("39")
    assert treated.alerts(PATIENT)
