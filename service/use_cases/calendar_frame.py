"""What a patient's calendar is planned in: protocol, zone, the site's days and hours; and the lock of a calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.models import Patient, Site, StudyVersion
from service.prepared import Prepared
from service.use_cases import bulk, sites, studies
from workflows.closed_days import ClosedDays
from workflows.protocol import ClosedDayRule, StudyDesign

ROWS, VERSIONS, SITES = bulk.table_of(Patient), bulk.table_of(StudyVersion).c, bulk.table_of(Site).c
PLACE = (
    select(
        ROWS.c.version_id, ROWS.c.study_version_id, VERSIONS.sha256, SITES.country, SITES.subdivision,
        SITES.closed_days, SITES.clinic_hour, SITES.daily_capacity,
    )
    .where(
        ROWS.c.id == bindparam("patient"), VERSIONS.id == ROWS.c.study_version_id, SITES.id == ROWS.c.site_id
    )
)  # fmt: skip
# The patient row alone: of a join, PostgreSQL gives nothing where who held it has moved the patient to another version.
HOLD = select(ROWS.c.version_id).where(ROWS.c.id == bindparam("patient")).with_for_update(key_share=True)
LOCKED = Prepared(HOLD)


class Place(NamedTuple):
    """A row of PLACE."""

    version_id: int
    study_version_id: int
    sha256: str
    country: str
    subdivision: str | None
    closed_days: list[str]
    clinic_hour: str
    daily_capacity: int | None


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


def lock(session: Session, patient: Patient) -> None:
    """Take the patient's row for this transaction, and read it as it is now: two changes of one calendar follow each
    other.
    """
    session.flush()
    bring_in_line(session, patient, LOCKED.first(session, patient=patient.id).version_id)


def bring_in_line(session: Session, patient: Patient, version: int) -> None:
    """The patient is read anew, where the row's `version_id` is another by now."""
    if version != patient.version_id:
        session.refresh(patient)


def frame_of(session: Session, patient: Patient, place: Place, *, now: datetime) -> Frame:
    """The frame of a patient whose row is `place`."""
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
