"""Temperatures as rows: each with its words, unit, site and times; a correction is a new row that points at
the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Occasion, Patient, Reading, Response
from workflows.answers import Answer
from workflows.facts import UNKNOWN_SITE
from workflows.questionnaires import SITE_ITEM

RECHECK = "recheck"


def record(
    session: Session,
    patient: Patient,
    answers: Mapping[str, Answer],
    rows: list[Response],
    said_at: datetime,
    *,
    now: datetime,
) -> Reading | None:
    """A row for each temperature; the last one."""
    site = str(answers[SITE_ITEM].value) if SITE_ITEM in answers else patient.temp_site or UNKNOWN_SITE
    found: Reading | None = None
    for row in rows:
        answer = answers[row.item]
        if answer.reading is None or not isinstance(answer.value, Decimal):
            continue
        old = _newest(session, Reading.response_id == row.corrects_id) if row.corrects_id else None
        found = Reading(
            patient_id=patient.id, response_id=row.id, inbound_id=row.inbound_id, celsius=str(answer.value),
            unit=answer.reading.unit, site=site, raw=row.raw, confirmed=answer.sure, recheck=row.item == RECHECK,
            taken_at=said_at, received_at=now, corrects_id=old.id if old else None, reason=row.reason,
        )  # fmt: skip
        session.add(found)
        session.flush()
    return found


def _newest(session: Session, *wheres: Any) -> Reading | None:
    query = select(Reading).outerjoin(Response, Response.id == Reading.response_id).where(*wheres)
    return session.scalars(query.order_by(Reading.taken_at.desc(), Reading.id.desc()).limit(1)).first()


def reading_of(session: Session, occasion: Occasion | None) -> Reading | None:
    """The temperature that the occasion holds already: later answers are triaged together with it."""
    return None if occasion is None else _newest(session, Response.occasion_id == occasion.id)


def with_site(session: Session, patient: Patient, rows: list[Response], *, now: datetime) -> Reading | None:
    """A site that is told after the temperature: the reading once more, complete."""
    told = next((row for row in rows if row.item == SITE_ITEM and row.occasion_id is not None), None)
    if told is None:
        return None
    old = _newest(session, Response.occasion_id == told.occasion_id)
    site = str(told.value["value"])
    if old is None or old.site == site:
        return None
    new = Reading(
        patient_id=patient.id, response_id=old.response_id, inbound_id=told.inbound_id, celsius=old.celsius,
        unit=old.unit, site=site, raw=old.raw, confirmed=old.confirmed, recheck=old.recheck, taken_at=old.taken_at,
        received_at=now, corrects_id=old.id, reason="the site was told",
    )  # fmt: skip
    session.add(new)
    session.flush()
    return new
