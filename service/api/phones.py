"""A patient's own phone: a code by SMS becomes a token that sees this patient and nobody else."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from notifications.phone import PhoneError, parse_phone
from service import access
from service.access import allow
from service.api import edge
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Text
from service.api.patients import CARERS, found
from service.errors import Forbidden
from service.models import Patient
from service.use_cases import feeds, outbox, patients, tokens
from workflows.decisions import RuleViolation

blp = Blueprint("phones", __name__, description="The patient's own phone")


class AskSchema(Schema):
    phone = Text(required=True, longest=32)


class SentSchema(Schema):
    """The same answer for every number, known or not."""

    minutes = fields.Integer(required=True, metadata={"description": "how long a code is good"})


class PairSchema(Schema):
    phone = Text(required=True, longest=32)
    code = Text(required=True, longest=16)
    name = Text(load_default="phone", longest=60)


class PairedSchema(Schema):
    token = fields.String(required=True, metadata={"description": "shown once"})
    patient = fields.Integer(required=True)
    code = fields.String(required=True, metadata={"description": "the patient's code"})


class FeedSchema(Schema):
    feed = fields.String(required=True)


def _who(work: Work, phone: str) -> list[Patient]:
    try:
        number = parse_phone(phone)
    except PhoneError as error:
        raise RuleViolation("phone", phone, str(error)) from None
    return patients.by_phone(work.session, number)


@blp.on("POST", "/app/codes")
@access.public("sends a code to a patient's number only, and says the same for every number")
@blp.takes(AskSchema)
@edge.writes(blp, SentSchema, 202, keeps=False)
def ask_for_code(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    """Send a code by SMS to the patient who has this number."""
    for patient in _who(work, given["phone"]):
        if not tokens.may_ask(work.session, patient, now=work.now):
            continue
        code = tokens.make_app_code(work.session, patient, now=work.now)
        outbox.enqueue(
            work.session,
            now=work.now,
            kind="reply",
            template="contact_code",
            fields={"code": code},
            dedupe=f"app-code:{patient.id}:{work.now.isoformat()}",
            patient=patient,
            channel="sms",
            expires_at=work.now + tokens.CODE_LIFETIME,
        )
    return {"minutes": int(tokens.CODE_LIFETIME.total_seconds() // 60)}


@blp.on("POST", "/app/devices")
@access.public("the code that was sent by SMS")
@blp.takes(PairSchema)
@edge.writes(blp, PairedSchema, 201, keeps=False)
def pair_device(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    """The code that arrived, for a token. A code works once."""
    who = _who(work, given["phone"])
    paired = tokens.pair_device(work.session, who, given["code"].strip(), name=given["name"], now=work.now)
    if paired is None:
        raise Forbidden("the code is wrong, was used or is too old", field="code")
    row, text = paired
    patient = next(one for one in who if one.id == row.patient_id)
    return {"token": text, "patient": patient.id, "code": patient.code}


@blp.on("POST", "/patients/<int:patient_id>/feed")
@allow(*CARERS, patient=True)
@edge.writes(blp, FeedSchema, keeps=False)
def renew_feed(work: Work, patient_id: int) -> dict[str, Any]:
    """A new address for the patient's calendar feed; the old one is gone at once."""
    return {"feed": feeds.renew(work.session, found(work, patient_id), actor=work.name, now=work.now)}
