"""Every sweep of a tick, in the order in which a tick runs them: what protects a patient comes first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select
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


@lru_cache(maxsize=1)
def _in_one(statements: tuple[Select[Any], ...]) -> Select[Any]:
    return select(*(statement.scalar_subquery() for statement in statements))


def waiting(session: Session) -> dict[str, datetime]:
    """When (study time) the next row of each sweep is due, in one query; a sweep with none is left out."""
    asked = [(sweep.name, statement) for sweep in SWEEPS for statement in sweep.waits]
    if not asked:
        return {}
    found: dict[str, datetime] = {}
    answers = session.connection().execute(_in_one(tuple(statement for _name, statement in asked))).one()
    for (name, _statement), at in zip(asked, answers, strict=True):
        if at is not None:
            found[name] = min(at, found.get(name, at))
    return found


def soonest(waits: Mapping[str, datetime]) -> datetime | None:
    """When the first of what `waiting` found is due; those that only watch have no time of their own."""
    watching = {sweep.name for sweep in SWEEPS if sweep.watches}
    return min((at for name, at in waits.items() if name not in watching), default=None)


def next_due(session: Session) -> datetime | None:
    """When (study time) the next row of any sweep is due; None when none waits."""
    return soonest(waiting(session))
