"""Reminders as rows: they follow the visits; sent ones keep their history."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from service.models import Patient, Reminder, Visit
from service.use_cases import appointments, sites, studies
from workflows.anchors import AnchorDate, resolve_anchors
from workflows.protocol import Setting, StudyDesign
from workflows.visit_calendar import PlannedVisit
from workflows.visit_reminders import ReminderDue, due_reminders
from workflows.visits import VisitStatus

PENDING, SENT, CANCELLED, SKIPPED = "pending", "sent", "cancelled", "skipped"
MISSED_ONLY = "missed"


def sync(session: Session, patient: Patient, *, moved: Collection[str] = (), now: datetime) -> dict[str, int]:
    """Bring the waiting reminders in line with the visits: how many were cancelled, re-timed and added.

    A visit that moved after its reminder went out is reminded of again, at the new time.
    """
    from service.use_cases.calendar import recorded, visits_of

    design = studies.design_for(session, patient)
    visits = visits_of(session, patient)
    known = recorded(session, patient, design=design, visits=visits)
    anchors = resolve_anchors(design, known, patient.timezone)
    there: dict[int, dict[str, Reminder]] = {}
    for row in session.scalars(select(Reminder).where(Reminder.patient_id == patient.id).order_by(Reminder.id)):
        there.setdefault(row.visit_id, {})[row.key] = row
    counts = {"cancelled": 0, "retimed": 0, "added": 0}
    fresh: list[dict[str, Any]] = []
    ahead = [visit for visit in visits if visit.code in moved]
    counts["cancelled"] += appointments.tell_moved(session, patient, ahead, now=now)
    for visit in visits:
        wanted = {one.key: one for one in _wanted(design, visit, visits, anchors, patient)}
        rows = there.get(visit.id, {})
        for key, row in rows.items():
            if row.status == PENDING and key.split("#")[0] not in wanted:
                row.status, row.reason = CANCELLED, f"the visit is {visit.status} or part of another"
                counts["cancelled"] += 1
        for one in wanted.values():
            _one(patient, visit, one, rows, fresh, counts, moved=visit.code in moved, now=now)
    if fresh:
        session.execute(insert(Reminder), fresh)
        counts["added"] = len(fresh)
    return counts


def _one(
    patient: Patient,
    visit: Visit,
    wanted: ReminderDue,
    rows: dict[str, Reminder],
    fresh: list[dict[str, Any]],
    counts: dict[str, int],
    *,
    moved: bool,
    now: datetime,
) -> None:
    same = [row for key, row in rows.items() if key.split("#")[0] == wanted.key]
    last = same[-1] if same else None
    if last is not None and last.status == PENDING:
        if last.due_at != wanted.at:
            last.due_at = wanted.at
            counts["retimed"] += 1
        last.template = wanted.template
        return
    if last is not None and not (moved or last.status == CANCELLED) or last is not None and wanted.at <= now:
        return
    key = wanted.key if last is None else f"{wanted.key}#{visit.sequence}"
    if key in rows:
        return
    late = wanted.at < now
    fresh.append(
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
    design: StudyDesign, visit: Visit, visits: list[Visit], anchors: dict[str, AnchorDate], patient: Patient
) -> list[ReminderDue]:
    known = {encounter.code for encounter in design.encounters}
    if visit.code not in known or visit.status == VisitStatus.CANCELLED:
        return []
    members = tuple(
        other.code
        for other in visits
        if other.merged_into == visit.code and other.code in known and other.status != VisitStatus.CANCELLED
    )
    plan = PlannedVisit(
        code=visit.code,
        label=visit.label,
        anchor=visit.anchor,
        date=visit.date,
        window_start=visit.window_start,
        window_end=visit.window_end,
        projected=visit.projected,
        merged_into=visit.merged_into,
        setting=Setting(visit.setting),
        members=members,
    )
    due = due_reminders(design, plan, anchors, patient.timezone, sites.clinic_hour(patient.site))
    missed = visit.status == VisitStatus.MISSED
    done = visit.status == VisitStatus.COMPLETED
    after = [one for one in due if "h" in one.key.split(":")[1]]
    if missed:
        return [one for one in due if one.only == MISSED_ONLY]
    return after if done else [one for one in due if one.only == ""]


def cancel_all(session: Session, patient: Patient, *, reason: str) -> int:
    """Every waiting reminder of the patient; how many."""
    done = session.execute(
        update(Reminder)
        .where(Reminder.patient_id == patient.id, Reminder.status == PENDING)
        .values(status=CANCELLED, reason=reason)
        .execution_options(synchronize_session="fetch")
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
