"""Laboratory values from a lab feed or by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields

from service.access import allow
from service.api import edge
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Day, Id, Instant, Number, Page, Text, one_of, page_schema
from service.api.patients import CARERS, READERS, found
from service.models import Observation
from service.use_cases import lists, observations
from workflows.labs import LABS, is_trough

blp = Blueprint("observations", __name__, description="Laboratory values")

MOST = Decimal(100_000_000)


class NewObservationSchema(Schema):
    """`drawn_on` (the patient's day) or `drawn_at`. A correction names what it corrects, and why."""

    code = Text(required=True, longest=32, validate=one_of(LABS))
    value = Number(required=True, low=Decimal(0), high=MOST)
    unit = Text(required=True, longest=16, metadata={"example": "ng/mL"})
    drawn_on = Day()
    drawn_at = Instant()
    last_dose_at = Instant()
    visit = Text(load_default=None, longest=32, metadata={"description": "the visit's code"})
    corrects = Id(load_default=None)
    reason = Text(longest=500, lines=True)


class ObservationSchema(Schema):
    id = fields.Integer(required=True)
    code = fields.String(required=True)
    value = fields.String(required=True, metadata={"description": "decimal text, in `unit`"})
    unit = fields.String(required=True)
    loinc = fields.String(required=True)
    drawn_on = Day(required=True)
    drawn_at = Instant(required=True, allow_none=True)
    last_dose_at = Instant(required=True, allow_none=True)
    is_trough = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "drawn 11-13 h after the last dose; null: not known"}
    )
    recorded_by = fields.String(required=True)
    recorded_at = Instant(required=True)
    corrects = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


ObservationPage = page_schema("ObservationPage", ObservationSchema)


class ObservationQuery(Page):
    code = Text(load_default=None, longest=32, validate=one_of(LABS))


def _shape(row: Observation) -> dict[str, Any]:
    same = ("id", "code", "value", "unit", "drawn_on", "drawn_at", "last_dose_at")
    more = ("recorded_by", "recorded_at", "reason")
    return {name: getattr(row, name) for name in same + more} | {
        "loinc": LABS[row.code].loinc if row.code in LABS else "",
        "is_trough": is_trough(row.drawn_at, row.last_dose_at),
        "corrects": row.corrects_id,
    }


@blp.on("POST", "/patients/<int:patient_id>/observations")
@allow(*CARERS)
@blp.takes(NewObservationSchema)
@edge.writes(blp, ObservationSchema, 201)
def record_observation(work: Work, given: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """A value; it is kept in its test's unit. Cyclosporine in mg/dL is refused: it is in ng/mL."""
    patient = found(work, patient_id)
    visit = lists.visit_by_code(work.session, patient.id, given["visit"]) if given["visit"] else None
    values = {name: value for name, value in given.items() if name not in ("visit", "corrects")}
    row = observations.record(
        work.session, patient, **values, visit=visit, corrects_id=given["corrects"], actor=work.name, now=work.now
    )
    return _shape(row)


@blp.on("GET", "/patients/<int:patient_id>/observations")
@allow(*READERS)
@blp.asks(ObservationQuery)
@edge.reads(blp, ObservationPage)
def list_observations(work: Work, query: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """Values, corrected ones too (`corrects` says which a row corrects), oldest first."""
    rows = observations.listed(
        work.session,
        found(work, patient_id),
        code=query["code"],
        after=edge.after(query["cursor"]),
        limit=query["limit"],
    )
    return edge.page(rows, query["limit"], _shape)
