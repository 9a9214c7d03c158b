"""What a patient's calendar is planned in: protocol, zone, the site's days and hours. One statement reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.models import Patient, Site, StudyVersion
from service.prepared import Prepared
from service.use_cases import bulk, sites, studies
from workflows.closed_days import ClosedDays
from workflows.protocol import ClosedDayRule, StudyDesign

ROWS, VERSIONS, SITES = bulk.table_of(Patient), bulk.table_of(StudyVersion).c, bulk.table_of(Site).c
PLACE_OF = (
    select(
        ROWS.c.version_id, ROWS.c.study_version_id, VERSIONS.sha256, SITES.country, SITES.subdivision,
        SITES.closed_days, SITES.clinic_hour, SITES.daily_capacity,
    )
    .where(
        ROWS.c.id == bindparam("patient"), VERSIONS.id == ROWS.c.study_version_id, SITES.id == ROWS.c.site_id
    )
)  # fmt: skip
PLACE, LOCKED = Prepared(PLACE_OF), Prepared(PLACE_OF.with_for_update(key_share=True, of=ROWS))
Place = Any


@dataclass(frozen=True)
class Frame:
    """`zone` and `today` are the patient's; `closed` the days without clinic visits, `clinic_hour` local;
    `capacity` is how many clinic appointments the site takes a day (None: any number).
    """

    design: StudyDesign
    zone: ZoneInfo
    today: date
    closed: ClosedDays
    clinic_hour: time
    capacity: int | None


def lock(session: Session, patient: Patient) -> Place:
    """Take the patient's row for this transaction, and read it as it is now: two changes of one calendar follow each
    other. What is returned spares `frame_of` its statement.
    """
    session.flush()
    place = LOCKED.first(session, patient=patient.id)
    if place.version_id != patient.version_id:
        session.refresh(patient)
    return place


def frame_of(session: Session, patient: Patient, *, now: datetime, place: Place | None = None) -> Frame:
    """The frame of a patient who is in the database, as things are now. `place`: as `lock` gave it."""
    if place is None:
        bulk.flush_of(session, Patient, Site)
        place = PLACE.first(session, patient=patient.id)
    studies.remember(session, place.study_version_id, place.sha256)
    design = studies.design_of(session, place.study_version_id)
    zone = ZoneInfo(patient.timezone)
    closed = _closed_days(place.country, place.subdivision, tuple(place.closed_days), design.closed_days)
    hour, today = time.fromisoformat(place.clinic_hour), now.astimezone(zone).date()
    return Frame(design, zone, today, closed, hour, place.daily_capacity)


@lru_cache(maxsize=256)
def _closed_days(
    country: str, subdivision: str | None, own: Sequence[str], rule: ClosedDayRule | None
) -> ClosedDays:
    """The site's own closed days, its country's, and the study's."""
    of_site = sites.closed_days(country, subdivision, own)
    if rule is None:
        return of_site
    return replace(of_site, weekends=rule.weekends, extra=of_site.extra | frozenset(rule.extra))
