"""Who answered which questions on which day, why not, and who is to be called today. Queries only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from service.models import Occasion, Patient, Site, Task
from workflows.occasions import OccasionStatus
from workflows.protocol import LEVELS, Level

DAYS = 14
MOST = 60
SHOWN = tuple(
    status.value for status in OccasionStatus if status not in (OccasionStatus.UPCOMING, OccasionStatus.CANCELLED)
)
NOT_ANSWERED = (OccasionStatus.MISSED, OccasionStatus.LATE)
CALLS = (
    "call_today", "call_and_next_of_kin", "silent", "recheck_silent", "watch_fever", "call_requested", "call_me",
    "unclear_answer", "undeliverable", "opted_out", "confirm_arrival", "weekly_event",
)  # fmt: skip


@dataclass(frozen=True)
class Day:
    """One questionnaire of one day. `was_late`: answered after its time."""

    occasion: Occasion
    was_late: bool


@dataclass(frozen=True)
class Line:
    """A patient's days in the order of the table's; None where nothing was due."""

    patient: Patient
    days: tuple[Day | None, ...]


@dataclass(frozen=True)
class Table:
    """One questionnaire: its days (newest last) and its patients, by code."""

    questionnaire: str
    days: tuple[date, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Call:
    """A patient to call today: the waiting tasks that say so, and the latest answers that are missing.

    `missing` are newest first: missed for good, or late and still open.
    """

    patient: Patient
    tasks: tuple[Task, ...]
    missing: tuple[Occasion, ...]


@dataclass(frozen=True)
class Answers:
    calls: tuple[Call, ...]
    tables: tuple[Table, ...]


def seen(session: Session, *, site_id: int | None, now: datetime) -> Answers:
    """The last `DAYS` days of a site's patients, or of all (`site_id` None): at most `MOST` patients, by code."""
    where = [Occasion.site_id == site_id] if site_id else []
    first = now.date() - timedelta(days=DAYS)
    chosen = select(Patient.id).order_by(Patient.code, Patient.id).limit(MOST)
    if site_id:
        chosen = chosen.where(Patient.site_id == site_id)
    rows = session.scalars(
        select(Occasion)
        .where(Occasion.for_date >= first, Occasion.status.in_(SHOWN), Occasion.patient_id.in_(chosen), *where)
        .options(joinedload(Occasion.patient).joinedload(Patient.site))
        .order_by(Occasion.for_date, Occasion.id)
    ).all()
    names = sorted({row.questionnaire for row in rows})
    tables = tuple(_table(name, [row for row in rows if row.questionnaire == name]) for name in names)
    return Answers(_calls(session, site_id, now), tables)


def _table(name: str, rows: Sequence[Occasion]) -> Table:
    days = tuple(sorted({row.for_date for row in rows}))
    found = {(row.patient_id, row.for_date): Day(row, _was_late(row)) for row in rows}
    patients = sorted({row.patient_id: row.patient for row in rows}.values(), key=lambda each: each.code)
    lines = (Line(each, tuple(found.get((each.id, day)) for day in days)) for each in patients)
    return Table(name, days, tuple(lines))


def _was_late(row: Occasion) -> bool:
    return row.answered_at is not None and row.answered_at > row.late_at


def _calls(session: Session, site_id: int | None, now: datetime) -> tuple[Call, ...]:
    """Those with the worst and oldest task first, then those who gave no answer since yesterday."""
    here = [Task.site_id == site_id] if site_id else []
    tasks: dict[int, list[Task]] = {}
    for task in session.scalars(
        select(Task)
        .where(Task.status.in_(("open", "seen")), Task.kind.in_(CALLS), Task.patient_id.is_not(None), *here)
        .order_by(Task.created_at, Task.id)
    ):
        tasks.setdefault(task.patient_id or 0, []).append(task)
    missing: dict[int, list[Occasion]] = {}
    for row in _missing(session, site_id, now):
        missing.setdefault(row.patient_id, []).append(row)
    patients = session.scalars(
        select(Patient)
        .where(Patient.id.in_({*tasks, *missing}))
        .options(joinedload(Patient.site))
        .order_by(Patient.code, Patient.id)
    )
    calls = [Call(each, tuple(tasks.get(each.id, ())), tuple(missing.get(each.id, ()))) for each in patients]
    return tuple(sorted(calls, key=lambda call: (-_worst(call.tasks), not call.tasks, call.patient.code)))


def _missing(session: Session, site_id: int | None, now: datetime) -> Iterable[Occasion]:
    sites = session.scalars(select(Site).where(*([Site.id == site_id] if site_id else []))).all()
    for site in sites:
        yesterday = now.astimezone(ZoneInfo(site.timezone)).date() - timedelta(days=1)
        yield from session.scalars(
            select(Occasion)
            .where(
                Occasion.site_id == site.id,
                Occasion.for_date >= yesterday,
                Occasion.status.in_([status.value for status in NOT_ANSWERED]),
            )
            .order_by(Occasion.for_date.desc(), Occasion.id)
        )


def _worst(tasks: Sequence[Task]) -> int:
    return max((LEVELS.index(Level(task.level)) for task in tasks), default=-1)
