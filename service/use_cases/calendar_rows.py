"""A diff of the calendar written into its rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from service.models import Patient, Visit
from workflows.replanning import HELD, Diff, is_plan_flag
from workflows.visit_calendar import PlannedVisit
from workflows.visits import VisitStatus

NOT_PLANNED, ENDED = "no_longer_planned", "ended"


def apply(session: Session, patient: Patient, diff: Diff, rows: dict[str, Visit], *, now: datetime) -> None:
    """Write the diff into the rows by code: added, rewritten, cancelled; held visits get the plan's sentence."""
    fresh = [_new_row(patient, one, now) for one in diff.added if one.code not in rows]
    if fresh:
        session.execute(insert(Visit), fresh)
    for again in (one for one in diff.added if one.code in rows):
        visit = rows[again.code]
        for name, value in _new_row(patient, again, now).items():
            setattr(visit, name, value)
        visit.booked_at = visit.confirmed_at = visit.completed_on = None
        visit.sequence += 1
    moved = {one.code for one in diff.moved}
    for one in diff.rewritten:
        visit = rows[one.code]
        visit.date, visit.window_start, visit.window_end = one.date, one.window_start, one.window_end
        visit.anchor, visit.projected, visit.merged_into = one.anchor, one.projected, one.merged_into
        visit.flags, visit.updated_at = list(one.flags), now
        visit.sequence += one.code in moved
    for code in diff.removed:
        visit = rows[code]
        visit.status, visit.updated_at = VisitStatus.CANCELLED.value, now
        visit.flags = [*visit.flags, NOT_PLANNED]
        visit.sequence += 1
    why = {one.code: one.why for one in diff.flagged}
    for code, held in rows.items():
        if held.status in HELD:
            flags = [flag for flag in held.flags if not is_plan_flag(flag)] + ([why[code]] if code in why else [])
            if flags != held.flags:
                held.flags = flags


def _new_row(patient: Patient, one: PlannedVisit, now: datetime) -> dict[str, Any]:
    return {
        "patient_id": patient.id,
        "site_id": patient.site_id,
        "code": one.code,
        "label": dict(one.label),
        "anchor": one.anchor,
        "setting": str(one.setting),
        "status": VisitStatus.PLANNED.value,
        "date": one.date,
        "window_start": one.window_start,
        "window_end": one.window_end,
        "projected": one.projected,
        "merged_into": one.merged_into,
        "flags": list(one.flags),
        "updated_at": now,
    }
