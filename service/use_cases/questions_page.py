"""What a patient's question page shows, and one answer taken; the telephone interview beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.models import Occasion, Patient, Response, TriageHit
from service.use_cases import links, occasions, patient_facts, patients, reports, responses, studies, unread
from workflows.conditions import holds
from workflows.occasions import ANSWERABLE, OccasionStatus
from workflows.protocol import Condition, Item, Level, Questionnaire, StudyDesign
from workflows.questionnaires import next_item, with_answers

INTERVIEW_BACK = timedelta(days=2)


class State(StrEnum):
    """What the page is: a question, the red page, one of the two thanks, or nothing to ask."""

    ASK = "ask"
    RED = "red"
    AMBER = "amber"
    SAVED = "saved"
    CLOSED = "closed"


@dataclass(frozen=True)
class QuestionPage:
    """`number` of `of`; `previous` is the item to go back to, `given` what was answered to this one before (shown,
    never filled in), `corrects` that answer's id.
    """

    patient: Patient
    state: State
    occasion: Occasion | None = None
    questionnaire: Questionnaire | None = None
    item: Item | None = None
    number: int = 0
    of: int = 0
    previous: str = ""
    given: str = ""
    corrects: int | None = None

    @property
    def recall_days(self) -> int:
        return self.questionnaire.recall_days if self.questionnaire else 1


def look(session: Session, token: str, *, now: datetime, item: str = "") -> QuestionPage:
    """The page behind a link; changes nothing. `item` asks for one question, answered before or not.

    NotFound for no such link, Expired (410) for an old one.
    """
    link = links.find(session, token, kind="questions", now=now)
    if link.patient_id is None:
        raise NotFound("there is no such link")
    patient = patients.get(session, link.patient_id)
    occasion = session.get(Occasion, link.occasion_id) if link.occasion_id else None
    if occasion is None or (occasion.status == OccasionStatus.ANSWERED and _ended_long_ago(occasion, now)):
        occasion = next(iter(occasions.open_for(session, patient, now=now)), occasion)
    if occasion is None:
        return QuestionPage(patient, State.CLOSED)
    if occasion.status not in ANSWERABLE or occasion.missed_at <= now:
        return QuestionPage(patient, _over(session, occasion), occasion)
    return _asking(session, patient, occasion, item, now)


def _ended_long_ago(occasion: Occasion, now: datetime) -> bool:
    return occasion.answered_at is not None and now - occasion.answered_at > timedelta(hours=12)


def _over(session: Session, occasion: Occasion) -> State:
    if occasion.status != OccasionStatus.ANSWERED:
        return State.CLOSED
    levels = set(session.scalars(select(TriageHit.level).where(TriageHit.occasion_id == occasion.id)))
    return State.RED if Level.RED in levels else State.AMBER if Level.AMBER in levels else State.SAVED


def _asking(session: Session, patient: Patient, occasion: Occasion, wanted: str, now: datetime) -> QuestionPage:
    design = studies.design_for(session, patient)
    questionnaire = design.questionnaire(occasion.questionnaire)
    known = patient_facts.answers_of(session, occasion, questionnaire)
    facts = patient_facts.gather(session, patient, at=now, questionnaire=questionnaire, answers=known.values)
    following = next_item(questionnaire, known.values, facts)
    keys = [each.key for each in questionnaire.items]
    item = questionnaire.item(wanted) if wanted in keys else following
    if item is None:
        return QuestionPage(patient, _over(session, occasion), occasion)
    seen = with_answers(questionnaire, known.values, facts)
    due = [
        each.key
        for each in questionnaire.items
        if each.key in known.values or each.asked_when is None or holds(each.asked_when, seen)
    ]
    before = [key for key in due if keys.index(key) < keys.index(item.key) and key in known.values]
    row = known.rows.get(item.key)
    return QuestionPage(
        patient,
        State.ASK,
        occasion,
        questionnaire,
        item,
        number=sum(keys.index(key) < keys.index(item.key) for key in due) + 1,
        of=len(due) + (item.key not in due),
        previous=before[-1] if before else "",
        given=row.raw if row else "",
        corrects=row.id if row else None,
    )


def take(
    session: Session,
    page: QuestionPage,
    raw: str,
    *,
    client_id: str | None,
    phone_at: datetime | None,
    now: datetime,
) -> Level:
    """Record the answer to the page's question; what the rules made of it. The same `client_id` again changes nothing.

    Another answer with it (a page from the browser's memory) is a new one. RuleViolation for an answer that cannot be
    read.
    """
    if page.item is None or page.questionnaire is None:
        raise NotFound("nothing is asked now")
    if client_id:
        before = _known(session, page.patient, f"{client_id}:{page.item.key}")
        if before is not None and before != raw:
            client_id = f"{client_id}~{hashlib.sha256(raw.encode()).hexdigest()[:12]}"
            before = _known(session, page.patient, f"{client_id}:{page.item.key}")
        if page.occasion and before is not None:
            return Level.RED if _over(session, page.occasion) is State.RED else Level.NOTHING
    outcome = responses.record_answers(
        session,
        page.patient,
        occasion=page.occasion,
        questionnaire=page.questionnaire,
        answers={page.item.key: raw},
        channel="web",
        client_id=client_id,
        phone_at=phone_at,
        corrects=page.corrects,
        now=now,
    )
    return outcome.level


def keep_unread(
    session: Session,
    page: QuestionPage,
    key: str,
    text: str,
    *,
    client_id: str | None,
    phone_at: datetime | None,
    explained: bool,
    now: datetime,
) -> Level:
    """Keep what no question could read (see `unread.keep`); what the rules made of it."""
    source = reports.Source("web", phone_at=phone_at, client_id=client_id)
    form = page.questionnaire or patient_facts.daily_form(session, page.patient)
    return unread.keep(
        session, page.patient, form, {key: text}, source, occasion=page.occasion, explained=explained, now=now
    )


def over(session: Session, token: str, key: str, occasion_id: str, *, now: datetime) -> QuestionPage | None:
    """The page of an answer that comes after its day is over, from a phone that had no connection; None while it may
    still be given. The day stays missed: the answer is a report by itself, as a text message would be.

    A link that has ended is good for this. NotFound for no such link.
    """
    link = links.find(session, token, kind="questions", now=now, ended_too=True)
    occasion = session.get(Occasion, link.occasion_id) if link.occasion_id else None
    if occasion_id.isdecimal() and (occasion is None or occasion.id != int(occasion_id)):
        named = session.get(Occasion, int(occasion_id))
        occasion = named if named is not None and named.patient_id == link.patient_id else occasion
    if link.patient_id is None or occasion is None:
        return None
    if link.expires_at > now and occasion.status in ANSWERABLE and occasion.missed_at > now:
        return None
    patient = patients.get(session, link.patient_id)
    questionnaire = studies.design_for(session, patient).questionnaire(occasion.questionnaire)
    item = next((each for each in questionnaire.items if each.key == key), None)
    return QuestionPage(patient, _over(session, occasion), questionnaire=questionnaire, item=item)


def _known(session: Session, patient: Patient, client_id: str) -> str | None:
    """What was typed with this number before; None where nothing was."""
    return session.scalar(
        select(Response.raw).where(Response.patient_id == patient.id, Response.client_id == client_id)
    )


def occasion_for_interview(session: Session, patient: Patient, key: str, *, now: datetime) -> Occasion | None:
    """The day that a telephone interview answers: the newest one that opened lately and has no full answer."""
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    return session.scalars(
        select(Occasion)
        .where(
            Occasion.patient_id == patient.id,
            Occasion.questionnaire == key,
            Occasion.status.in_([OccasionStatus.OPEN, OccasionStatus.LATE, OccasionStatus.MISSED]),
            Occasion.for_date > today - INTERVIEW_BACK - timedelta(days=6 if key == "weekly" else 0),
            Occasion.for_date <= today,
        )
        .order_by(Occasion.for_date.desc())
        .limit(1)
    ).first()


def interviewed(
    session: Session,
    patient: Patient,
    questionnaire: Questionnaire,
    answers: Mapping[str, Any],
    *,
    typed_by: str,
    client_id: str,
    now: datetime,
) -> Level:
    """Record what was said on the telephone, with the name of who typed it; what the rules made of it.

    A day that was missed stays missed: the interview is its own report, with its own time.
    """
    if client_id and any(_known(session, patient, f"{client_id}:{key}") is not None for key in answers):
        return Level.NOTHING
    occasion = occasion_for_interview(session, patient, questionnaire.key, now=now)
    answerable = occasion is not None and occasion.status in ANSWERABLE and occasion.missed_at > now
    outcome = responses.record_answers(
        session,
        patient,
        occasion=occasion if answerable else None,
        questionnaire=questionnaire,
        answers=answers,
        channel="phone",
        typed_by=typed_by,
        client_id=client_id or None,
        now=now,
    )
    return outcome.level


def red_from(design: StudyDesign) -> Decimal | None:
    """The lowest temperature that a red rule of the study takes; None where no rule takes one."""
    limits = [
        Decimal(str(each.args["at_least"]))
        for rule in design.triage
        if rule.level is Level.RED
        for each in flat(rule.when)
        if each.kind == "temperature" and each.args.get("at_least")
    ]
    return min(limits, default=None)


def flat(condition: Condition) -> Iterator[Condition]:
    """A condition and everything inside it."""
    yield condition
    for each in condition.of:
        yield from flat(each)
