"""Every sweep of a tick, in the order in which a tick runs them: what protects a patient comes first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from service.use_cases import alerts, calendar_stops, inbox, occasion_clock, reminders, task_clock, timers
from service.use_cases.sweep import Sweep

SWEEPS: tuple[Sweep, ...] = (
    *inbox.SWEEPS,
    *alerts.SWEEPS,
    *timers.SWEEPS,
    *task_clock.SWEEPS,
    *calendar_stops.SWEEPS,
    *occasion_clock.SWEEPS,
    *reminders.SWEEPS,
)


def next_due(session: Session) -> datetime | None:
    """When (study time) the next row of any sweep is due; None when none waits."""
    found = (sweep.next_due(session) for sweep in SWEEPS)
    return min((one for one in found if one is not None), default=None)
