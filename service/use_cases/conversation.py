"""The conversation by text: one question open at a time; whatever the patient writes is heard first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Inbound, Occasion, Patient, Response
from service.use_cases import (
    alerts,
    keywords,
    occasions,
    outbox,
    patient_facts,
    reports,
    tasks,
    timers,
    triaging,
    yesterdays,
)
from service.use_cases.asking import ask, begin, by_text, remind, send
from service.use_cases.patient_facts import Known
from workflows.answers import Answer
from workflows.ear import Heard
from workflows.enrolment import PatientStatus
from workflows.occasions import occasion_for_answer
from workflows.protocol import Level
from workflows.readings import Ambiguous, Reading
from workflows.replies import Intent, Reply, read_reply
from workflows.sending import end_of_quiet_hours
from workflows.words import plain, words_of

TEMP, RECHECK = "temp", "recheck"
CORRECTABLE = timedelta(hours=24)
READ_WITHIN = timedelta(hours=2)
A_SENTENCE = 4  # words from which a text is no slip in an answer
DAY_FROM, DAY_TO = 8, 18  # when the amber text may say "today"


def _look(session: Session, patient: Patient, *, at: datetime, now: datetime) -> Known:
    """What a text written at `at` finds: the form that it answers is locked, as every other that may be answered."""
    there = occasions.open_for(session, patient, now=now, hold=True)
    found = [row for row in there if by_text(patient_facts.questionnaire_of(session, patient, row.questionnaire))]
    asking = [row for row in found if row.item is not None]
    occasion = occasion_for_answer(asking or found, at) or next(iter(asking), None)  # written before it was asked
    form = patient_facts.questionnaire_of(session, patient, occasion.questionnaire) if occasion else None
    given = patient_facts.answers_of(session, occasion, form) if form else patient_facts.Given()
    return Known(tuple(there), occasion, form, given, patient_facts.background(session, patient, at=at))


def take_text(session: Session, patient: Patient, inbound: Inbound, *, now: datetime) -> Reply:
    """Everything that one text of a patient, who is held, sets off. What was understood, for the inbound's record."""
    at = min(inbound.carrier_at or inbound.received_at, now)
    known = _look(session, patient, at=at, now=now)
    occasion, form = known.occasion, known.form
    item, facts = None, None
    if form is not None and occasion is not None:
        item = form.item(occasion.item) if occasion.item else None
        facts = patient_facts.gather(
            session, patient, at=at, questionnaire=form, answers=known.given.values, behind=known.behind
        )
    reply = read_reply(
        inbound.body,
        sender="patient",
        language=patient.language,
        open_item=item,
        questionnaire=form,
        facts=facts,
    )
    source = reports.Source(channel=inbound.channel, carrier_at=inbound.carrier_at, inbound=inbound)
    if timers.answers_advice(session, patient, inbound, reply, now=now):
        return reply
    told = reply.answers or temperature_in(reply.heard, inbound.body)
    if (
        occasion is not None
        and form is not None
        and yesterdays.take(session, patient, inbound, reply, told, source, occasion, form, known, at=at, now=now)
    ):
        pass
    elif reply.answers and occasion is not None and form is not None:
        outcome = reports.report(
            session,
            patient,
            form,
            reply.answers,
            source,
            occasion=occasion,
            heard=_said(reply.heard),
            now=now,
            known=known,
        )
        if occasion.explained:
            occasion.explained = 0
        _go_on(session, patient, occasion, outcome, inbound, now=now)
    elif reply.heard.temperature is not None or reply.heard.distress:
        _reading_or_distress(session, patient, reply, source, known, inbound, now=now)
    elif reply.intents == (Intent.UNKNOWN,) or (
        reply.wrong is not None and reply.intents == (Intent.THANKS,)
    ):
        _not_understood(session, patient, reply, occasion, inbound, now=now)
    keywords.follow(session, patient, reply, inbound, now=now)
    return reply


def _said(heard: Heard) -> Heard | None:
    """What the words say beside the answer; the temperature is the answer's."""
    if not heard.distress:
        return None
    return Heard(None, heard.signs, heard.red_words, heard.fever_without_number, heard.help_alone)


def _reading_or_distress(
    session: Session,
    patient: Patient,
    reply: Reply,
    source: reports.Source,
    known: Known,
    inbound: Inbound,
    *,
    now: datetime,
) -> None:
    """A temperature or a sign that nobody asked for: it goes to the open form where that has none, else by
    itself.
    """
    occasion, form = known.occasion, known.form
    answers = temperature_in(reply.heard, inbound.body)
    daily = form or patient_facts.daily_form(session, patient)
    corrects = _last_temperature(session, patient, now) if Intent.CORRECTION in reply.intents else None
    target = (
        occasion
        if occasion is not None and form is not None and TEMP in {i.key for i in form.items}
        else None
    )
    if target is not None and form is not None and not answers:
        target = None
    if target is not None and corrects is None and TEMP in known.given.values:
        target = None
    if corrects is not None and (target is None or corrects.occasion_id != target.id):
        target = None
    if not answers and not reply.heard.distress:
        return
    recheck = (
        bool(triaging.waiting(session, patient, triaging.RECHECK, triaging.RECHECK_SILENCE))
        and target is None
    )
    named = {(RECHECK if recheck else TEMP): answer for answer in answers.values()}
    outcome = reports.report(
        session, patient, daily, named, source, occasion=target, heard=reply.heard,
        corrects=corrects.id if corrects else None, reason="corrected by the patient" if corrects else None, now=now,
        known=known,
    )  # fmt: skip
    if occasion is not None and target is not None:
        _go_on(session, patient, occasion, outcome, inbound, now=now)
        return
    if outcome.level is Level.RED and occasion is not None:
        occasions.stop_asking(session, occasion, reason="a red report", now=now)
        return
    _close(session, patient, outcome, inbound, now=now)
    if (
        occasion is not None
        and occasion.item is not None
        and not outcome.ask
        and outcome.level is not Level.RED
    ):
        item = patient_facts.questionnaire_of(session, patient, occasion.questionnaire).item(occasion.item)
        ask(session, patient, occasion, item, kind="reply", key=f"again:{inbound.id}", now=now)


def temperature_in(heard: Heard, text: str) -> Mapping[str, Answer]:
    """The temperature that was heard in a text, as the answer that it is; nothing where none was."""
    found = heard.temperature
    if isinstance(found, Ambiguous):
        found = Reading(found.highest, "C", text, confirmed=False)
    return {} if found is None else {TEMP: Answer(found.celsius, text, found, sure=found.confirmed)}


def _last_temperature(session: Session, patient: Patient, now: datetime) -> Response | None:
    query = select(Response).where(
        Response.patient_id == patient.id,
        Response.item.in_((TEMP, RECHECK)),
        Response.received_at > now - CORRECTABLE,
    )
    return session.scalars(query.order_by(Response.id.desc()).limit(1)).first()


def _go_on(
    session: Session,
    patient: Patient,
    occasion: Occasion,
    outcome: reports.Outcome,
    inbound: Inbound,
    *,
    now: datetime,
) -> None:
    """After an answer: the advice stands alone; else the next question, or the thanks."""
    if outcome.level is Level.RED:
        return
    if _is_doubtful(occasion, outcome):
        occasions.ask(session, occasion, TEMP)
        send(session, patient, occasion, "ask_temperature", kind="reply", key=f"sure:{inbound.id}", now=now)
        return
    if outcome.next_item is not None:
        item = patient_facts.questionnaire_of(session, patient, occasion.questionnaire).item(
            outcome.next_item
        )
        ask(session, patient, occasion, item, kind="reply", key=f"after:{inbound.id}", now=now)
        return
    _close(session, patient, outcome, inbound, now=now)


def _is_doubtful(occasion: Occasion, outcome: reports.Outcome) -> bool:
    """A temperature that was read with some good will (`375`, two numbers) is asked for once more, once."""
    if occasion.status not in (occasions.OPEN, occasions.LATE):
        return False
    told = {one.id for one in outcome.kept if one.item == TEMP and one.corrects_id is None}
    return any(not one.confirmed for one in outcome.taken if one.response_id in told)


def _close(
    session: Session, patient: Patient, outcome: reports.Outcome, inbound: Inbound, *, now: datetime
) -> None:
    """The last word: never a reassurance. While a case is open, what was said about calling still stands."""
    if outcome.ask or outcome.level is Level.RED:
        return
    watched = outcome.level is Level.AMBER or alerts.has_open(session, patient.id)
    template = "saved"
    if watched:
        local = now.astimezone(ZoneInfo(patient.timezone))
        template = "amber" if DAY_FROM <= local.hour < DAY_TO else "amber_night"
    outbox.enqueue(
        session, now=now, kind="reply", template=template, patient=patient, dedupe=f"close:{inbound.id}",
        inbound_id=inbound.id,
    )  # fmt: skip


def read_by(patient: Patient, now: datetime) -> datetime:
    """A text in which nothing was heard is read within two hours, or in the morning."""
    quiet_until = end_of_quiet_hours(now, ZoneInfo(patient.timezone))
    return (quiet_until or now) + READ_WITHIN


def _not_understood(
    session: Session,
    patient: Patient,
    reply: Reply,
    occasion: Occasion | None,
    inbound: Inbound,
    *,
    now: datetime,
) -> None:
    """Explained once; after that a human reads it. A text that answers no question goes to a human at once, and so do
    whole sentences beside an open question: words that the ear does not know may say anything.
    """
    first = (
        not inbound.media and occasion is not None and occasion.item is not None and occasion.explained == 0
    )
    if occasion is not None and occasion.item is not None:
        occasion.explained += 1
    if not first or len(words_of(plain(inbound.body))) >= A_SENTENCE:
        kind = "media" if inbound.media else "unclear_answer" if reply.wrong else "free_text"
        tasks.open_task(
            session, kind=kind, level=Level.AMBER.value, now=now, patient=patient, dedupe=f"text:{inbound.id}",
            due_at=read_by(patient, now),
            detail={"text": inbound.body, "item": occasion.item if occasion else ""},
            inbound_id=inbound.id,
        )  # fmt: skip
    if patient.status != PatientStatus.ENROLLED:
        return
    outbox.enqueue(
        session, now=now, kind="reply", template="unclear" if first or not reply.wrong else "call_booked",
        patient=patient, dedupe=f"unclear:{inbound.id}", inbound_id=inbound.id,
    )  # fmt: skip


__all__ = ["ask", "begin", "read_by", "remind", "take_text", "temperature_in"]
