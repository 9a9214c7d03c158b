"""The coordinator's console: Today, patients, calendars, matrix, study, interviews, laboratory."""

from __future__ import annotations

from service.web.console import (
    amendments,
    anchors,
    answers,
    card,
    clashes,
    contact,
    enrol,
    interview,
    labs,
    matrix,
    outcomes,
    patient,
    patients,
    records,
    sites,
    study,
    tasks,
    today,
    visits,
)
from service.web.console.blueprint import console

BLUEPRINTS = (console,)

__all__ = [
    "BLUEPRINTS",
    "amendments",
    "anchors",
    "answers",
    "clashes",
    "card",
    "contact",
    "enrol",
    "interview",
    "labs",
    "matrix",
    "outcomes",
    "patient",
    "patients",
    "records",
    "sites",
    "study",
    "tasks",
    "today",
    "visits",
]
