"""Visits: booked, held, missed, cancelled, moved."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from service import access
from service.access import allow
from service.api import edge
from service.api import patient_schemas as s
from service.api import shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.patients import CARERS, READERS, found
from service.models import Visit
from service.use_cases import calendar, conflicts, lists, visits

blp = Blueprint("visits", __name__, description="Visits, with ETag and If-Match")


def _visit(work: Work, visit_id: int) -> Visit:
    visit = lists.find(work.session, Visit, visit_id)
    access.check_patient(visit.patient)
    return visit


@blp.on("GET", "/visits/<int:visit_id>")
@allow(*READERS, patient=True)
@edge.reads(blp, s.VisitSchema, headers=edge.ETAG_HEADER)
def get_visit(work: Work, visit_id: int) -> dict[str, Any]:
    """One visit; its ETag is what a change sends back as If-Match."""
    visit = _visit(work, visit_id)
    work.tag(visit.version_id)
    return shapes.visit(visit)


@blp.on("GET", "/patients/<int:patient_id>/conflicts")
@allow(*READERS)
@edge.reads(blp, s.ConflictSchema(many=True))
def list_conflicts(work: Work, patient_id: int) -> list[dict[str, Any]]:
    """Appointments from today on that are in each other's way, or on a day that is too full."""
    patient = found(work, patient_id)
    today = work.now.astimezone(ZoneInfo(patient.timezone)).date()
    rows = calendar.visits_of(work.session, patient)
    return [conflicts.as_dict(one) for one in conflicts.of_patient(work.session, patient, rows, today=today)]


@blp.on("PATCH", "/visits/<int:visit_id>")
@allow(*CARERS)
@blp.takes(s.VisitChangeSchema)
@edge.writes(blp, s.VisitSchema, headers=edge.ETAG_HEADER, matches=True)
def change_visit(work: Work, given: dict[str, Any], visit_id: int) -> dict[str, Any]:
    """Book, complete, miss, cancel or move a visit. 412 when it has changed since the ETag was read."""
    expected = edge.expected_version()
    visit = visits.change(
        work.session, _visit(work, visit_id), **given, expect_version=expected, actor=work.name, now=work.now
    )
    work.session.flush()
    work.tag(visit.version_id)
    return shapes.visit(visit)


@blp.on("POST", "/patients/<int:patient_id>/visits")
@allow(*CARERS)
@blp.takes(s.NewVisitSchema)
@edge.writes(blp, s.VisitSchema, 201, headers=edge.ETAG_HEADER)
def add_visit(work: Work, given: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """An unscheduled visit."""
    patient = found(work, patient_id)
    visit = visits.add_unscheduled(work.session, patient, **given, actor=work.name, now=work.now)
    work.session.flush()
    work.tag(visit.version_id)
    return shapes.visit(visit)
