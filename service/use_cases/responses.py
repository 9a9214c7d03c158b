"""Answers: stored with their words and times, triaged at once, whatever channel they came by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import Conflict, NotFound
from service.models import Inbound, Occasion, Patient, Response, TriageHit
from service.use_cases import occasions, patient_facts
from service.use_cases.reports import Outcome, Source, report
from workflows.answers import Answer, Wrong, read_answer
from workflows.decisions import RuleViolation
from workflows.ear import Heard, hear
from workflows.occasions import OccasionStatus
from workflows.protocol import LEVELS, Item, ItemType, Level, Questionnaire
from workflows.questionnaires import next_for_sure
from workflows.questionnaires import next_item as next_question


def given(session: Session, occasion: Occasion) -> dict[str, Any]:
    """The answers of an occasion as they stand: item -> value as the rules take it."""
    questionnaire = patient_facts.questionnaire_of(session, occasion.patient, occasion.questionnaire)
    return dict(patient_facts.answers_of(session, occasion, questionnaire).values)


def next_item(session: Session, patient: Patient, occasion: Occasion, *, now: datetime) -> Item | None:
    """The question that comes next in an occasion; None when there is none."""
    questionnaire = patient_facts.questionnaire_of(session, patient, occasion.questionnaire)
    answers = patient_facts.answers_of(session, occasion, questionnaire).values
    sure = next_for_sure(questionnaire, answers)
    if sure is not None:
        return sure
    facts = patient_facts.gather(session, patient, at=now, questionnaire=questionnaire, answers=answers)
    return next_question(questionnaire, answers, facts)


def record_answers(
    session: Session,
    patient: Patient,
    *,
    questionnaire: str | Questionnaire,
    answers: Mapping[str, Any],
    channel: str,
    now: datetime,
    occasion: Occasion | None = None,
    typed_by: str = "patient",
    phone_at: datetime | None = None,
    carrier_at: datetime | None = None,
    client_id: str | None = None,
    inbound: Inbound | None = None,
    corrects: int | None = None,
    reason: str | None = None,
) -> Outcome:
    """Store what was answered, triage it, and say what comes next.

    `answers` holds for each item what was typed or chosen: a text, a list of letters, a number.
    RuleViolation names the first item that cannot be read; then nothing is stored. Conflict when the
    occasion is over. `corrects` is the response that a single answer replaces. The same `client_id` again
    stores nothing and gives the outcome as it stands.
    """
    form = (
        patient_facts.questionnaire_of(session, patient, questionnaire)
        if isinstance(questionnaire, str)
        else questionnaire
    )
    patient_facts.hold(session, patient, occasion)
    known = _handed_in(session, patient, occasion, client_id, answers, now=now) if client_id else None
    if known is not None:
        return known
    if occasion is not None and corrects is None and not _may_answer(occasion, typed_by):
        raise Conflict(f"this occasion is {occasion.status}", field="occasion", value=occasion.status)
    read = {key: _read(form, key, value, patient.language) for key, value in answers.items()}
    texts = " . ".join(answer.raw for key, answer in read.items() if form.item(key).type is ItemType.TEXT)
    source = Source(channel, typed_by, phone_at, carrier_at, client_id, inbound)
    return report(
        session, patient, form, read, source, occasion=occasion, heard=_words(texts, patient), corrects=corrects,
        reason=reason, now=now,
    )  # fmt: skip


def read(form: Questionnaire, key: str, value: Any, language: str) -> Answer | Wrong:
    """What an item's answer means. RuleViolation for an item that the form has not."""
    try:
        item = form.item(key)
    except KeyError:
        raise RuleViolation(key, value, f"is no question of {form.key}") from None
    if not item.required and value in (None, ""):
        return Answer(None, "")  # left out on purpose: it is not asked again
    return read_answer(item, as_typed(value), language)


def as_typed(value: Any) -> str:
    """An answer as one text: letters come as a list."""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _read(form: Questionnaire, key: str, value: Any, language: str) -> Answer:
    found = read(form, key, value, language)
    if isinstance(found, Wrong):
        raise RuleViolation(key, value, f"cannot be read as an answer: {found.reason.replace('_', ' ')}")
    return found


def _words(text: str, patient: Patient) -> Heard | None:
    """Free text in a form is heard as a text message is, but for temperatures: those of last week are not
    new.
    """
    if not text.strip():
        return None
    heard = hear(text, patient.language)
    return Heard(None, heard.signs, heard.red_words, heard.fever_without_number, heard.help_alone)


def correct(
    session: Session, response_id: int, value: Any, *, reason: str, actor: str, now: datetime
) -> Response:
    """A new row that replaces the old one, with a reason. What was raised stays raised."""
    old = session.get(Response, response_id)
    if old is None:
        raise NotFound(f"there is no response {response_id}", field="response", value=response_id)
    if not reason.strip():
        raise RuleViolation("reason", reason, "say why")
    if session.scalars(select(Response.id).where(Response.corrects_id == old.id)).first() is not None:
        raise Conflict("this answer was corrected already", field="response", value=response_id)
    patient = session.get_one(Patient, old.patient_id)
    form = old.questionnaire or patient_facts.daily_form(session, patient)
    occasion = session.get(Occasion, old.occasion_id) if old.occasion_id else None
    outcome = record_answers(
        session, patient, occasion=occasion, questionnaire=form, answers={old.item: value}, channel="phone",
        typed_by=actor, corrects=old.id, reason=reason.strip(), now=now,
    )  # fmt: skip
    return session.get_one(Response, outcome.kept[-1].id)


def _handed_in(
    session: Session,
    patient: Patient,
    occasion: Occasion | None,
    client_id: str,
    answers: Mapping[str, Any],
    *,
    now: datetime,
) -> Outcome | None:
    keys = [f"{client_id}:{item}" for item in answers]
    query = select(Response.id).where(Response.patient_id == patient.id, Response.client_id.in_(keys))
    stored = session.scalars(query).all()
    if not stored:
        return None
    hits = session.scalars(select(TriageHit.level).where(TriageHit.response_id.in_(stored)))
    level = max(map(Level, hits), key=LEVELS.index, default=Level.NOTHING)
    open_now = occasion is not None and occasion.status in (occasions.OPEN, occasions.LATE)
    item = next_item(session, patient, occasion, now=now) if occasion is not None and open_now else None
    return Outcome(level, done=item is None, next_item=item.key if item else None)


def _may_answer(occasion: Occasion, typed_by: str) -> bool:
    """No back-filling by the patient; a telephone interview may still be held when the day was missed."""
    if occasion.status in (occasions.OPEN, occasions.LATE):
        return True
    return typed_by != "patient" and occasion.status == OccasionStatus.MISSED
