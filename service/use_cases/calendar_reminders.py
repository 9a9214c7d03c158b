"""Reminders as rows: they follow the visits; sent ones keep their history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from service.models import Patient, Reminder
from service.use_cases import bulk
from service.use_cases.calendar_frame import Frame
from service.use_cases.calendar_rows import VisitRow
from workflows.anchors import AnchorDate
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


FRESH = ("visit_id", "key", "template", "due_at", "status", "reason")
TOO_LATE = "was due before the visit was planned"


class _Row(NamedTuple):
    id: int
    visit_id: int
    key: str
    template: str
    due_at: datetime
    status: str


@dataclass
class _Plan:
    """Rows to write, and what is counted."""

    now: datetime
    fresh: list[bulk.Values] = field(default_factory=list)
    retimed: list[bulk.Values] = field(default_factory=list)
    cancelled: list[bulk.Values] = field(default_factory=list)
    times: int = 0

    def wants(self, visit: VisitRow, one: ReminderDue, same: Sequence[_Row], *, moved: bool) -> None:
        """One reminder that the visit should have; `same` are those it has had of it, the last of which counts."""
        last = same[-1] if same else None
        if last is not None and last.status == PENDING:
            if (last.due_at, last.template) != (one.at, one.template):
                self.retimed.append((last.id, one.at, one.template))
                self.times += last.due_at != one.at
            return
        if last is not None and (not (moved or last.status == CANCELLED) or one.at <= self.now):
            return
        key = one.key if last is None else f"{one.key}#{visit.sequence}"
        if any(row.key == key for row in same):
            return
        status, reason = (SKIPPED, TOO_LATE) if one.at < self.now else (PENDING, None)
        self.fresh.append((visit.id, key, one.template, one.at, status, reason))


def sync(
    writes: bulk.Writes,
    patient: Patient,
    there: Iterable[bulk.Values],
    visits: Sequence[VisitRow],
    *,
    frame: Frame,
    anchors: Mapping[str, AnchorDate],
    moved: Collection[str],
    now: datetime,
) -> dict[str, int]:
    """Bring the waiting reminders in line with the visits: how many will be cancelled, re-timed and added.

    A visit that moved after its reminder went out is reminded of again, at the new time. `there`: the rows of
    REMINDERS; `visits` are all of the patient's, `anchors` resolved.
    """
    held: dict[int, dict[str, list[_Row]]] = {}
    for row in map(_Row._make, there):
        held.setdefault(row.visit_id, {}).setdefault(row.key.partition("#")[0], []).append(row)
    members: dict[str, list[str]] = {}
    for visit in visits:
        if visit.merged_into and visit.status != VisitStatus.CANCELLED and frame.design.has_encounter(visit.code):
            members.setdefault(visit.merged_into, []).append(visit.code)
    plan = _Plan(now)
    for visit in visits:
        due = _wanted(visit, tuple(members.get(visit.code, ())), anchors, frame)
        rows = held.get(visit.id, {})
        for one in {one.key: one for one in due}.values():  # of two at one moment of the visit, the later
            plan.wants(visit, one, rows.pop(one.key, ()), moved=visit.code in moved)
        why = f"the visit is {visit.status} or part of another"
        plan.cancelled += [(row.id, why) for same in rows.values() for row in same if row.status == PENDING]
    writes.update(Reminder, ("id", "reason"), plan.cancelled, {"status": CANCELLED})
    writes.update(Reminder, ("id", "due_at", "template"), plan.retimed)
    writes.insert(Reminder, FRESH, plan.fresh, {"patient_id": patient.id})
    return {"cancelled": len(plan.cancelled), "retimed": plan.times, "added": len(plan.fresh)}


def _wanted(
    visit: VisitRow, members: tuple[str, ...], anchors: Mapping[str, AnchorDate], frame: Frame
) -> Sequence[ReminderDue]:
    if visit.merged_into is not None or visit.status == CANCELLED or not frame.design.has_encounter(visit.code):
        return ()
    due = due_reminders(frame.design, visit, anchors, frame.zone, frame.clinic_hour, members=members)
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
