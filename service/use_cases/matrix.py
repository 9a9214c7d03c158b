"""Patients x visits: where each stands. Queries only; the words are the page's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from service.models import Patient, Study, Visit
from service.use_cases import conflicts
from workflows.conflicts import Clash
from workflows.visits import VisitStatus, is_due, is_late

MOST = 40
SHOWN = (
    Visit.patient_id, Visit.site_id, Visit.code, Visit.setting, Visit.status, Visit.date, Visit.window_start,
    Visit.window_end, Visit.projected, Visit.merged_into, Visit.booked_at, Visit.completed_on,
)  # fmt: skip


class State(StrEnum):
    """What a cell shows. `LATE` and `DUE` are derived from the date; `PROJECTED` hangs on a date not yet known."""

    COMPLETED = "completed"
    LATE = "late"
    DUE = "due"
    BOOKED = "booked"
    PLANNED = "planned"
    PROJECTED = "projected"
    MISSED = "missed"
    CANCELLED = "cancelled"
    MERGED = "merged"


@dataclass(frozen=True)
class Cell:
    """One visit of one patient. `days` from today to its date (past: negative); `past_window` days after its window.

    `clashes`: what is in its way.
    """

    visit: Visit
    state: State
    days: int
    past_window: int
    clashes: tuple[Clash, ...] = ()


@dataclass(frozen=True)
class Line:
    patient: Patient
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Grid:
    """`codes` are the columns, in protocol order; a cell is None where a patient has no such visit.

    `more`: further patients are on the next page.
    """

    study: Study
    codes: tuple[str, ...]
    lines: tuple[Line, ...]
    more: bool = False


def state_of(visit: Visit, today: date) -> State:
    """What a visit is on a local day."""
    if visit.status in (VisitStatus.COMPLETED, VisitStatus.MISSED, VisitStatus.CANCELLED):
        return State(visit.status)
    if visit.merged_into:
        return State.MERGED
    if is_late(visit, today):
        return State.LATE
    if is_due(visit, today):
        return State.DUE
    if visit.status == VisitStatus.BOOKED:
        return State.BOOKED
    return State.PROJECTED if visit.projected else State.PLANNED


def cell_of(visit: Visit, today: date, clashes: Sequence[Clash] = ()) -> Cell:
    """The cell of one visit."""
    past = max(0, (today - visit.window_end).days)
    return Cell(visit, state_of(visit, today), (visit.date - today).days, past, tuple(clashes))


def grids(session: Session, *, site_id: int | None, now: datetime, page: int = 1) -> tuple[Grid, ...]:
    """One grid a study, of a site or of all sites; `MOST` patients a page, by code."""
    return tuple(
        grid
        for study in session.scalars(select(Study).order_by(Study.code))
        if (grid := _grid(session, study, site_id, now, page)).lines
    )


def _grid(session: Session, study: Study, site_id: int | None, now: datetime, page: int) -> Grid:
    where = [Patient.study_id == study.id] + ([Patient.site_id == site_id] if site_id else [])
    query = select(Patient).where(*where).order_by(Patient.code).offset((page - 1) * MOST).limit(MOST + 1)
    patients = list(session.scalars(query))
    more = len(patients) > MOST
    del patients[MOST:]
    visits: dict[int, dict[str, Visit]] = {}
    order: dict[str, None] = {}
    rows = session.scalars(
        select(Visit)
        .where(Visit.patient_id.in_([each.id for each in patients]))
        .options(load_only(*SHOWN))
        .order_by(Visit.id)
    ).all()
    for visit in rows:
        visits.setdefault(visit.patient_id, {})[visit.code] = visit
        order.setdefault(visit.code)
    codes = tuple(order)
    soon = now.date() + conflicts.AHEAD
    clashes = conflicts.of_visits(session, rows, today=now.date(), full_until=soon)
    lines = []
    for patient in patients:
        today = now.astimezone(ZoneInfo(patient.timezone)).date()
        mine = visits.get(patient.id, {})
        there = [mine.get(code) for code in codes]
        cells = (cell_of(each, today, clashes.get(each.id, ())) if each is not None else None for each in there)
        lines.append(Line(patient, tuple(cells)))
    return Grid(study, codes, tuple(lines), more)
