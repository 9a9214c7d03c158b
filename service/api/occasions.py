"""Questionnaires that are due, and the answers that an app hands in, often long after they were typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Day, Instant, Page, Text, clean_json, one_of, page_schema
from service.api.patients import CARERS, READERS, found
from service.errors import Conflict, NotFound
from service.models import IdempotentAnswer, Occasion
from service.use_cases import idempotency, lists, responses, studies
from workflows.occasions import OccasionStatus
from workflows.protocol import Questionnaire
from workflows.questionnaire_json import as_json

blp = Blueprint("occasions", __name__, description="Questionnaires due, and their answers")

OPEN = (OccasionStatus.OPEN, OccasionStatus.LATE)


def _free(value: Any) -> None:
    clean_json(value)


class OccasionSchema(Schema):
    id = fields.Integer(required=True)
    questionnaire = fields.String(required=True)
    for_date = Day(required=True)
    opens_at = Instant(required=True)
    late_at = Instant(required=True)
    missed_at = Instant(required=True)
    status = fields.String(required=True)
    answered_at = Instant(required=True, allow_none=True)


OccasionPage = page_schema("OccasionPage", OccasionSchema)


class OccasionQuery(Page):
    status = Text(load_default=None, validate=one_of(OccasionStatus))


class AnswersSchema(Schema):
    """`client_id` is the phone's own number for this hand-in; the same again gets the same answer."""

    client_id = Text(required=True, longest=80, metadata={"example": "6f1c9a52-0001"})
    phone_at = Instant(required=True, metadata={"description": "when it was typed, by the phone's clock"})
    answers = fields.Dict(
        keys=Text(longest=64),
        values=fields.Raw(allow_none=False, validate=_free),
        required=True,
        validate=validate.Length(min=1, max=50),
        metadata={"description": "item -> what was typed or chosen", "example": {"temp": "37,8", "signs": ["A"]}},
    )


class AdviceSchema(Schema):
    telephone = fields.String(required=True)
    emergency_number = fields.String(required=True)


class HandedInSchema(Schema):
    """`level` red: show the advice at once, ask nothing more. `next_item`: the question that is open now."""

    occasion = fields.Integer(required=True)
    level = fields.String(required=True)
    done = fields.Boolean(required=True)
    next_item = fields.String(required=True, allow_none=True)
    advice = fields.Nested(AdviceSchema, required=True)


class QuestionnaireSchema(Schema):
    key = fields.String(required=True)
    version = fields.String(required=True)
    title = fields.Dict(required=True)
    licence = fields.String(required=True)
    source = fields.String(required=True)
    items = fields.List(fields.Dict(), required=True)


class Unwanted(Conflict):
    """Answers that cannot be kept. `code` and `keep` tell a phone what to do with its copy."""

    def __init__(self, detail: str, *, code: str, status: str = "", keep: bool = False) -> None:
        super().__init__(detail, field="occasion" if status else "client_id", value=status or None)
        self.extra = {"code": code, "occasion_status": status or None, "keep": keep}


def _occasion(work: Work, occasion_id: int) -> Occasion:
    occasion = lists.find(work.session, Occasion, occasion_id)
    access.check_patient(occasion.patient)
    return occasion


@blp.on("GET", "/patients/<int:patient_id>/occasions")
@allow(*READERS, patient=True)
@blp.asks(OccasionQuery)
@edge.reads(blp, OccasionPage)
def list_occasions(work: Work, query: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """A patient's questionnaires, past and to come; `status=open` are those to answer now."""
    rows = lists.occasions(
        work.session,
        found(work, patient_id).id,
        status=query["status"],
        after=edge.after(query["cursor"]),
        limit=query["limit"],
    )
    return edge.page(rows, query["limit"], shapes.occasion)


@blp.on("GET", "/occasions/<int:occasion_id>")
@allow(*READERS, patient=True)
@edge.reads(blp, OccasionSchema)
def get_occasion(work: Work, occasion_id: int) -> dict[str, Any]:
    """One occasion."""
    return shapes.occasion(_occasion(work, occasion_id))


@blp.on("POST", "/occasions/<int:occasion_id>/responses")
@allow(*CARERS, patient=True)
@blp.takes(AnswersSchema)
@edge.writes(blp, HandedInSchema, 201)
def hand_in(work: Work, given: dict[str, Any], occasion_id: int) -> dict[str, Any]:
    """Answers of one occasion. 409 tells the phone whether to keep its copy (`keep`) or to drop it."""
    occasion = _occasion(work, occasion_id)
    patient = occasion.patient
    kept = _begin(work, patient.id, given)
    if idempotency.is_kept(kept):
        work.headers["Idempotent-Replayed"] = "true"
        body: dict[str, Any] = kept.body["body"]
        return body
    if occasion.status == OccasionStatus.UPCOMING:
        raise Unwanted("not open yet: hand it in again later", code="not_open_yet", status=occasion.status, keep=True)
    if occasion.status not in OPEN:
        raise Unwanted("this occasion is over", code="occasion_over", status=occasion.status)
    outcome = responses.record_answers(
        work.session,
        patient,
        occasion=occasion,
        questionnaire=occasion.questionnaire,
        answers=given["answers"],
        channel="app",
        typed_by="patient",
        phone_at=given["phone_at"],
        client_id=given["client_id"],
        now=work.now,
    )
    body = {
        "occasion": occasion.id,
        "level": str(outcome.level),
        "done": outcome.done,
        "next_item": outcome.next_item,
        "advice": {"telephone": patient.site.telephone, "emergency_number": patient.site.emergency_number},
    }
    idempotency.keep(work.session, kept, 201, body, {})
    return body


def _begin(work: Work, patient_id: int, given: Mapping[str, Any]) -> IdempotentAnswer:
    """The phone's own number is a key, kept apart for each patient."""
    body = repr((given["phone_at"], sorted(given["answers"].items())))
    digest = idempotency.request_digest("POST", "", body.encode())
    key = f"app:{patient_id}|{given['client_id']}"
    row = idempotency.find(work.session, key)
    if row is not None and row.request_digest != digest:
        raise Unwanted("this client_id came before with other answers", code="client_id_used", keep=True)
    return row or idempotency.begin(work.session, key, digest, now=work.now)


@blp.on("GET", "/patients/<int:patient_id>/questionnaires/<key>")
@allow(*READERS, patient=True)
@edge.reads(blp, QuestionnaireSchema)
def get_questionnaire(work: Work, patient_id: int, key: str) -> dict[str, Any]:
    """A questionnaire of the patient's protocol version, with its wording, choices and conditions."""
    design = studies.design_for(work.session, found(work, patient_id))
    try:
        wanted: Questionnaire = design.questionnaire(key)
    except KeyError:
        raise NotFound("no such questionnaire", field="questionnaire", value=key) from None
    return as_json(wanted)
