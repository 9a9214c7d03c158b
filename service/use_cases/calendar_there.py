"""A patient's calendar as it lies in the database, read in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.models import AnchorDate, Message, Occasion, Patient, Reminder, Site, Timer, Visit
from service.use_cases import bulk, calendar_frame
from service.use_cases.appointments import ABOUT_VISITS
from service.use_cases.calendar_frame import HOLD, PLACE, Frame, Place
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


def look(
    session: Session, patient: Patient, *, now: datetime, hold: bool = False, only_plan: bool = False
) -> tuple[Frame, There]:
    """A calendar's frame, and what is there. `hold`: the patient's row is taken first, as `calendar_frame.lock` does.
    `only_plan`: of what is there, only anchors and visits.
    """
    if hold:
        session.flush()
    else:
        bulk.flush_of(session, Patient, Site, AnchorDate, Visit, Reminder, Message, Occasion, Timer)
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    asked = (*((HOLD,) if hold else ()), PLACE, ANCHORS, VISITS, *(() if only_plan else OTHERS))
    answers = bulk.read(session, asked, {"patient": patient.id, "today": today})
    (place,), *others = answers[1:] if hold else answers  # what waited for the row sees what the other has written
    found = Place(*place)
    calendar_frame.bring_in_line(session, patient, found.version_id)
    frame = calendar_frame.frame_of(session, patient, found, now=now)
    if frame.today != today:  # the patient has moved to another zone meanwhile
        return look(session, patient, now=now, hold=hold, only_plan=only_plan)
    return frame, _there(*others)


def read_plan(session: Session, patient: Patient) -> There:
    """Only what the plan hangs on: anchors and visits."""
    bulk.flush_of(session, AnchorDate, Visit)
    return _there(*bulk.read(session, (ANCHORS, VISITS), {"patient": patient.id}))


def _there(anchors: Sequence[bulk.Values], visits: Sequence[bulk.Values], *others: Sequence[bulk.Values]) -> There:
    return There({row[1]: AnchorRow(*row) for row in anchors}, list(map(as_row, visits)), *others)
