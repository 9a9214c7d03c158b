"""Cases: listed, taken, passed on, and how they ended."""

from __future__ import annotations

from typing import Any

from flask import g
from marshmallow import Schema, fields

from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Id, Instant, Page, Text, one_of, page_schema
from service.api.patients import CARERS, READERS, asked_site
from service.models import Alert, Staff
from service.use_cases import alerts, lists, tokens
from workflows.alerts import AlertStatus, Outcome

blp = Blueprint("alerts", __name__, description="Cases")


class RefSchema(Schema):
    id = fields.Integer(required=True)
    code = fields.String(required=True)


class PersonSchema(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class AlertSchema(Schema):
    id = fields.Integer(required=True)
    case = fields.String(required=True, metadata={"example": "7K"})
    patient = fields.Nested(RefSchema, required=True)
    site_id = fields.Integer(required=True)
    severity = fields.String(required=True)
    status = fields.String(required=True)
    reported_at = Instant(required=True, metadata={"description": "when the patient said it"})
    opened_at = Instant(required=True)
    first_paged_at = Instant(required=True, allow_none=True)
    acknowledged_at = Instant(required=True, allow_none=True)
    acknowledged_by = fields.Nested(PersonSchema, required=True, allow_none=True)
    acknowledged_via = fields.String(required=True, allow_none=True)
    outcome = fields.String(required=True, allow_none=True)
    outcome_text = fields.String(required=True, allow_none=True)
    outcome_at = Instant(required=True, allow_none=True)
    outcome_due_at = Instant(required=True, allow_none=True)
    closed_at = Instant(required=True, allow_none=True)


class LogSchema(Schema):
    at = Instant(required=True)
    actor = fields.String(required=True)
    event = fields.String(required=True)
    detail = fields.Dict(required=True)


class CaseSchema(AlertSchema):
    log = fields.List(fields.Nested(LogSchema), required=True)


AlertPage = page_schema("AlertPage", AlertSchema)


class AlertQuery(Page):
    status = Text(load_default=None, validate=one_of(AlertStatus))
    site = Text(load_default=None, longest=32, metadata={"description": "a site's code"})
    patient = Id(load_default=None)


class ActSchema(Schema):
    """`staff`: who does it; without it, the person who stands for the token."""

    staff = Id(load_default=None, allow_none=True)


class OutcomeSchema(ActSchema):
    outcome = Text(required=True, validate=one_of(Outcome))
    text = Text(load_default="", shortest=0, longest=500, lines=True)


class HandOverSchema(ActSchema):
    """`to`: the colleague who is offered the case."""

    to = Id(required=True)


class RemarkSchema(ActSchema):
    text = Text(required=True, longest=2000, lines=True)


class AckSchema(Schema):
    """`first`: this call took the case; else `by` has it already, since `at`."""

    id = fields.Integer(required=True)
    case = fields.String(required=True)
    status = fields.String(required=True)
    first = fields.Boolean(required=True)
    by = fields.Nested(PersonSchema, required=True, allow_none=True)
    at = Instant(required=True, allow_none=True)


def _case(work: Work, alert_id: int) -> Alert:
    alert = lists.find(work.session, Alert, alert_id)
    access.check_site(alert.site_id)
    return alert


def _person(work: Work, staff_id: int | None) -> Staff:
    """Who acts: a named person of the site, else whoever stands for the token."""
    if staff_id is None:
        return tokens.person_of(work.session, g.token_id, now=work.now)
    person = lists.staff_of(work.session, staff_id)
    access.check_site(person.site_id)
    return person


def _shown(work: Work, alert: Alert) -> dict[str, Any]:
    return shapes.alert(alert, lists.people(work.session, {alert.acknowledged_by_id or 0}))


@blp.on("GET", "/alerts")
@allow(*READERS)
@blp.asks(AlertQuery)
@edge.reads(blp, AlertPage)
def list_alerts(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """Cases of the token's site, oldest first: open, acknowledged, closed, or all."""
    rows = lists.alerts(
        work.session,
        site_id=asked_site(work, query["site"]),
        status=query["status"],
        patient_id=query["patient"],
        after=edge.after(query["cursor"]),
        limit=query["limit"],
    )
    people = lists.people(work.session, {row.acknowledged_by_id for row in rows if row.acknowledged_by_id})
    return edge.page(rows, query["limit"], lambda row: shapes.alert(row, people))


@blp.on("GET", "/alerts/<int:alert_id>")
@allow(*READERS)
@edge.reads(blp, CaseSchema)
def get_alert(work: Work, alert_id: int) -> dict[str, Any]:
    """One case with its log."""
    alert = _case(work, alert_id)
    return _shown(work, alert) | {"log": alerts.log_of(work.session, alert)}


@blp.on("POST", "/alerts/<int:alert_id>/acknowledge")
@allow(*CARERS)
@blp.takes_maybe(ActSchema)
@edge.writes(blp, AckSchema)
def acknowledge(work: Work, given: dict[str, Any], alert_id: int) -> dict[str, Any]:
    """Take a case; paging stops. The first wins, the second is told who has it."""
    alert = _case(work, alert_id)
    ack = alerts.acknowledge(
        work.session, alert, staff=_person(work, given["staff"]), via="api", now=work.now
    )
    return {"id": alert.id, "case": alert.case, "status": alert.status, "first": ack.first, "by": ack.by, "at": ack.at}


@blp.on("POST", "/alerts/<int:alert_id>/pass-on")
@allow(*CARERS)
@blp.takes_maybe(ActSchema)
@edge.writes(blp, AlertSchema)
def pass_on(work: Work, given: dict[str, Any], alert_id: int) -> dict[str, Any]:
    """Cannot take it: the next person is paged at once."""
    alert = _case(work, alert_id)
    alerts.pass_on(work.session, alert, staff=_person(work, given["staff"]), via="api", now=work.now)
    return _shown(work, alert)


@blp.on("POST", "/alerts/<int:alert_id>/outcome")
@allow(*CARERS)
@blp.takes(OutcomeSchema)
@edge.writes(blp, AlertSchema)
def outcome(work: Work, given: dict[str, Any], alert_id: int) -> dict[str, Any]:
    """How a case ended. `not_reached` opens it again for the others; every other outcome closes it."""
    alert = _case(work, alert_id)
    alerts.outcome(
        work.session,
        alert,
        staff=_person(work, given["staff"]),
        outcome=given["outcome"],
        text=given["text"],
        via="api",
        now=work.now,
    )
    return _shown(work, alert)


@blp.on("POST", "/alerts/<int:alert_id>/hand-over")
@allow(*CARERS)
@blp.takes(HandOverSchema)
@edge.writes(blp, AlertSchema)
def hand_over(work: Work, given: dict[str, Any], alert_id: int) -> dict[str, Any]:
    """Offer a case to one colleague, who is paged at once; when nobody takes it in time the ladder goes on."""
    alert = _case(work, alert_id)
    alerts.hand_over(
        work.session,
        alert,
        staff=_person(work, given["staff"]),
        to=lists.staff_of(work.session, given["to"]),
        via="api",
        now=work.now,
    )
    return _shown(work, alert)


@blp.on("POST", "/alerts/<int:alert_id>/reopen")
@allow(*CARERS)
@edge.writes(blp, AlertSchema)
def reopen(work: Work, alert_id: int) -> dict[str, Any]:
    """Whoever has the case is gone: it is open again and its ladder begins at once. Never from closed."""
    alert = _case(work, alert_id)
    alerts.reopen(work.session, alert, actor=work.name, now=work.now)
    return _shown(work, alert)


@blp.on("POST", "/alerts/<int:alert_id>/notes")
@allow(*CARERS)
@blp.takes(RemarkSchema)
@edge.writes(blp, CaseSchema)
def note(work: Work, given: dict[str, Any], alert_id: int) -> dict[str, Any]:
    """A remark in the log of the case, which is only added to."""
    alert = _case(work, alert_id)
    alerts.note(work.session, alert, staff=_person(work, given["staff"]), text=given["text"], now=work.now)
    return _shown(work, alert) | {"log": alerts.log_of(work.session, alert)}
