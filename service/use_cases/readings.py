"""Temperatures as rows: each with its words, unit, site and times; a correction is a new row that points at
the old one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.models import Occasion, Patient, Reading, Response
from service.prepared import Prepared
from service.use_cases import bulk, rows
from workflows.answers import Answer
from workflows.facts import UNKNOWN_SITE, TemperatureReading
from workflows.questionnaires import SITE_ITEM

RECHECK = "recheck"


class Kept(NamedTuple):
    """An answer, and the row that keeps it."""

    id: int
    item: str
    answer: Answer
    corrects_id: int | None


class Taken(NamedTuple):
    """A stored temperature, as its row has it."""

    id: int
    response_id: int | None
    celsius: str
    unit: str
    site: str
    raw: str
    confirmed: bool
    recheck: bool
    taken_at: datetime
    corrects_id: int | None

    def as_rule(self) -> TemperatureReading:
        """As the rules take it."""
        return TemperatureReading(Decimal(self.celsius), self.taken_at, self.site, self.confirmed)


ROWS = bulk.table_of(Reading).c
SHOWN = select(*(ROWS[name] for name in Taken._fields))
SINCE = Prepared(SHOWN.where(ROWS.patient_id == bindparam("patient"), ROWS.taken_at >= bindparam("since")))
NEWEST = SHOWN.order_by(ROWS.taken_at.desc(), ROWS.id.desc()).limit(1)
OF_RESPONSE = Prepared(NEWEST.where(ROWS.response_id == bindparam("one")))
OF_OCCASION = Prepared(
    NEWEST.join(Response, Response.id == ROWS.response_id).where(Response.occasion_id == bindparam("one"))
)


def since(session: Session, patient: Patient, at: datetime) -> tuple[Taken, ...]:
    """The patient's temperatures from `at` on, oldest first, without those that were corrected."""
    return standing([Taken._make(row) for row in SINCE.all(session, patient=patient.id, since=at)])


def standing(taken: Sequence[Taken]) -> tuple[Taken, ...]:
    """Those that no other of them corrects, oldest first."""
    corrected = {one.corrects_id for one in taken}
    return tuple(sorted((one for one in taken if one.id not in corrected), key=lambda one: (one.taken_at, one.id)))


def record(
    session: Session,
    patient: Patient,
    answers: Sequence[Kept],
    said_at: datetime,
    *,
    inbound_id: int | None,
    reason: str | None,
    now: datetime,
) -> tuple[Taken, ...]:
    """A row for each temperature among the answers."""
    told = next((str(one.answer.value) for one in answers if one.item == SITE_ITEM), None)
    site = told or patient.temp_site or UNKNOWN_SITE
    found: list[Taken] = []
    for one in answers:
        answer = one.answer
        if answer.reading is None or not isinstance(answer.value, Decimal):
            continue
        old = _first(session, OF_RESPONSE, one.corrects_id) if one.corrects_id else None
        new = Taken(
            0, one.id, str(answer.value), answer.reading.unit, site, answer.raw, answer.sure, one.item == RECHECK,
            said_at, old.id if old else None,
        )  # fmt: skip
        found.append(_store(session, patient, new, inbound_id, reason, now))
    return tuple(found)


def reading_of(session: Session, occasion: Occasion | None) -> Taken | None:
    """The temperature that the occasion holds already: later answers are triaged together with it."""
    return None if occasion is None else _first(session, OF_OCCASION, occasion.id)


def with_site(
    session: Session,
    patient: Patient,
    answers: Sequence[Kept],
    occasion: Occasion,
    *,
    inbound_id: int | None,
    now: datetime,
) -> Taken | None:
    """A site that is told after the temperature: the occasion's reading once more, complete."""
    told = next((one for one in answers if one.item == SITE_ITEM), None)
    if told is None:
        return None
    old, site = reading_of(session, occasion), str(told.answer.value)
    if old is None or old.site == site:
        return None
    new = old._replace(site=site, corrects_id=old.id)
    return _store(session, patient, new, inbound_id, "the site was told", now)


def _first(session: Session, query: Prepared, one: int) -> Taken | None:
    row = query.first(session, one=one)
    return None if row is None else Taken._make(row)


def _store(
    session: Session, patient: Patient, new: Taken, inbound_id: int | None, reason: str | None, now: datetime
) -> Taken:
    values = new._asdict()
    del values["id"]
    number = rows.add(
        session, Reading, patient_id=patient.id, inbound_id=inbound_id, received_at=now, reason=reason, **values
    )
    return new._replace(id=number)
