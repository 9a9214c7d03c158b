"""What the FHIR calls need from the rows: a questionnaire by key, answers of an occasion, and a response handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.models import Occasion, Patient, Response, Study
from service.use_cases import idempotency, occasions, responses, studies
from workflows.fhir_response import Handed
from workflows.protocol import Questionnaire


@dataclass(frozen=True)
class Taken:
    """`counts`: it belongs to an occasion. Otherwise it was heard as a free report."""

    counts: bool
    level: str
    occasion_id: int | None


@dataclass(frozen=True)
class Answers:
    """The answers of an occasion as they stand: (item, stored value), when they were typed, and whether staff did."""

    values: tuple[tuple[str, Any], ...]
    authored: datetime
    by_staff: bool


def questionnaire(session: Session, key: str, study_code: str | None = None) -> Questionnaire:
    """The questionnaire called `key` of the newest version of the study, or of the first study that has it."""
    query = select(Study).where(Study.version_id.is_not(None)).order_by(Study.id)
    if study_code:
        query = query.where(Study.code == study_code)
    for study in session.scalars(query):
        for found in studies.design_of(session, study.version_id or 0).questionnaires:
            if found.key == key:
                return found
    raise NotFound("no such questionnaire", field="questionnaire", value=key)


def take(
    session: Session,
    patient: Patient,
    form: Questionnaire,
    handed: Handed,
    answers: Mapping[str, str],
    *,
    now: datetime,
) -> Taken:
    """Answers for the open occasion of that questionnaire; with none open they are heard and count for nothing."""
    body = repr((form.key, handed.authored, sorted(answers.items())))
    digest = idempotency.request_digest("POST", "", body.encode())
    row = idempotency.begin(session, f"fhir:{patient.id}|{handed.identifier}", digest, now=now)
    if idempotency.is_kept(row):
        return Taken(**row.body["body"])
    open_now = [one for one in occasions.open_for(session, patient, now=now) if one.questionnaire == form.key]
    occasion = open_now[0] if open_now else None
    outcome = responses.record_answers(
        session,
        patient,
        occasion=occasion,
        questionnaire=form,
        answers=answers,
        channel="app",
        phone_at=handed.authored,
        client_id=f"fhir:{handed.identifier}",
        now=now,
    )
    taken = Taken(occasion is not None, str(outcome.level), occasion.id if occasion else None)
    idempotency.keep(session, row, 201, vars(taken), {})
    return taken


def answered(session: Session, patient: Patient, key: str | None, *, limit: int) -> list[Occasion]:
    """The patient's occasions that have answers, newest first."""
    query = select(Occasion).where(
        Occasion.patient_id == patient.id,
        Occasion.id.in_(select(Response.occasion_id).where(Response.patient_id == patient.id)),
    )
    if key is not None:
        query = query.where(Occasion.questionnaire == key)
    return list(session.scalars(query.order_by(Occasion.for_date.desc(), Occasion.id.desc()).limit(limit)))


def answers_of(session: Session, occasion: Occasion) -> Answers:
    """The answers that stand: a corrected one is left out."""
    rows = session.scalars(select(Response).where(Response.occasion_id == occasion.id).order_by(Response.id)).all()
    corrected = {row.corrects_id for row in rows}
    standing = {row.item: row for row in rows if row.id not in corrected}
    values = tuple((key, row.value["value"]) for key, row in standing.items() if row.value.get("value") is not None)
    authored = max((row.phone_at or row.received_at for row in rows), default=occasion.opens_at)
    return Answers(values, authored, any(row.typed_by != "patient" for row in rows))
