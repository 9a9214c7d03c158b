"""The list of patients: search, and what is next for each. Queries only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from service.models import Alert, Patient, Reading, Site, Study, Task, Visit
from workflows.alerts import AlertStatus
from workflows.visits import OPEN

PAGE = 50


@dataclass(frozen=True)
class Line:
    """One patient: the next open visit (None: none left), how many tasks wait, whether a case is open."""

    patient: Patient
    next_visit: Visit | None
    tasks: int
    case: str | None
    last_reading: Reading | None


@dataclass(frozen=True)
class Roster:
    """A page of patients; `total` counts all that match."""

    lines: tuple[Line, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def find(session: Session, *, site_id: int | None, words: str = "", page: int = 1, now: datetime) -> Roster:
    """Patients by code (any part) or by the last digits of their phone; of one site or of all."""
    where = [] if site_id is None else [Patient.site_id == site_id]
    words = words.strip()
    if words:
        digits = "".join(sign for sign in words if sign.isdigit())
        either = [Patient.code.icontains(words, autoescape=True)]
        if len(digits) >= 4:
            either.append(Patient.phone.endswith(digits))
        where.append(or_(*either))
    total = session.scalar(select(func.count()).select_from(Patient).where(*where)) or 0
    page = max(1, min(page, max(1, -(-total // PAGE))))
    patients = session.scalars(
        select(Patient)
        .where(*where)
        .options(joinedload(Patient.site), joinedload(Patient.study))
        .order_by(Patient.code, Patient.id)
        .offset((page - 1) * PAGE)
        .limit(PAGE)
    ).all()
    return Roster(_lines(session, patients, now), total, page)


def _lines(session: Session, patients: Sequence[Patient], now: datetime) -> tuple[Line, ...]:
    ids = [patient.id for patient in patients]
    upcoming: dict[int, Visit] = {}
    for visit in session.scalars(
        select(Visit)
        .where(Visit.patient_id.in_(ids), Visit.status.in_([str(each) for each in OPEN]), Visit.merged_into.is_(None))
        .order_by(Visit.date, Visit.id)
    ):
        upcoming.setdefault(visit.patient_id, visit)
    waiting = dict(
        session.execute(
            select(Task.patient_id, func.count())
            .where(Task.patient_id.in_(ids), Task.status != "done")
            .group_by(Task.patient_id)
        )
        .tuples()
        .all()
    )
    cases = dict(
        session.execute(
            select(Alert.patient_id, Alert.case).where(Alert.patient_id.in_(ids), Alert.status != AlertStatus.CLOSED)
        )
        .tuples()
        .all()
    )
    newest = select(func.max(Reading.id)).where(Reading.patient_id.in_(ids)).group_by(Reading.patient_id)
    readings = {each.patient_id: each for each in session.scalars(select(Reading).where(Reading.id.in_(newest)))}
    return tuple(
        Line(
            patient,
            upcoming.get(patient.id),
            waiting.get(patient.id, 0),
            cases.get(patient.id),
            readings.get(patient.id),
        )
        for patient in patients
    )


def sites_for(session: Session, site_id: int | None) -> list[tuple[Study, Site]]:
    """The sites a person may enrol at, with their study."""
    where = [] if site_id is None else [Site.id == site_id]
    rows = session.execute(
        select(Study, Site).join(Site, Site.study_id == Study.id).where(*where).order_by(Study.code, Site.code)
    )
    return [(study, site) for study, site in rows]


def studies_for(session: Session, site_id: int | None) -> list[tuple[Study, list[Site]]]:
    """The studies a person may read, each with the sites they may know of: none yet, for somebody of every site."""
    found: dict[int, tuple[Study, list[Site]]] = {}
    if site_id is None:
        found = {study.id: (study, []) for study in session.scalars(select(Study).order_by(Study.code))}
    for study, site in sites_for(session, site_id):
        found.setdefault(study.id, (study, []))[1].append(site)
    return list(found.values())


def next_code(session: Session, study: Study) -> str:
    """A proposal for the next patient's code ("P-010")."""
    numbers = [
        int(tail)
        for code in session.scalars(select(Patient.code).where(Patient.study_id == study.id))
        if (tail := code.rpartition("-")[2]).isascii() and tail.isdigit()
    ]
    return f"P-{max(numbers, default=0) + 1:03d}"


def local_today(patient: Patient, now: datetime) -> str:
    """The patient's own date, ISO."""
    return now.astimezone(ZoneInfo(patient.timezone)).date().isoformat()
