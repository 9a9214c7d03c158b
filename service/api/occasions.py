"""Questionnaires that are due, and the answers that an app hands in, often long after they were typed."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from marshmallow import Schema, fields, validate

from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Day, Instant, Page, Text, one_of, page_schema, typed
from service.api.patients import CARERS, READERS, found
from service.errors import Conflict, Forbidden, NotFound
from service.models import IdempotentAnswer, Occasion
from service.use_cases import idempotency, lists, patient_facts, responses, studies
from service.use_cases import unread as unreadable
from service.use_cases.reports import Outcome, Source
from workflows.occasions import ANSWERABLE, OccasionStatus
from workflows.protocol import LEVELS, Level, Questionnaire
from workflows.questionnaire_json import as_json

blp = Blueprint("occasions", __name__, description="Questionnaires due, and their answers")

USED = "client_id_used"


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
    typed_by = Text(
        load_default="patient",
        validate=validate.OneOf(["patient", "staff"]),
        metadata={"description": "staff: a telephone interview, which may still be held when the day was missed"},
    )
    answers = fields.Dict(
        keys=Text(longest=64),
        values=fields.Raw(allow_none=False, validate=typed),
        required=True,
        validate=validate.Length(min=1, max=50),
        metadata={"description": "item -> what was typed or chosen", "example": {"temp": "37,8", "signs": ["A"]}},
    )


class AdviceSchema(Schema):
    telephone = fields.String(required=True)
    emergency_number = fields.String(required=True)


class HandedInSchema(Schema):
    """`level` red: show the advice at once, ask nothing more. `next_item`: the question that is open now.

    `ask`: what is to be asked at once beside it. `unread`: items whose words could not be read; they are kept, and a
    human reads them. Ask these again.
    """

    occasion = fields.Integer(required=True)
    level = fields.String(required=True)
    done = fields.Boolean(required=True)
    next_item = fields.String(required=True, allow_none=True)
    ask = fields.String(required=True, allow_none=True)
    unread = fields.List(fields.String(), required=True)
    advice = fields.Nested(AdviceSchema, required=True)


class QuestionnaireSchema(Schema):
    key = fields.String(required=True)
    version = fields.String(required=True)
    title = fields.Dict(required=True)
    licence = fields.String(required=True)
    source = fields.String(required=True)
    items = fields.List(fields.Dict(), required=True)


class Unwanted(Conflict):
    """Answers that do not count for this occasion. `code` tells a phone why; it drops its copy unless `keep`.

    With `level` and `advice` they were heard all the same: a fever is never lost because it came late.
    """

    def __init__(self, detail: str, *, code: str, keep: bool, **more: Any) -> None:
        super().__init__(detail, field="client_id" if code == USED else "occasion", value=more.get("occasion_status"))
        self.extra = {"code": code, "keep": keep} | more


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
def hand_in(work: Work, given: dict[str, Any], occasion_id: int) -> dict[str, Any] | None:
    """Answers of one occasion. 409 tells the phone why they do not count; a fever in them is heard all the same.

    A patient's words that no question can read are kept and named in `unread`; an item that is not there is refused.
    """
    occasion = _occasion(work, occasion_id)
    kept = _begin(work, occasion, given)
    if idempotency.is_kept(kept):
        work.headers["Idempotent-Replayed"] = "true"
        return _again(work, kept)
    by_patient = given["typed_by"] == "patient"
    if not by_patient and work.actor.patient_id is not None:
        raise Forbidden("a patient's phone speaks for the patient only", field="typed_by")
    counts = occasion.status in ANSWERABLE or (not by_patient and occasion.status == OccasionStatus.MISSED)
    day, patient = occasion if counts else None, occasion.patient
    form = patient_facts.questionnaire_of(work.session, patient, occasion.questionnaire)
    answers: dict[str, Any] = given["answers"]
    unread: dict[str, str] = {}
    if by_patient:
        answers, unread = unreadable.sort_out(patient, form, answers)
    source = Source(
        "app" if by_patient else "phone",
        "patient" if by_patient else work.name,
        phone_at=given["phone_at"],
        client_id=given["client_id"],
    )
    outcome = responses.record_answers(
        work.session,
        patient,
        occasion=day,
        questionnaire=form,
        answers=answers,
        channel=source.channel,
        typed_by=source.typed_by,
        phone_at=source.phone_at,
        client_id=source.client_id,
        now=work.now,
    )
    level = unreadable.keep(work.session, patient, form, unread, source, occasion=day, now=work.now)
    body = _outcome(occasion, outcome, level, sorted(unread))
    if not counts:
        body = {name: body[name] for name in ("level", "advice", "unread")} | {"occasion_status": occasion.status}
    idempotency.keep(work.session, kept, 201 if counts else 409, body, {})
    return _again(work, kept)


def _begin(work: Work, occasion: Occasion, given: Mapping[str, Any]) -> IdempotentAnswer:
    """The phone's own number is a key, kept apart for each patient."""
    body = repr((occasion.id, given["phone_at"], sorted(given["answers"].items())))
    digest = idempotency.request_digest("POST", "", body.encode())
    key = f"app:{occasion.patient_id}|{given['client_id']}"
    row = idempotency.find(work.session, key)
    if row is not None and row.request_digest != digest:
        raise Unwanted("this client_id came before with other answers", code=USED, keep=True)
    return row or idempotency.begin(work.session, key, digest, now=work.now)


def _outcome(occasion: Occasion, outcome: Outcome, heard: Level, unread: list[str]) -> dict[str, Any]:
    site = occasion.patient.site
    return {
        "occasion": occasion.id,
        "level": str(max(outcome.level, heard, key=LEVELS.index)),
        "unread": unread,
        "done": outcome.done or heard is Level.RED,
        "next_item": None if heard is Level.RED else outcome.next_item,
        "ask": outcome.ask or None,
        "advice": {"telephone": site.telephone, "emergency_number": site.emergency_number},
    }


def _again(work: Work, kept: IdempotentAnswer) -> dict[str, Any] | None:
    """The kept outcome: the answer, or the refusal, which is raised once everything is committed."""
    body: dict[str, Any] = kept.body["body"]
    if kept.status != HTTPStatus.CONFLICT:
        return body
    early = body["occasion_status"] == OccasionStatus.UPCOMING
    detail = "this occasion is not open yet" if early else "this occasion is over"
    work.refusal = Unwanted(detail, code="not_open_yet" if early else "occasion_over", keep=False, **body)
    return None


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
