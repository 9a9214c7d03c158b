"""What was sent: every message with its state and the reason for it, never its text."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from notifications.message import DeliveryStatus
from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import BIGGEST_ID, Id, Instant, Page, Text, one_of, page_schema
from service.errors import NotFound
from service.models import Patient
from service.security import Role
from service.use_cases import lists, patients

blp = Blueprint("messages", __name__, description="What was sent, and what became of it")

STATES = [*DeliveryStatus]


class MessageSchema(Schema):
    id = fields.Integer(required=True)
    patient_id = fields.Integer(required=True, allow_none=True)
    staff_id = fields.Integer(required=True, allow_none=True)
    alert_id = fields.Integer(required=True, allow_none=True)
    visit_id = fields.Integer(required=True, allow_none=True)
    occasion_id = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    lane = fields.String(required=True)
    channel = fields.String(required=True)
    address = fields.String(required=True, metadata={"description": "masked"})
    template = fields.String(required=True)
    language = fields.String(required=True)
    status = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    send_at = Instant(required=True)
    due_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)


MessagePage = page_schema("MessagePage", MessageSchema)


class MessageQuery(Page):
    patient = Text(load_default=None, longest=32, metadata={"description": "a patient's number, or code"})
    alert = Id(load_default=None)
    status = Text(load_default=None, validate=one_of(STATES))


def _patient(work: Work, who: str) -> Patient:
    """By number, else by code among the patients that who asks may know of."""
    if who.isascii() and who.isdigit() and int(who) <= BIGGEST_ID:
        patient = patients.get(work.session, int(who))
    else:
        rows = lists.patients(work.session, site_id=work.actor.site_id, code=who, limit=1)
        if not rows:
            raise NotFound("no such patient", field="patient", value=who)
        patient = rows[0]
    access.check_patient(patient)
    return patient


@blp.on("GET", "/messages")
@allow(Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR, Role.OPERATOR)
@blp.asks(MessageQuery)
@edge.reads(blp, MessagePage)
def list_messages(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """Messages of a patient, of a case, or of the token's site, oldest first."""
    rows = lists.messages(
        work.session,
        site_id=work.actor.site_id,
        patient_id=_patient(work, query["patient"]).id if query["patient"] else None,
        alert_id=query["alert"],
        status=query["status"],
        after=edge.after(query["cursor"]),
        limit=query["limit"],
    )
    return edge.page(rows, query["limit"], shapes.message)
