"""Are the patients safe, is the protocol kept: each number with the rows that it counts. Queries only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from service.models import Alert, Deviation, Message, Occasion, Patient, Reading, Visit
from workflows.alerts import AlertStatus
from workflows.occasions import OccasionStatus
from workflows.protocol import Level
from workflows.visits import OPEN, VisitStatus, is_inside, is_late

IDSA_SINGLE = Decimal("38.3")
PROMISE = timedelta(minutes=15)
BACK = timedelta(days=30)
FAILED = ("undelivered", "failed_permanent", "expired", "unknown")


@dataclass(frozen=True)
class Row:
    """One thing that a number counts: whose, when, and what (codes and figures; the words are the page's)."""

    patient: Patient
    at: datetime | date
    what: str


@dataclass(frozen=True)
class Number:
    """`value` as shown ("7", "92.3 %", "4 min"); "" where there is nothing to count yet. `rows` are what it counts."""

    key: str
    value: str
    rows: tuple[Row, ...] = ()


def numbers(session: Session, *, site_id: int | None, now: datetime) -> list[Number]:
    """All numbers of a site, or of all sites."""
    patients = {
        patient.id: patient
        for patient in session.scalars(
            select(Patient).where(*_of(Patient.site_id == site_id, site_id)).options(joinedload(Patient.site))
        )
    }
    return [
        *_people(patients.values()),
        *_cases(session, patients),
        *_answers(session, patients),
        *_visits(session, patients, now),
        *_fevers(session, patients),
        *_messages(session, patients, now),
    ]


def _of(condition: ColumnElement[bool], site_id: int | None) -> list[ColumnElement[bool]]:
    return [] if site_id is None else [condition]


def _count(key: str, rows: Iterable[Row]) -> Number:
    found = tuple(rows)
    return Number(key, str(len(found)), found)


def _percent(key: str, part: int, whole: int, rows: Iterable[Row]) -> Number:
    return Number(key, f"{100 * part / whole:.1f} %" if whole else "", tuple(rows))


def _people(patients: Iterable[Patient]) -> list[Number]:
    everybody = list(patients)
    left = [each for each in everybody if each.status in ("withdrawn", "died")]
    return [
        _count("enrolled", (Row(each, each.enrolled_on, each.status) for each in everybody)),
        _count("left", (Row(each, each.ended_at or each.created_at, each.status) for each in left)),
    ]


def _cases(session: Session, patients: dict[int, Patient]) -> list[Number]:
    alerts = [
        each
        for each in session.scalars(select(Alert).where(Alert.severity == Level.RED).order_by(Alert.reported_at))
        if each.patient_id in patients
    ]
    taken = [(each, each.acknowledged_at - each.reported_at) for each in alerts if each.acknowledged_at]
    ended = [(each, each.outcome_at - each.reported_at) for each in alerts if each.outcome_at]
    in_time = [each for each, waited in taken if waited <= PROMISE]
    still = [each for each in alerts if each.status == AlertStatus.OPEN]

    def row(alert: Alert, what: str) -> Row:
        return Row(patients[alert.patient_id], alert.reported_at, f"{alert.case} {what}".strip())

    return [
        _count("red_cases", (row(each, each.outcome or each.status) for each in alerts)),
        Number("to_human", _minutes([waited for _, waited in taken]), tuple(row(a, _minutes([w])) for a, w in taken)),
        _percent("in_15_minutes", len(in_time), len(alerts), (row(a, _minutes([w])) for a, w in taken if w > PROMISE)),
        Number("to_outcome", _minutes([waited for _, waited in ended]), tuple(row(a, _minutes([w])) for a, w in ended)),
        _count("nobody_yet", (row(each, each.status) for each in still)),
    ]


def _minutes(waits: Sequence[timedelta]) -> str:
    if not waits:
        return ""
    seconds = median(wait.total_seconds() for wait in waits)
    return f"{seconds / 60:.1f} min"


def _answers(session: Session, patients: dict[int, Patient]) -> list[Number]:
    over = [
        each
        for each in session.scalars(
            select(Occasion)
            .where(Occasion.status.in_([OccasionStatus.ANSWERED, OccasionStatus.MISSED]))
            .order_by(Occasion.for_date.desc())
        )
        if each.patient_id in patients
    ]
    found = []
    for key in sorted({each.questionnaire for each in over}):
        mine = [each for each in over if each.questionnaire == key]
        missed = [each for each in mine if each.status == OccasionStatus.MISSED]
        rows = (Row(patients[each.patient_id], each.for_date, each.status) for each in missed)
        found.append(_percent(f"answered_{key}", len(mine) - len(missed), len(mine), rows))
    return found


def _visits(session: Session, patients: dict[int, Patient], now: datetime) -> list[Number]:
    visits = [
        each
        for each in session.scalars(select(Visit).where(Visit.merged_into.is_(None)).order_by(Visit.date))
        if each.patient_id in patients
    ]
    done = [each for each in visits if each.status == VisitStatus.COMPLETED]
    inside = [each for each in done if is_inside(each, each.completed_on or each.date)]
    missed = [each for each in visits if each.status == VisitStatus.MISSED]
    late = [
        each
        for each in visits
        if each.status in OPEN and is_late(each, now.astimezone(ZoneInfo(patients[each.patient_id].timezone)).date())
    ]
    deviations = session.execute(
        select(Deviation, Visit).join(Visit, Visit.id == Deviation.visit_id).order_by(Deviation.id.desc())
    ).all()

    def row(visit: Visit) -> Row:
        return Row(patients[visit.patient_id], visit.completed_on or visit.date, visit.code)

    outside = (row(each) for each in done if each not in inside)
    return [
        _percent("visits_inside", len(inside), len(done), outside),
        _count("visits_missed", map(row, missed)),
        _count("visits_late", map(row, late)),
        _count(
            "deviations",
            (
                Row(patients[each.patient_id], each.created_at, f"{visit.code} {each.days_outside:+d} d: {each.reason}")
                for each, visit in deviations
                if each.patient_id in patients
            ),
        ),
    ]


def _fevers(session: Session, patients: dict[int, Patient]) -> list[Number]:
    rows = [
        each
        for each in session.scalars(select(Reading).order_by(Reading.taken_at.desc()))
        if each.patient_id in patients
    ]
    corrected = {each.corrects_id for each in rows}
    high = [each for each in rows if each.id not in corrected and Decimal(each.celsius) >= IDSA_SINGLE]
    return [_count("idsa_single", (Row(patients[each.patient_id], each.taken_at, each.celsius) for each in high))]


def _messages(session: Session, patients: dict[int, Patient], now: datetime) -> list[Number]:
    rows = session.scalars(
        select(Message)
        .where(Message.patient_id.is_not(None), Message.status.in_(FAILED), Message.created_at >= now - BACK)
        .order_by(Message.id.desc())
    )
    return [
        _count(
            "not_arrived",
            (
                Row(patients[each.patient_id], each.created_at, f"{each.template}: {each.reason or each.status}")
                for each in rows
                if each.patient_id in patients
            ),
        )
    ]
