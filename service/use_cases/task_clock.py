"""The clock of amber tasks: one that nobody has seen in time climbs the ladder."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.models import Task
from service.use_cases import alerts, audit, rows
from service.use_cases.sweep import Sweep, due_by
from service.use_cases.tasks import OPEN

# tasks whose clock ran out unseen
due = due_by(Task.id, Task.due_at, Task.status == OPEN)


def handle(session: Session, task_id: int, now: datetime) -> None:
    """An amber task that nobody has seen becomes a case; one without a patient waits on, visibly late."""
    task = rows.hold(session, Task, task_id)
    if task.status != OPEN or task.due_at is None or task.due_at > now:
        return
    rows.change(session, task, due_at=None)
    alert = alerts.climb(session, task, now=now)
    if alert is not None:
        rows.change(session, task, alert_id=alert.id)
    audit.record(
        session, "task:climb", actor="system", now=now, subject_id=task.id, patient_id=task.patient_id,
        detail={"alert": alert.id if alert else None},
    )  # fmt: skip


WAITS = (select(func.min(Task.due_at)).where(Task.status == OPEN),)
SWEEPS = (Sweep("tasks", due, handle, WAITS),)
