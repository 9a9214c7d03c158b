"""A patient's visits as plain values: read once, changed in memory by a diff of the calendar, written in one go."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from sqlalchemy import String, bindparam, cast, select
from sqlalchemy.orm import Session

from service.models import Patient, Visit
from service.use_cases import bulk
from workflows.protocol import StudyDesign
from workflows.replanning import HELD, Diff, is_plan_flag
from workflows.visit_calendar import PlannedVisit
from workflows.visits import OPEN, VisitStatus

NOT_PLANNED, ENDED = "no_longer_planned", "ended"


@dataclass(slots=True)
class VisitRow:
    """A visit's row. Forty mapped objects take longer to make than the database takes to find the rows.

    `was`: what the row holds of the columns that may change. `ends_study` is the design's, and no column.
    """

    id: int
    patient_id: int
    site_id: int
    code: str
    version_id: int
    anchor: str
    setting: str
    status: str
    date: dt.date
    window_start: dt.date
    window_end: dt.date
    projected: bool
    merged_into: str | None
    booked_at: datetime | None
    confirmed_at: datetime | None
    completed_on: dt.date | None
    sequence: int
    updated_at: datetime
    label: dict[str, str]
    flags: list[str]
    was: tuple[Any, ...] = field(default=(), repr=False)
    ends_study: bool = False

    @property
    def scheduled(self) -> bool:
        """Whether a plan knows it."""
        return self.anchor != ""


NAMES = tuple(VisitRow.__dataclass_fields__)[:-2]
CHANGEABLE = NAMES[5:]
ADDED = (
    "code", "anchor", "setting", "date", "window_start", "window_end", "projected", "merged_into", "label", "flags",
)  # fmt: skip
_changeable, _added = attrgetter(*CHANGEABLE), attrgetter(*ADDED)
ROWS = bulk.table_of(Visit).c
VISITS = (
    select(*(ROWS[name] for name in NAMES[:-2]), cast(ROWS.label, String), cast(ROWS.flags, String))
    .where(ROWS.patient_id == bindparam("patient"))
    .order_by(ROWS.date, ROWS.id)
)


def as_row(values: bulk.Values) -> VisitRow:
    """A row of VISITS."""
    row = VisitRow(*values[:-2], _read_json(values[-2]), list(_read_json(values[-1])))  # type: ignore[call-arg]
    row.was = _changeable(row)
    return row


@lru_cache(maxsize=4096)  # the visits of all patients have the names and flags of one protocol
def _read_json(text: str) -> Any:
    return json.loads(text)


def write(writes: bulk.Writes, rows: Iterable[VisitRow]) -> None:
    """What has changed in `rows` since they were read, in the columns that any of them changed."""
    changed = [row for row in rows if _changeable(row) != row.was]
    if not changed:
        return
    was, now = zip(*(row.was for row in changed)), zip(*map(_changeable, changed))
    columns = {name: new for name, old, new in zip(CHANGEABLE, was, now, strict=True) if old != new}
    values = list(zip((row.id for row in changed), *columns.values(), strict=True))
    writes.update(Visit, ("id", *columns), values, versions=[row.version_id for row in changed])
    for row in changed:
        row.was, row.version_id = _changeable(row), row.version_id + 1


def apply(
    session: Session, patient: Patient, diff: Diff, rows: dict[str, VisitRow], *, now: datetime
) -> list[VisitRow]:
    """The diff in the rows by code: rewritten, cancelled, back again; held visits get the plan's sentence.

    What was not there is added, and returned: it has its numbers at once.
    """
    new = [_new_row(patient, one, now) for one in diff.added if one.code not in rows]
    for again in (one for one in diff.added if one.code in rows):
        _bring_back(rows[again.code], again, now)
    _rewrite(diff, rows, now)
    for code in diff.removed:
        gone = rows[code]
        gone.status, gone.updated_at = VisitStatus.CANCELLED.value, now
        gone.flags = [*gone.flags, NOT_PLANNED]
        gone.sequence += 1
    why = {one.code: one.why for one in diff.flagged}
    for code, held in rows.items():
        if held.status in HELD:
            flags = [flag for flag in held.flags if not is_plan_flag(flag)] + ([why[code]] if code in why else [])
            if flags != held.flags:
                held.flags = flags
    if new:
        same = {"patient_id": patient.id, "site_id": patient.site_id, "status": new[0].status, "updated_at": now}
        numbers = bulk.insert_rows(session, Visit, ADDED, [_added(row) for row in new], same, key="code")
        for row in new:
            row.id, row.was = numbers[row.code], _changeable(row)
    return new


def rename(design: StudyDesign, visits: Iterable[VisitRow], *, now: datetime) -> None:
    """Visits that are still to come are called, and take place, as the protocol says now."""
    for visit in visits:
        if visit.status in OPEN and design.has_encounter(visit.code):
            encounter = design.encounter(visit.code)
            if visit.label != encounter.label or visit.setting != encounter.setting:
                visit.label, visit.setting = dict(encounter.label), str(encounter.setting)
                visit.updated_at = now
                visit.sequence += 1


def _rewrite(diff: Diff, rows: dict[str, VisitRow], now: datetime) -> None:
    """A feed's SEQUENCE rises where the day moves, or the visit becomes part of another appointment or leaves it."""
    moved = {one.code for one in diff.moved}
    for one in diff.rewritten:
        visit = rows[one.code]
        visit.sequence += one.code in moved or visit.merged_into != one.merged_into
        _take_plan(visit, one, now)


def _bring_back(visit: VisitRow, one: PlannedVisit, now: datetime) -> None:
    visit.label, visit.setting, visit.status = dict(one.label), str(one.setting), VisitStatus.PLANNED.value
    visit.booked_at = visit.confirmed_at = visit.completed_on = None
    visit.sequence += 1
    _take_plan(visit, one, now)


def _take_plan(visit: VisitRow, one: PlannedVisit, now: datetime) -> None:
    visit.date, visit.window_start, visit.window_end = one.date, one.window_start, one.window_end
    visit.anchor, visit.projected, visit.merged_into = one.anchor, one.projected, one.merged_into
    visit.flags, visit.updated_at = list(one.flags), now


def _new_row(patient: Patient, one: PlannedVisit, now: datetime) -> VisitRow:
    return VisitRow(
        id=0,
        patient_id=patient.id,
        site_id=patient.site_id,
        code=one.code,
        version_id=1,
        anchor=one.anchor,
        setting=str(one.setting),
        status=VisitStatus.PLANNED.value,
        date=one.date,
        window_start=one.window_start,
        window_end=one.window_end,
        projected=one.projected,
        merged_into=one.merged_into,
        booked_at=None,
        confirmed_at=None,
        completed_on=None,
        sequence=0,
        updated_at=now,
        label=dict(one.label),
        flags=list(one.flags),
    )
