"""Tasks: what a coordinator must do. An amber one has a clock; unseen when it runs out, it climbs the ladder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.errors import Conflict, NotFound
from service.models import Patient, Task
from service.prepared import Prepared
from service.use_cases import audit, bulk, rows, studies
from workflows import escalation
from workflows.decisions import RuleViolation
from workflows.protocol import Level, StudyDesign
from workflows.sending import end_of_quiet_hours

OPEN, SEEN, DONE = "open", "seen", "done"
AMBER_WITHIN = timedelta(hours=2)
OF_CAUSE = Prepared(select(Task.id).where(Task.dedupe == bindparam("dedupe")))


def open_task(
    session: Session,
    *,
    kind: str,
    level: str,
    now: datetime,
    dedupe: str,
    patient: Patient | None = None,
    site_id: int | None = None,
    rules: Sequence[str] = (),
    due_at: datetime | None = None,
    detail: Mapping[str, Any] | None = None,
    alert_id: int | None = None,
    inbound_id: int | None = None,
    visit_id: int | None = None,
) -> Task:
    """A task, or the one that `dedupe` names already. An amber task of a patient has the clock of the study's amber
    policy (2 h where there is none) unless `due_at` says otherwise."""
    known = find(session, dedupe)
    if known is not None:
        return known
    if due_at is None and level == Level.AMBER and patient is not None:
        due_at = amber_due(studies.design_for(session, patient), patient.timezone, now)
    task = Task(
        patient_id=patient.id if patient else None,
        site_id=patient.site_id if patient else site_id,
        kind=kind,
        level=str(level),
        rules=list(rules),
        detail=dict(detail or {}),
        due_at=due_at,
        alert_id=alert_id,
        inbound_id=inbound_id,
        visit_id=visit_id,
        dedupe=dedupe,
        created_at=now,
        status=OPEN,
    )
    session.add(task)
    session.flush()
    audit.record(
        session, "task:open", actor="system", now=now, subject_id=task.id, patient_id=task.patient_id,
        detail={"kind": kind, "level": str(level), "rules": list(rules)},
    )  # fmt: skip
    return task


def amber_due(design: StudyDesign, zone: str, now: datetime) -> datetime:
    """When an amber task of now must have been seen. Where the study says `amber_at_night: morning`, the clock of one
    that is opened in quiet hours begins at their end."""
    within = AMBER_WITHIN
    if any(policy.key == Level.AMBER for policy in design.policies):
        within = escalation.first_clock(design.policy(Level.AMBER))
    if design.settings.get("amber_at_night", "climb") == "morning":
        now = end_of_quiet_hours(now, ZoneInfo(zone)) or now
    return now + within


def find(session: Session, dedupe: str) -> Task | None:
    """The task that this cause has opened already."""
    bulk.flush_of(session, Task)
    found = OF_CAUSE.first(session, dedupe=dedupe)
    return None if found is None else rows.get(session, Task, found.id)


def get(session: Session, task_id: int) -> Task:
    """One task; NotFound."""
    task = session.get(Task, task_id) if 0 < task_id < 2**63 else None
    if task is None:
        raise NotFound(f"there is no task {task_id}")
    return task


def see(session: Session, task: Task, *, actor: str, now: datetime) -> Task:
    """Somebody has looked: the clock stops. Seen or done already: nothing changes."""
    if task.status == OPEN:
        task.status, task.seen_at, task.seen_by = SEEN, now, actor
        audit.record(
            session, "task:see", actor=actor, now=now, subject_id=task.id, patient_id=task.patient_id
        )
    return task


def done(session: Session, task: Task, *, actor: str, now: datetime, note: str = "") -> Task:
    """It is done, with a note where an amber task was called about. Conflict when somebody was first."""
    if task.status == DONE:
        raise Conflict(f"done already by {task.done_by}")
    if len(note) > 2000:
        raise RuleViolation("note", f"{len(note)} characters", "at most 2000 characters")
    if task.seen_at is None:
        task.seen_at, task.seen_by = now, actor
    task.status, task.done_at, task.done_by, task.note = DONE, now, actor, note or task.note
    audit.record(
        session, "task:done", actor=actor, now=now, subject_id=task.id, patient_id=task.patient_id,
        detail={"note": note},
    )  # fmt: skip
    return task


def note(session: Session, task: Task, *, actor: str, now: datetime, text: str) -> Task:
    """A remark while the task goes on; who writes one has seen it. RuleViolation: no words. Conflict: it is done."""
    text = text.strip()
    if not text or len(text) > 2000:
        raise RuleViolation("note", text[:40], "1 to 2000 characters")
    if task.status == DONE:
        raise Conflict(f"done already by {task.done_by}")
    see(session, task, actor=actor, now=now)
    task.note = text
    audit.record(
        session, "task:note", actor=actor, now=now, subject_id=task.id, patient_id=task.patient_id,
        detail={"note": text},
    )  # fmt: skip
    return task


def reopen(session: Session, task: Task, *, actor: str, now: datetime) -> Task:
    """Undo of `done`: seen, not done."""
    if task.status == DONE:
        task.status, task.done_at, task.done_by = SEEN, None, None
        audit.record(
            session, "task:reopen", actor=actor, now=now, subject_id=task.id, patient_id=task.patient_id
        )
    return task
