"""A patient's calendar as it lies in the database, read in one go once the patient's row is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.models import AnchorDate, Message, Occasion, Patient, Reminder, Timer, Visit
from service.use_cases import bulk
from service.use_cases.appointments import ABOUT_VISITS
from service.use_cases.calendar_questions import FROM_TODAY
from service.use_cases.calendar_reminders import REMINDERS
from service.use_cases.calendar_rows import VISITS, VisitRow, as_row
from service.use_cases.calendar_stops import WAITING


class AnchorRow(NamedTuple):
    """An anchor's dates as they are stored; `id` 0: not yet."""

    id: int
    name: str
    planned_date: date | None
    actual_date: date | None
    actual_time: str | None
    recorded_at: datetime
    recorded_by: str


ROWS = bulk.table_of(AnchorDate).c
ANCHORS = select(*(ROWS[name] for name in AnchorRow._fields)).where(ROWS.patient_id == bindparam("patient"))
OTHERS = (REMINDERS, ABOUT_VISITS, FROM_TODAY, WAITING)


@dataclass
class There:
    """Visits by date, anchors with dates of their own by name; the others as their modules read them."""

    anchors: dict[str, AnchorRow]
    visits: list[VisitRow] = field(default_factory=list)
    reminders: Sequence[bulk.Values] = ()
    told: Sequence[bulk.Values] = ()
    questions: Sequence[bulk.Values] = ()
    stops: Sequence[bulk.Values] = ()


def read(session: Session, patient: Patient, *, today: date) -> There:
    """Everything; `today` where the patient lives."""
    bulk.flush_of(session, AnchorDate, Visit, Reminder, Message, Occasion, Timer)
    given = {"patient": patient.id, "today": today}
    anchors, visits, *others = bulk.read(session, (ANCHORS, VISITS, *OTHERS), given)
    return There({row[1]: AnchorRow(*row) for row in anchors}, list(map(as_row, visits)), *others)


def read_plan(session: Session, patient: Patient) -> There:
    """Only what the plan hangs on: anchors and visits."""
    bulk.flush_of(session, AnchorDate, Visit)
    anchors, visits = bulk.read(session, (ANCHORS, VISITS), {"patient": patient.id})
    return There({row[1]: AnchorRow(*row) for row in anchors}, list(map(as_row, visits)))
