"""What must be done now, sorted by consequence: the rows of the page "Today". Queries only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, ColumnElement, literal_column, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload, load_only, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from service.models import Alert, Observation, Occasion, Patient, Site, Staff, Task, TriageHit, Visit
from service.use_cases import observations, studies, tell_doctor
from workflows.alerts import AlertStatus
from workflows.occasions import OccasionStatus
from workflows.protocol import LEVELS, Level
from workflows.visits import is_late

LIMIT = 200
WAITING = ("open", "seen")
# A literal, so that the partial index serves it.
NOT_OVER: ColumnElement[bool] = literal_column("visit.status IN ('planned', 'booked')", Boolean)
LEVELS_FROM = timedelta(days=14)  # an older level says nothing of today's dose: levels are weekly
SAME_CAUSE = timedelta(hours=1)  # a task and the rules that opened it are written within one handling


@dataclass(frozen=True)
class CaseRow:
    """An alert that is not closed; `owner` took it, None: nobody yet."""

    alert: Alert
    owner: Staff | None
    hits: tuple[TriageHit, ...] = ()


@dataclass(frozen=True)
class TaskRow:
    """A task that is not done, with the rules' hits that opened it (why it is here)."""

    task: Task
    hits: tuple[TriageHit, ...] = ()
    overdue: bool = False


@dataclass(frozen=True)
class VisitRow:
    """A visit that is due: `late` past its window, `overdue` past its date with the window still open.

    `days_left` counts the days to the window's end (negative: past it); `with_it` are the codes held on the same day,
    `also_late` the codes of the patient's other visits that are past their windows (one row a patient).
    `dates` names the anchor that the visit dates: other visits move with it when it is held on another day.
    """

    visit: Visit
    today: date
    late: bool
    overdue: bool
    days_left: int
    with_it: tuple[str, ...] = ()
    also_late: tuple[str, ...] = ()
    dates: str = ""


@dataclass(frozen=True)
class SilentRow:
    """Patients who gave no answer for `day` to a questionnaire: `missed` for good, or still expected."""

    questionnaire: str
    day: date
    missed: bool
    patients: tuple[Patient, ...]


@dataclass(frozen=True)
class LevelRow:
    """A patient's newest cyclosporine level when it is outside the protocol's target `low`..`high` (ng/mL); `told`: the
    doctor who was told, and when."""

    level: Observation
    patient: Patient
    low: Decimal
    high: Decimal
    above: bool
    told: tuple[Staff, datetime] | None = None


@dataclass(frozen=True)
class Worklist:
    """Open cases, then what cannot wait, then the day."""

    cases: tuple[CaseRow, ...]
    now: tuple[TaskRow | VisitRow, ...]
    today: tuple[TaskRow | VisitRow | SilentRow | LevelRow, ...]
    more_tasks: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.cases or self.now or self.today)


def today(session: Session, *, site_id: int | None, now: datetime) -> Worklist:
    """The worklist of a site, or of all (`site_id` None)."""
    # Held here, a patient's site costs no statement of its own.
    sites = session.scalars(select(Site).where(*([Site.id == site_id] if site_id else []))).all()
    cases = _cases(session, site_id)
    tasks, more = _tasks(session, site_id, now)
    pressing = (Level.RED, Level.AMBER)
    urgent: list[TaskRow | VisitRow] = [row for row in tasks if row.task.level in pressing]
    later: list[TaskRow | VisitRow | SilentRow | LevelRow] = [row for row in tasks if row.task.level not in pressing]
    for site in sites:
        local = now.astimezone(ZoneInfo(site.timezone)).date()
        visits = _visits(session, site, local)
        urgent += [row for row in visits if row.late]
        later += [row for row in visits if not row.late]
        later += _levels(session, site.id, local)
        later += _silent(session, site.id, local)
    return Worklist(cases, tuple(urgent), tuple(later), more)


def _here(column: InstrumentedAttribute[Any], site_id: int | None) -> list[ColumnElement[bool]]:
    return [] if site_id is None else [or_(column == site_id, column.is_(None))]


def _cases(session: Session, site_id: int | None) -> tuple[CaseRow, ...]:
    alerts = session.scalars(
        select(Alert)
        .where(Alert.status.in_([AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED]), *_here(Alert.site_id, site_id))
        .options(joinedload(Alert.patient))
        .order_by(Alert.opened_at, Alert.id)
        .limit(LIMIT)
    ).all()
    owners = staff_by_id(session, (alert.acknowledged_by_id for alert in alerts))
    hits: dict[int, list[TriageHit]] = {}
    of_alerts = select(TriageHit).where(TriageHit.alert_id.in_([alert.id for alert in alerts])).order_by(TriageHit.id)
    for hit in session.scalars(of_alerts) if alerts else ():
        hits.setdefault(hit.alert_id or 0, []).append(hit)
    rows = [
        CaseRow(alert, owners.get(alert.acknowledged_by_id or 0), tuple(hits.get(alert.id, ()))) for alert in alerts
    ]
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                row.alert.status != AlertStatus.OPEN,
                -LEVELS.index(Level(row.alert.severity)),
                row.alert.opened_at,
            ),
        )
    )


def _tasks(session: Session, site_id: int | None, now: datetime) -> tuple[list[TaskRow], int]:
    tasks = session.scalars(
        select(Task)
        .where(Task.status.in_(WAITING), *_here(Task.site_id, site_id))
        .options(joinedload(Task.patient))
        .order_by(Task.due_at.is_(None), Task.due_at, Task.id)
        .limit(LIMIT + 1)
    ).all()
    hits = _hits_of(session, tasks)
    levels = {Level.RED: 0, Level.AMBER: 1}
    far = datetime.max.replace(tzinfo=now.tzinfo)
    rows = [
        TaskRow(task, tuple(hits.get(task.id, ())), task.due_at is not None and task.due_at < now)
        for task in tasks[:LIMIT]
    ]
    rows.sort(key=lambda row: (levels.get(Level(row.task.level), 2), row.task.due_at or far, row.task.id))
    return rows, max(0, len(tasks) - LIMIT)


def tasks_of(session: Session, patient: Patient, *, now: datetime) -> list[TaskRow]:
    """What waits to be done for one patient."""
    tasks = session.scalars(
        select(Task).where(Task.patient_id == patient.id, Task.status.in_(WAITING)).order_by(Task.due_at, Task.id)
    ).all()
    hits = _hits_of(session, tasks)
    return [
        TaskRow(task, tuple(hits.get(task.id, ())), task.due_at is not None and task.due_at < now) for task in tasks
    ]


def _hits_of(session: Session, tasks: Iterable[Task]) -> dict[int, list[TriageHit]]:
    wanted = [task for task in tasks if task.rules and task.patient_id]
    if not wanted:
        return {}
    oldest = min(task.created_at for task in wanted) - SAME_CAUSE
    found: dict[int, list[TriageHit]] = {}
    rows = session.scalars(
        select(TriageHit)
        .where(TriageHit.patient_id.in_({task.patient_id for task in wanted}), TriageHit.created_at >= oldest)
        .order_by(TriageHit.id)
    ).all()
    for task in wanted:
        for hit in rows:
            near = abs(hit.created_at - task.created_at) <= SAME_CAUSE
            if hit.patient_id == task.patient_id and hit.rule_id in task.rules and near:
                found.setdefault(task.id, []).append(hit)
    return found


def _visits(session: Session, site: Site, local: date) -> list[VisitRow]:
    rows = session.scalars(
        select(Visit)
        .where(Visit.site_id == site.id, Visit.date <= local, NOT_OVER)
        .options(selectinload(Visit.patient))
        .order_by(Visit.booked_at.is_(None), Visit.booked_at, Visit.date, Visit.id)
        .limit(LIMIT * 2)
    ).all()
    together: dict[tuple[int, str], list[str]] = {}
    for visit in rows:
        set_committed_value(visit.patient, "site", site)  # it is in hand: no statement for it
        if visit.merged_into:
            together.setdefault((visit.patient_id, visit.merged_into), []).append(visit.code)
    found = [
        VisitRow(
            visit,
            today=local,
            late=is_late(visit, local),
            overdue=visit.date < local,
            days_left=(visit.window_end - local).days,
            with_it=tuple(together.get((visit.patient_id, visit.code), ())),
            dates=_anchor_of(session, visit),
        )
        for visit in rows
        if not visit.merged_into
    ]
    found.sort(key=lambda row: (not row.late, not row.overdue, row.visit.booked_at is None))
    return _one_late_row_a_patient(found)[:LIMIT]


def _anchor_of(session: Session, visit: Visit) -> str:
    design = studies.design_for(session, visit.patient)
    return next((anchor.name for anchor in design.anchors if anchor.recorded_by == visit.code), "")


def _one_late_row_a_patient(rows: list[VisitRow]) -> list[VisitRow]:
    """Of several visits past their windows the newest stands for all: it is the one to act on."""
    late: dict[int, list[VisitRow]] = {}
    for row in rows:
        if row.late:
            late.setdefault(row.visit.patient_id, []).append(row)
    newest = [
        replace(mine[-1], also_late=tuple(each.visit.code for each in mine[:-1]))
        for group in late.values()
        for mine in [sorted(group, key=lambda row: (row.visit.date, row.visit.id))]
    ]
    return newest + [row for row in rows if not row.late]


def _levels(session: Session, site_id: int, local: date) -> list[LevelRow]:
    outside: list[tuple[Patient, Observation, tuple[Decimal, Decimal]]] = []
    for patient, level in observations.newest_levels(session, site_id, since=local - LEVELS_FROM):
        band = observations.band_of(studies.design_for(session, patient))
        if band is not None and not band[0] <= Decimal(level.value) <= band[1]:
            outside.append((patient, level, band))
    told = tell_doctor.told(session, [level.id for _patient, level, _band in outside]) if outside else {}
    return [
        LevelRow(level, patient, *band, above=Decimal(level.value) > band[1], told=told.get(level.id))
        for patient, level, band in outside
    ]


def _silent(session: Session, site_id: int, local: date) -> list[SilentRow]:
    since = local - timedelta(days=1)
    rows = session.scalars(
        select(Occasion)
        .where(
            Occasion.site_id == site_id,
            Occasion.for_date.between(since, local),
            Occasion.status.in_([OccasionStatus.MISSED, OccasionStatus.LATE, OccasionStatus.OPEN]),
        )
        .options(
            load_only(Occasion.patient_id, Occasion.questionnaire, Occasion.for_date, Occasion.status),
            joinedload(Occasion.patient).load_only(Patient.code),
        )
        .order_by(Occasion.for_date, Occasion.patient_id)
    ).all()
    groups: dict[tuple[date, str, bool], list[Patient]] = {}
    for occasion in rows:
        missed = occasion.status == OccasionStatus.MISSED
        groups.setdefault((occasion.for_date, occasion.questionnaire, missed), []).append(occasion.patient)
    return [
        SilentRow(questionnaire, day, missed, tuple(patients))
        for (day, questionnaire, missed), patients in sorted(groups.items(), key=lambda each: each[0][:2])
    ]


def staff_by_id(session: Session, ids: Iterable[int | None]) -> dict[int, Staff]:
    """People by id; unknown ids are left out."""
    wanted = {each for each in ids if each}
    if not wanted:
        return {}
    return {person.id: person for person in session.scalars(select(Staff).where(Staff.id.in_(wanted)))}
