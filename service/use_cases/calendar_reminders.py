"""Reminders as rows: they follow the visits; sent ones keep their history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from service.models import Patient, Reminder, Visit
from service.use_cases import appointments, bulk, sites, studies
from workflows.anchors import AnchorDate, resolve_anchors
from workflows.protocol import Setting, StudyDesign
from workflows.visit_calendar import PlannedVisit
from workflows.visit_reminders import ReminderDue, due_reminders
from workflows.visits import VisitStatus

PENDING, SENT, CANCELLED, SKIPPED = "pending", "sent", "cancelled", "skipped"
MISSED_ONLY = "missed"
ROWS = bulk.table_of(Reminder).c
REMINDERS = (
    select(ROWS.id, ROWS.visit_id, ROWS.key, ROWS.template, ROWS.due_at, ROWS.status)
    .where(ROWS.patient_id == bindparam("patient"))
    .order_by(ROWS.id)
)


@dataclass
class _Plan:
    """Rows to write, and what is counted."""

    late: datetime
    fresh: list[dict[str, Any]] = field(default_factory=list)
    retimed: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[dict[str, Any]] = field(default_factory=list)
    times: int = 0


def sync(
    session: Session,
    patient: Patient,
    *,
    moved: Collection[str] = (),
    now: datetime,
    visits: Sequence[Visit] | None = None,
    anchors: Mapping[str, AnchorDate] | None = None,
    is_first: bool = False,
) -> dict[str, int]:
    """Bring the waiting reminders in line with the visits: how many were cancelled, re-timed and added.

    A visit that moved after its reminder went out is reminded of again, at the new time. `visits` (all of the
    patient's) and `anchors` (resolved), where the caller has them in hand; `is_first`: there are no reminders.
    """
    from service.use_cases.calendar import recorded, visits_of

    design = studies.design_for(session, patient)
    if visits is None:
        visits = visits_of(session, patient)
    if anchors is None:
        anchors = resolve_anchors(design, recorded(session, patient, design=design, visits=visits), patient.timezone)
    there: dict[int, dict[str, Any]] = {}
    bulk.flush_of(session, Reminder)
    for row in () if is_first else session.connection().execute(REMINDERS, {"patient": patient.id}):
        there.setdefault(row.visit_id, {})[row.key] = row
    told = appointments.tell_moved(session, patient, [one for one in visits if one.code in moved], now=now)
    plan = _Plan(late=now)
    members: dict[str, list[str]] = {}
    for visit in visits:
        if visit.merged_into and visit.status != VisitStatus.CANCELLED:
            members.setdefault(visit.merged_into, []).append(visit.code)
    zone, hour = patient.timezone, sites.clinic_hour(patient.site)
    for visit in visits:
        due = _wanted(design, visit, members.get(visit.code, []), anchors, zone, hour)
        wanted = {one.key: one for one in due}
        rows = there.get(visit.id, {})
        for key, row in rows.items():
            if row.status == PENDING and key.split("#")[0] not in wanted:
                reason = f"the visit is {visit.status} or part of another"
                plan.cancelled.append({"id": row.id, "status": CANCELLED, "reason": reason})
        for one in wanted.values():
            _one(plan, patient, visit, one, rows, moved=visit.code in moved)
    bulk.update_rows(session, Reminder, plan.cancelled)
    bulk.update_rows(session, Reminder, plan.retimed)
    bulk.insert_rows(session, Reminder, plan.fresh)
    return {"cancelled": told + len(plan.cancelled), "retimed": plan.times, "added": len(plan.fresh)}


def _one(
    plan: _Plan, patient: Patient, visit: Visit, wanted: ReminderDue, rows: Mapping[str, Any], *, moved: bool
) -> None:
    same = [row for key, row in rows.items() if key.split("#")[0] == wanted.key]
    last = same[-1] if same else None
    if last is not None and last.status == PENDING:
        if (last.due_at, last.template) != (wanted.at, wanted.template):
            plan.retimed.append({"id": last.id, "due_at": wanted.at, "template": wanted.template})
            plan.times += last.due_at != wanted.at
        return
    if last is not None and not (moved or last.status == CANCELLED) or last is not None and wanted.at <= plan.late:
        return
    key = wanted.key if last is None else f"{wanted.key}#{visit.sequence}"
    if key in rows:
        return
    late = wanted.at < plan.late
    plan.fresh.append(
        {
            "patient_id": patient.id,
            "visit_id": visit.id,
            "key": key,
            "template": wanted.template,
            "due_at": wanted.at,
            "status": SKIPPED if late else PENDING,
            "reason": "was due before the visit was planned" if late else None,
        }
    )


def _wanted(
    design: StudyDesign,
    visit: Visit,
    members: list[str],
    anchors: Mapping[str, AnchorDate],
    zone: str,
    clinic_hour: time,
) -> list[ReminderDue]:
    if visit.merged_into is not None or visit.status == VisitStatus.CANCELLED or not design.has_encounter(visit.code):
        return []
    plan = PlannedVisit(
        code=visit.code,
        label={},
        anchor=visit.anchor,
        date=visit.date,
        window_start=visit.window_start,
        window_end=visit.window_end,
        projected=visit.projected,
        setting=Setting(visit.setting),
        members=tuple(code for code in members if design.has_encounter(code)),
    )
    due = due_reminders(design, plan, anchors, zone, clinic_hour)
    if visit.status == VisitStatus.MISSED:
        return [one for one in due if one.only == MISSED_ONLY]
    if visit.status == VisitStatus.COMPLETED:
        return [one for one in due if "h" in one.key.split(":")[1]]  # counted in hours from what took place
    return [one for one in due if one.only == ""]


def cancel_all(session: Session, patient: Patient, *, reason: str) -> int:
    """Every waiting reminder of the patient; how many."""
    done = session.execute(
        update(Reminder)
        .where(Reminder.patient_id == patient.id, Reminder.status == PENDING)
        .values(status=CANCELLED, reason=reason)
        .execution_options(synchronize_session="fetch")
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
