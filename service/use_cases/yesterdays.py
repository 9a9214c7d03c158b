"""A text that is meant for the day before, though today's question has been sent: it is put there, and today's is asked
again. Where the day before is over it is kept by itself; it is triaged all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Inbound, Occasion, Patient, Response
from service.use_cases import occasions, patient_facts, reports, responses
from service.use_cases.asking import ask
from service.use_cases.patient_facts import Known
from workflows.answers import Answer, read_answer
from workflows.ear import Heard
from workflows.protocol import Level, Questionnaire
from workflows.replies import Reply
from workflows.yesterday import is_about_yesterday, takes_back

EARLY, SAME = timedelta(hours=1), timedelta(0)  # so long before its question an answer may still be today's
TAKEN_BACK = "the patient: it was yesterday's"


def take(
    session: Session,
    patient: Patient,
    inbound: Inbound,
    reply: Reply,
    told: Mapping[str, Answer],
    source: reports.Source,
    today: Occasion,
    form: Questionnaire,
    known: Known,
    *,
    at: datetime,
    now: datetime,
) -> bool:
    """Whether the text was yesterday's; then it is acted on. `told` is what it answers, its temperature included."""
    if today.item is None:
        return False
    older = next(
        (
            row
            for row in known.open
            if row.questionnaire == today.questionnaire and row.for_date < today.for_date
        ),
        None,
    )
    if takes_back(inbound.body):
        level = _move(session, patient, source, today, older, form, now=now)
    elif told and (is_about_yesterday(inbound.body) or at < today.opens_at - (EARLY if older is None else SAME)):
        level = _report(session, patient, form, told, reply.heard, source, _free(session, older, told), now=now)
    elif older is not None and reply.wrong is not None and not told and not reply.heard.distress:
        fitting = _fits(session, patient, older, today, inbound.body, now=now)
        level = _report(session, patient, form, fitting, reply.heard, source, older, now=now) if fitting else None
    else:
        return False
    if level is None:
        return False
    if level is Level.RED:
        occasions.stop_asking(session, today, reason="a red report", now=now)
        return True
    item = responses.next_item(session, patient, today, now=now)
    if item is not None:
        ask(session, patient, today, item, kind="reply", key=f"again:{inbound.id}", now=now)
    return True


def _free(session: Session, older: Occasion | None, told: Mapping[str, Answer]) -> Occasion | None:
    """The day before, if it may still be answered and has none of these answers yet."""
    if older is None or set(told) & set(responses.given(session, older)):
        return None
    return older


def _report(
    session: Session,
    patient: Patient,
    form: Questionnaire,
    told: Mapping[str, Answer],
    heard: Heard,
    source: reports.Source,
    day: Occasion | None,
    *,
    now: datetime,
) -> Level:
    words = Heard(None, heard.signs, heard.red_words, False, heard.help_alone) if heard.distress else None
    return reports.report(session, patient, form, told, source, occasion=day, heard=words, now=now).level


def _fits(
    session: Session, patient: Patient, older: Occasion, today: Occasion, text: str, *, now: datetime
) -> dict[str, Answer]:
    """An answer to the question that was open yesterday, in a form that was being filled in; none is given today."""
    given = responses.given(session, older)
    item = responses.next_item(session, patient, older, now=now) if given else None
    if item is None or responses.given(session, today):
        return {}
    found = read_answer(item, text, patient.language)
    return {item.key: found} if isinstance(found, Answer) and found.sure else {}


def _move(
    session: Session,
    patient: Patient,
    source: reports.Source,
    today: Occasion,
    older: Occasion | None,
    form: Questionnaire,
    *,
    now: datetime,
) -> Level | None:
    """The last text's answers leave today: new rows in the day before, or by themselves, that point at the old ones."""
    newest = session.scalars(
        select(Response)
        .where(Response.occasion_id == today.id, Response.inbound_id.is_not(None), Response.typed_by == "patient")
        .order_by(Response.id.desc())
        .limit(1)
    ).first()
    if newest is None:
        return None
    rows = patient_facts.answers_of(session, today, form).rows.values()
    level = Level.NOTHING
    for row in [row for row in rows if row.inbound_id == newest.inbound_id]:
        found = read_answer(form.item(row.item), row.raw, patient.language)
        if not isinstance(found, Answer):
            return None
        told = {row.item: found}
        outcome = reports.report(
            session, patient, form, told, source, occasion=_free(session, older, told), corrects=row.id,
            reason=TAKEN_BACK, now=now,
        )  # fmt: skip
        level = outcome.level if outcome.level is Level.RED else level
    return level
