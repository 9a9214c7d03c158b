"""Outgoing webhooks: who is told of a study's events, and what became of each."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from notifications.standard_webhooks import secret_text
from service.access import allow
from service.api import edge
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Instant, Page, Text, one_of, page_schema
from service.api.studies import of_all_sites
from service.models import WebhookEndpoint
from service.security import Role
from service.use_cases import hooks, lists
from service.use_cases.hook_events import Event

blp = Blueprint("outgoing-webhooks", __name__, description="Outgoing webhooks (Standard Webhooks)")

KEEPERS = (Role.OPERATOR,)
SHOWN = ("id", "url", "events", "created_at", "failing_since", "ended_at", "ended_why")
CHOICES = [each for each in Event if each is not Event.TEST]


class NewEndpointSchema(Schema):
    """`events`: which; without it, all."""

    url = Text(required=True, longest=500, metadata={"example": "https://example.org/vigilia"})
    events = fields.List(Text(validate=one_of(CHOICES)), load_default=list, validate=validate.Length(max=20))


class EndpointSchema(Schema):
    id = fields.Integer(required=True)
    url = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    created_at = Instant(required=True)
    failing_since = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    ended_why = fields.String(required=True, allow_none=True)


class EndpointSecretSchema(EndpointSchema):
    secret = fields.String(required=True, metadata={"description": "shown here and never again"})


class EndpointsSchema(Schema):
    items = fields.List(fields.Nested(EndpointSchema), required=True)


class DeliverySchema(Schema):
    """`status`: waiting, delivered, failed (given up) or cancelled. `last_answer`: the answer's status, or a fault."""

    message_id = fields.String(required=True)
    event = fields.String(required=True)
    status = fields.String(required=True)
    attempts = fields.Integer(required=True)
    last_answer = fields.String(required=True)
    send_at = Instant(required=True)
    delivered_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)


DeliveryPage = page_schema("DeliveryPage", DeliverySchema)


def _endpoint(work: Work, endpoint_id: int) -> WebhookEndpoint:
    of_all_sites()
    return lists.find(work.session, WebhookEndpoint, endpoint_id)


def _with_secret(work: Work, row: WebhookEndpoint) -> dict[str, Any]:
    secret = secret_text(hooks.secret(work.runtime.config.secret_key, row.salt))
    return {name: getattr(row, name) for name in SHOWN} | {"secret": secret}


@blp.on("POST", "/studies/<code>/webhooks")
@allow(*KEEPERS)
@blp.takes(NewEndpointSchema)
@edge.writes(blp, EndpointSecretSchema, 201, keeps=False)
def add_webhook(work: Work, given: dict[str, Any], code: str) -> dict[str, Any]:
    """A new endpoint and its secret, which is shown once. It is told of what happens from now on."""
    of_all_sites()
    study = lists.study_by_code(work.session, code)
    row = hooks.add(work.session, study, url=given["url"], events=given["events"], actor=work.name, now=work.now)
    return _with_secret(work, row)


@blp.on("GET", "/studies/<code>/webhooks")
@allow(*KEEPERS)
@edge.reads(blp, EndpointsSchema)
def list_webhooks(work: Work, code: str) -> dict[str, Any]:
    """The endpoints that are told, and since when one takes nothing."""
    of_all_sites()
    study = lists.study_by_code(work.session, code)
    return {"items": [row for row in hooks.live(work.session) if row.study_id == study.id]}


@blp.on("POST", "/webhooks/<int:endpoint_id>/rotate")
@allow(*KEEPERS)
@edge.writes(blp, EndpointSecretSchema, keeps=False)
def rotate_webhook(work: Work, endpoint_id: int) -> dict[str, Any]:
    """A new secret; for 24 hours the old one signs too."""
    row = _endpoint(work, endpoint_id)
    hooks.rotate(work.session, row, actor=work.name, now=work.now)
    return _with_secret(work, row)


@blp.on("POST", "/webhooks/<int:endpoint_id>/test")
@allow(*KEEPERS)
@edge.writes(blp, DeliverySchema, 201)
def test_webhook(work: Work, endpoint_id: int) -> Any:
    """Send an event that means nothing, and see it arrive."""
    return hooks.ping(work.session, _endpoint(work, endpoint_id), now=work.now)


@blp.on("POST", "/webhooks/<int:endpoint_id>/end")
@allow(*KEEPERS)
@edge.writes(blp, EndpointSchema)
def end_webhook(work: Work, endpoint_id: int) -> Any:
    """It is told nothing more; what waits is cancelled."""
    row = _endpoint(work, endpoint_id)
    hooks.end(work.session, row, why="ended by hand", actor=work.name, now=work.now)
    return row


@blp.on("GET", "/webhooks/<int:endpoint_id>/deliveries")
@allow(*KEEPERS)
@blp.asks(Page)
@edge.reads(blp, DeliveryPage)
def list_deliveries(work: Work, query: dict[str, Any], endpoint_id: int) -> dict[str, Any]:
    """What an endpoint was told, oldest first, with the receiver's answer."""
    row = _endpoint(work, endpoint_id)
    rows = hooks.deliveries(work.session, row.id, after=edge.after(query["cursor"]), limit=query["limit"])
    return edge.page(rows, query["limit"], lambda one: one)
