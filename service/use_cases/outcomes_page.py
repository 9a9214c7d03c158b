"""Are the patients safe, is the protocol kept: each number with the newest of the rows that it counts. Queries only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Numeric, and_, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.models import Alert, Deviation, Message, Occasion, Patient, Reading, Visit
from service.use_cases.worklist import NOT_OVER
from workflows.alerts import AlertStatus
from workflows.occasions import OccasionStatus
from workflows.protocol import Level
from workflows.visits import VisitStatus

MOST = 200  # rows handed out under one number
IDSA_SINGLE = Decimal("38.3")
PROMISE = timedelta(minutes=15)
BACK = timedelta(days=30)
FAILED = ("undelivered", "failed_permanent", "expired", "unknown")
Where = ColumnElement[bool]


@dataclass(frozen=True)
class Row:
    """One thing that a number counts: whose, when, and what (codes and figures; the words are the page's)."""

    patient: Patient
    at: datetime | date
    what: str


@dataclass(frozen=True)
class Number:
    """`value` as shown ("7", "92.3 %", "4.0 min"); "" where there is nothing to count yet. `rows` are the newest of
    the `total` that it counts."""

    key: str
    value: str
    rows: tuple[Row, ...] = ()
    total: int = 0


def numbers(session: Session, *, site_id: int | None, now: datetime) -> list[Number]:
    """All numbers of a site, or of all sites."""
    asked = _Asked(session, [] if site_id is None else [Patient.site_id == site_id])
    return [
        *_people(asked),
        *_cases(asked),
        *_answers(asked),
        *_visits(asked, now),
        asked.count(
            "idsa_single",
            Reading,
            Reading.patient_id,
            [cast(Reading.celsius, Numeric) >= IDSA_SINGLE, ~_corrected()],
            lambda each: (each.taken_at, each.celsius),
        ),
        asked.count(
            "not_arrived",
            Message,
            Message.patient_id,
            [Message.status.in_(FAILED), Message.created_at >= now - BACK],
            lambda each: (each.created_at, f"{each.template}: {each.reason or each.status}"),
        ),
    ]


class _Asked:
    """Counts of one site's patients, and the newest rows of each count."""

    def __init__(self, session: Session, here: list[Where]) -> None:
        self.session, self.here = session, here

    def total(self, table: Any, patient_id: InstrumentedAttribute[Any], where: Sequence[Where]) -> int:
        query = select(func.count()).select_from(table).join(Patient, Patient.id == patient_id)
        return self.session.scalar(query.where(*self.here, *where)) or 0

    def rows(
        self,
        table: Any,
        patient_id: InstrumentedAttribute[Any],
        where: Sequence[Where],
        shown: Callable[[Any], tuple[datetime | date, str]],
    ) -> tuple[Row, ...]:
        query = select(table, Patient).join(Patient, Patient.id == patient_id).where(*self.here, *where)
        found = self.session.execute(query.order_by(table.id.desc()).limit(MOST)).all()
        return tuple(Row(patient, *shown(each)) for each, patient in found)

    def count(
        self,
        key: str,
        table: Any,
        patient_id: InstrumentedAttribute[Any],
        where: Sequence[Where],
        shown: Callable[[Any], tuple[datetime | date, str]],
    ) -> Number:
        total = self.total(table, patient_id, where)
        return Number(key, str(total), self.rows(table, patient_id, where, shown) if total else (), total)

    def percent(self, key: str, part: int, whole: int, others: Number) -> Number:
        return Number(key, f"{100 * part / whole:.1f} %" if whole else "", others.rows, others.total)


def _people(asked: _Asked) -> list[Number]:
    left = [Patient.status.in_(("withdrawn", "died"))]
    found = []
    for key, where in (("enrolled", []), ("left", left)):
        query = select(Patient).where(*asked.here, *where)
        total = asked.session.scalar(select(func.count()).select_from(query.subquery())) or 0
        rows = asked.session.scalars(query.order_by(Patient.id.desc()).limit(MOST))
        shown = tuple(Row(each, each.ended_at or each.enrolled_on, each.status) for each in rows)
        found.append(Number(key, str(total), shown, total))
    return found


def _cases(asked: _Asked) -> list[Number]:
    red = Alert.severity == Level.RED
    alerts = asked.session.execute(
        select(Alert, Patient).join(Patient, Patient.id == Alert.patient_id).where(red, *asked.here).order_by(Alert.id)
    ).all()
    taken = [(each, who, each.acknowledged_at - each.reported_at) for each, who in alerts if each.acknowledged_at]
    paged = [(each, who, each.first_paged_at - each.reported_at) for each, who in alerts if each.first_paged_at]
    ended = [(each, who, each.outcome_at - each.reported_at) for each, who in alerts if each.outcome_at]
    slow = [one for one in taken if one[2] > PROMISE]
    still = [(each, who) for each, who in alerts if each.status == AlertStatus.OPEN]

    def waits(key: str, value: str, found: Sequence[tuple[Alert, Patient, timedelta]]) -> Number:
        rows = [Row(who, each.reported_at, f"{each.case} {_minutes([wait])}") for each, who, wait in found[::-1]]
        return Number(key, value, tuple(rows[:MOST]), len(rows))

    def plain(key: str, found: Sequence[Any]) -> Number:
        rows = [Row(who, each.reported_at, f"{each.case} {each.outcome or each.status}") for each, who in found[::-1]]
        return Number(key, str(len(rows)), tuple(rows[:MOST]), len(rows))

    return [
        plain("red_cases", alerts),
        waits("to_page", _minutes([wait for *_, wait in paged]), paged),
        waits("to_human", _minutes([wait for *_, wait in taken]), taken),
        asked.percent("in_15_minutes", len(taken) - len(slow), len(alerts), waits("", "", slow)),
        waits("to_outcome", _minutes([wait for *_, wait in ended]), ended),
        plain("nobody_yet", still),
    ]


def _minutes(waits: Sequence[timedelta]) -> str:
    if not waits:
        return ""
    return f"{median(wait.total_seconds() for wait in waits) / 60:.1f} min"


def _answers(asked: _Asked) -> list[Number]:
    over = (OccasionStatus.ANSWERED, OccasionStatus.MISSED)
    counts: dict[str, dict[str, int]] = {}
    for questionnaire, status, number in asked.session.execute(
        select(Occasion.questionnaire, Occasion.status, func.count())
        .join(Patient, Patient.id == Occasion.patient_id)
        .where(Occasion.status.in_(over), *asked.here)
        .group_by(Occasion.questionnaire, Occasion.status)
        .order_by(Occasion.questionnaire)
    ):
        counts.setdefault(questionnaire, {})[status] = number
    found = []
    for questionnaire, by_status in counts.items():
        missed = [Occasion.status == OccasionStatus.MISSED, Occasion.questionnaire == questionnaire]
        rows = asked.count("", Occasion, Occasion.patient_id, missed, lambda each: (each.for_date, each.status))
        answered = by_status.get(OccasionStatus.ANSWERED, 0)
        found.append(asked.percent(f"answered_{questionnaire}", answered, sum(by_status.values()), rows))
    return found


def _visits(asked: _Asked, now: datetime) -> list[Number]:
    alone = Visit.merged_into.is_(None)
    done = and_(Visit.status == VisitStatus.COMPLETED, alone)
    day = func.coalesce(Visit.completed_on, Visit.date)
    outside = ~day.between(Visit.window_start, Visit.window_end)
    held = asked.total(Visit, Visit.patient_id, [done])

    def shown(visit: Visit) -> tuple[date, str]:
        return visit.completed_on or visit.date, visit.code

    strays = asked.count("", Visit, Visit.patient_id, [done, outside], shown)
    yesterday = (now - timedelta(days=1)).date()  # over everywhere on earth, whatever the patient's zone
    late = [alone, NOT_OVER, Visit.window_end <= yesterday, Visit.date <= yesterday]
    return [
        asked.percent("visits_inside", held - strays.total, held, strays),
        asked.count("visits_missed", Visit, Visit.patient_id, [Visit.status == VisitStatus.MISSED, alone], shown),
        asked.count("visits_late", Visit, Visit.patient_id, late, shown),
        asked.count(
            "deviations",
            Deviation,
            Deviation.patient_id,
            [],
            lambda each: (each.created_at, f"{each.kind} {each.days_outside:+d} d: {each.reason}"),
        ),
    ]


def _corrected() -> Where:
    later = select(Reading.corrects_id).where(Reading.corrects_id.is_not(None))
    return Reading.id.in_(later)
