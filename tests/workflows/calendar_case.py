"""What the calendar tests share: the shipped study, and short words for dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from workflows.anchors import AnchorDate
from workflows.protocol import StudyDesign
from workflows.protocol_file import read_design
from workflows.visit_calendar import PlannedVisit, plan_visits

STUDY_FILE = Path(__file__).parents[2] / "workflows" / "protocols" / "nct01297972.yaml"
STUDY: StudyDesign = read_design(STUDY_FILE)
ZONE = "America/Sao_Paulo"
ENROLLED = date(2026, 3, 2)  # a Monday


def day(text: str) -> date:
    """2026-03-02, or 03-02 of 2026."""
    return date.fromisoformat(text if len(text) > 5 else f"2026-{text}")


def plan(
    anchors: Mapping[str, date | AnchorDate] | None = None, design: StudyDesign = STUDY, **more: Any
) -> dict[str, PlannedVisit]:
    """The plan by code, without closed days unless given."""
    zone = more.pop("zone", ZONE)
    closed = more.pop("closed", None)
    return {
        visit.code: visit
        for visit in plan_visits(design, anchors or {"enrolment": ENROLLED}, zone, closed, **more)
    }
