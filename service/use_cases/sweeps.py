"""Every sweep of a tick, in the order in which a tick runs them: what protects a patient comes first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.use_cases import (
    alerts,
    calendar_stops,
    inbox,
    occasion_clock,
    reminders,
    selftest,
    task_clock,
    timers,
)
from service.use_cases.sweep import Sweep

SWEEPS: tuple[Sweep, ...] = (
    *inbox.SWEEPS,
    *alerts.SWEEPS,
    *timers.SWEEPS,
    *task_clock.SWEEPS,
    *calendar_stops.SWEEPS,
    *occasion_clock.SWEEPS,
    *reminders.SWEEPS,
    *selftest.SWEEPS,
)


def waiting(session: Session) -> dict[str, datetime]:
    """When (study time) the next row of each sweep is due, in one query; a sweep with none is left out."""
    statements = [(sweep.name, statement) for sweep in SWEEPS for statement in sweep.waits]
    if not statements:
        return {}
    found: dict[str, datetime] = {}
    answers = session.execute(select(*(statement.scalar_subquery() for _name, statement in statements))).one()
    for (name, _statement), at in zip(statements, answers, strict=True):
        if at is not None:
            found[name] = min(at, found.get(name, at))
    return found


def next_due(session: Session) -> datetime | None:
    """When (study time) the next row of any sweep is due; None when none waits."""
    watching = {sweep.name for sweep in SWEEPS if sweep.watches}
    return min((at for name, at in waiting(session).items() if name not in watching), default=None)
