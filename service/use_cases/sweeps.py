"""Every sweep of a tick, in the order in which a tick runs them: what protects a patient comes first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from service.use_cases.sweep import Sweep

def _load():
    import importlib
    out = []
    for name in ("inbox", "alerts", "timers", "task_clock", "occasion_clock", "calendar_stops", "reminders"):
        try:
            out += importlib.import_module("service.use_cases." + name).SWEEPS
        except (ImportError, AttributeError) as e:
            print("MISSING", name, e)
    return tuple(out)

SWEEPS: tuple[Sweep, ...] = _load()


def next_due(session: Session) -> datetime | None:
    """When (study time) the next row of any sweep is due; None when none waits."""
    found = (sweep.next_due(session) for sweep in SWEEPS)
    return min((one for one in found if one is not None), default=None)
