"""Patients' pages: the questions behind a link, one a page."""

from __future__ import annotations

from service.web.patient import app
from service.web.patient.questions import blueprint

__all__ = ["BLUEPRINTS", "app"]
BLUEPRINTS = (blueprint,)
