"""Every sweep of a tick, in the order in which a tick runs them: what protects a patient comes first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select

from service.prepared import Prepared, Within
from service.use_cases import (
    alerts,
    calendar_stops,
    inbox,
    occasion_clock,
    outbox_waits,
    reminders,
    selftest,
    task_clock,
    timers,
)
from service.use_cases.outbox_waits import Waits
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
def _in_one(statements: tuple[Select[Any], ...]) -> Prepared:
    return Prepared(select(*(statement.scalar_subquery() for statement in (*outbox_waits.WAITS, *statements))))


def look(within: Within) -> tuple[dict[str, datetime], Waits]:
    """When (study time) the next row of each sweep is due, a sweep with none left out, and which messages wait: in one
    statement."""
    asked = [(sweep.name, statement) for sweep in SWEEPS for statement in sweep.waits]
    answers = _in_one(tuple(statement for _name, statement in asked)).all(within)[0]
    messages = len(outbox_waits.WAITS)
    found: dict[str, datetime] = {}
    for (name, _statement), at in zip(asked, answers[messages:], strict=True):
        if at is not None:
            found[name] = min(at, found.get(name, at))
    return found, Waits(*answers[:messages])


def soonest(waits: Mapping[str, datetime]) -> datetime | None:
    """When the first of what `look` found is due; those that only watch have no time of their own."""
    watching = {sweep.name for sweep in SWEEPS if sweep.watches}
    return min((at for name, at in waits.items() if name not in watching), default=None)
