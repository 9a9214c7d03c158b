"""Answers as they stand, with every earlier one; a correction is a new row with its reason."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from service import access
from service.access import allow
from service.api import edge
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Id, Instant, Page, Text, page_schema, typed
from service.api.patients import CARERS, READERS, found
from service.models import Patient, Response
from service.use_cases import lists, responses

blp = Blueprint("answers", __name__, description="What patients said, and corrections")


class AnswerSchema(Schema):
    id = fields.Integer(required=True)
    occasion = fields.Integer(required=True, allow_none=True, metadata={"description": "null: said at another time"})
    questionnaire = fields.String(required=True, allow_none=True)
    item = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True, metadata={"description": "as it was understood"})
    raw = fields.String(required=True, metadata={"description": "as it was typed"})
    channel = fields.String(required=True)
    typed_by = fields.String(required=True)
    phone_at = Instant(required=True, allow_none=True)
    carrier_at = Instant(required=True, allow_none=True)
    received_at = Instant(required=True)
    corrects = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


AnswerPage = page_schema("AnswerPage", AnswerSchema)


class AnswerQuery(Page):
    occasion = Id(load_default=None)


class CorrectionSchema(Schema):
    value = fields.Raw(required=True, validate=typed, metadata={"description": "as a patient would type it"})
    reason = Text(required=True, longest=500, lines=True)


def _shape(row: Response) -> dict[str, Any]:
    same = ("id", "questionnaire", "item", "raw", "channel", "typed_by", "reason")
    times = ("phone_at", "carrier_at", "received_at")
    return {name: getattr(row, name) for name in same + times} | {
        "occasion": row.occasion_id,
        "value": row.value.get("value"),
        "corrects": row.corrects_id,
    }


@blp.on("GET", "/patients/<int:patient_id>/responses")
@allow(*READERS, patient=True)
@blp.asks(AnswerQuery)
@edge.reads(blp, AnswerPage)
def list_answers(work: Work, query: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """Answers, corrected ones too (`corrects` says which a row corrects), oldest first."""
    rows = lists.responses(
        work.session,
        found(work, patient_id).id,
        occasion_id=query["occasion"],
        after=edge.after(query["cursor"]),
        limit=query["limit"],
    )
    return edge.page(rows, query["limit"], _shape)


@blp.on("POST", "/responses/<int:response_id>/correction")
@allow(*CARERS)
@blp.takes(CorrectionSchema)
@edge.writes(blp, AnswerSchema, 201)
def correct_answer(work: Work, given: dict[str, Any], response_id: int) -> dict[str, Any]:
    """A new answer in place of an old one. It is triaged as any other; what the old one raised stays raised."""
    old = lists.find(work.session, Response, response_id)
    access.check_patient(work.session.get_one(Patient, old.patient_id))
    row = responses.correct(
        work.session, old.id, given["value"], reason=given["reason"], actor=work.name, now=work.now
    )
    return _shape(row)
