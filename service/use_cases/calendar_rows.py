"""A diff of the calendar written into its rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.models import Patient, Visit
from service.use_cases import bulk
from workflows.protocol import StudyDesign
from workflows.replanning import HELD, Diff, is_plan_flag
from workflows.visit_calendar import PlannedVisit
from workflows.visits import OPEN, VisitStatus

NOT_PLANNED, ENDED = "no_longer_planned", "ended"


def apply(session: Session, patient: Patient, diff: Diff, rows: dict[str, Visit], *, now: datetime) -> None:
    """Write the diff into the rows by code: added, rewritten, cancelled; held visits get the plan's sentence."""
    bulk.insert_rows(session, Visit, [_new_row(patient, one, now) for one in diff.added if one.code not in rows])
    for again in (one for one in diff.added if one.code in rows):
        visit = rows[again.code]
        for name, value in _new_row(patient, again, now).items():
            setattr(visit, name, value)
        visit.booked_at = visit.confirmed_at = visit.completed_on = None
        visit.sequence += 1
    _rewrite(session, diff, rows, now)
    _remove(session, diff, rows, now)
    why = {one.code: one.why for one in diff.flagged}
    for code, held in rows.items():
        if held.status in HELD:
            flags = [flag for flag in held.flags if not is_plan_flag(flag)] + ([why[code]] if code in why else [])
            if flags != held.flags:
                held.flags = flags


def rename(design: StudyDesign, visits: Iterable[Visit], *, now: datetime) -> None:
    """Visits that are still to come are called, and take place, as the protocol says now."""
    for visit in visits:
        if visit.status in OPEN and design.has_encounter(visit.code):
            encounter = design.encounter(visit.code)
            label, setting = dict(encounter.label), str(encounter.setting)
            if (visit.label, visit.setting) != (label, setting):
                visit.label, visit.setting, visit.updated_at = label, setting, now
                visit.sequence += 1


def _rewrite(session: Session, diff: Diff, rows: dict[str, Visit], now: datetime) -> None:
    """A feed's SEQUENCE rises where the day moves, or the visit becomes part of another appointment or leaves it."""
    moved = {one.code for one in diff.moved}
    there = [rows[one.code] for one in diff.rewritten]
    fresh = [
        {
            "id": visit.id,
            "date": one.date,
            "window_start": one.window_start,
            "window_end": one.window_end,
            "anchor": one.anchor,
            "projected": one.projected,
            "merged_into": one.merged_into,
            "flags": list(one.flags),
            "updated_at": now,
            "sequence": visit.sequence + (one.code in moved or visit.merged_into != one.merged_into),
        }
        for visit, one in zip(there, diff.rewritten, strict=True)
    ]
    bulk.update_rows(session, Visit, fresh, versions=[visit.version_id for visit in there])


def _remove(session: Session, diff: Diff, rows: dict[str, Visit], now: datetime) -> None:
    there = [rows[code] for code in diff.removed]
    gone = [
        {
            "id": visit.id,
            "status": VisitStatus.CANCELLED.value,
            "updated_at": now,
            "flags": [*visit.flags, NOT_PLANNED],
            "sequence": visit.sequence + 1,
        }
        for visit in there
    ]
    bulk.update_rows(session, Visit, gone, versions=[visit.version_id for visit in there])


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
