"""The coordinator's console: Today, patients, calendars, matrix, study, interviews."""

from __future__ import annotations

from service.web.console import (
    anchors,
    enrol,
    interview,
    matrix,
    patient,
    patients,
    study,
    tasks,
    today,
    visits,
)
from service.web.console.blueprint import console

BLUEPRINTS = (console,)

__all__ = [
    "BLUEPRINTS",
    "anchors",
    "enrol",
    "interview",
    "matrix",
    "patient",
    "patients",
    "study",
    "tasks",
    "today",
    "visits",
]
