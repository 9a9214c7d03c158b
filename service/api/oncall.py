"""Who is on call, and the rotas that say so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Day, Hour, Id, Instant, Page, Text, Zone, page_schema
from service.errors import Problem
from service.models import Override, Rota, Site
from service.security import Role
from service.use_cases import lists, oncall, rotas
from service.use_cases.rotas import Stretch

blp = Blueprint("on-call", __name__, description="Who is on call, and the rotas")

READERS = (Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR, Role.OPERATOR)
WRITERS = (Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.OPERATOR)
AHEAD = timedelta(hours=72)
STRETCH = ("layer", "start_at", "end_at")


class LayerSchema(Schema):
    """Members follow one another, a week or a day each, from `start` at the local hour `handover`."""

    name = Text(longest=32, metadata={"example": "on_call"})
    every = Text(load_default="week", validate=validate.OneOf(["week", "day"]))
    handover = Hour(load_default="08:00")
    weekday = fields.Integer(strict=True, load_default=0, validate=validate.Range(min=0, max=6))
    start = Day(required=True)
    members = fields.List(Id(), required=True, validate=validate.Length(min=1, max=100))


class NewRotaSchema(Schema):
    site = Text(required=True, longest=32, metadata={"description": "the site's code"})
    study = Text(load_default=None, longest=64)
    name = Text(required=True, longest=60)
    timezone = Zone(load_default="")
    layers = fields.List(fields.Nested(LayerSchema), required=True, validate=validate.Length(min=1, max=10))


class RotaSchema(Schema):
    id = fields.Integer(required=True)
    site = fields.String(required=True)
    name = fields.String(required=True)
    timezone = fields.String(required=True)
    layers = fields.List(fields.Dict(), required=True)
    created_at = Instant(required=True)


RotaPage = page_schema("RotaPage", RotaSchema)


class StretchSchema(Schema):
    staff = Id(required=True)
    layer = Text(load_default="on_call", longest=32)
    start_at = Instant(required=True)
    end_at = Instant(required=True)


class InsteadSchema(StretchSchema):
    """Somebody in somebody's place; it goes before shifts and rotations."""

    instead_of = Id(load_default=None, allow_none=True)
    reason = Text(required=True, longest=200)


class TurnSchema(Schema):
    staff = Id(required=True)
    start_at = Instant(required=True)
    end_at = Instant(required=True)


class SwapSchema(Schema):
    """Two people change places: each takes the other's stretch."""

    layer = Text(load_default="on_call", longest=32)
    first = fields.Nested(TurnSchema, required=True)
    second = fields.Nested(TurnSchema, required=True)
    reason = Text(required=True, longest=200)


class StretchMadeSchema(Schema):
    id = fields.Integer(required=True)
    layer = fields.String(required=True)
    staff_id = fields.Integer(required=True)
    start_at = Instant(required=True)
    end_at = Instant(required=True)


class SwappedSchema(Schema):
    items = fields.List(fields.Nested(StretchMadeSchema), required=True)


class DutySchema(Schema):
    layer = fields.String(required=True)
    staff_id = fields.Integer(required=True)
    name = fields.String(required=True)
    until = Instant(required=True, allow_none=True)
    why = fields.String(required=True)


class HoleSchema(Schema):
    layer = fields.String(required=True)
    start = Instant(required=True)
    end = Instant(required=True)


class OnCallSchema(Schema):
    """`items` is empty when nobody is on call: an answer too. `holes`: where nobody is in the 72 h after `at`."""

    at = Instant(required=True)
    site = fields.String(required=True)
    items = fields.List(fields.Nested(DutySchema), required=True)
    holes = fields.List(fields.Nested(HoleSchema), required=True)


class OnCallQuery(Schema):
    at = Instant(load_default=None)
    site = Text(load_default=None, longest=32, metadata={"description": "needed where the token has several sites"})


def _site(work: Work, code: str | None, study: str | None = None) -> Site:
    """The site of that code; without one, the only site that the token may know of."""
    if code is not None:
        row = lists.study_by_code(work.session, study) if study else None
        site = lists.site_by_code(work.session, code, row)
        access.check_site(site.id)
        return site
    rows = lists.sites(work.session, only=work.actor.site_id, limit=1)
    if len(rows) != 1:
        raise Problem("say which site", field="site", value=None)
    return rows[0]


def _rota(work: Work, rota_id: int) -> Rota:
    rota = lists.find(work.session, Rota, rota_id)
    access.check_site(rota.site_id)
    return rota


def _shape(work: Work, rota: Rota) -> dict[str, Any]:
    return shapes.rota(rota, work.session.get_one(Site, rota.site_id).code)


@blp.on("GET", "/on-call")
@allow(*READERS)
@blp.asks(OnCallQuery)
@edge.reads(blp, OnCallSchema)
def who_is_on_call(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """Who is on call for a site at an instant (now, where none is given)."""
    site = _site(work, query["site"])
    at = query["at"] or work.now
    duties = oncall.who(work.session, site.id, at)
    names = lists.people(work.session, {duty.staff_id for duty in duties})
    items = [
        {
            "layer": duty.layer,
            "staff_id": duty.staff_id,
            "name": names[duty.staff_id].name,
            "until": duty.until,
            "why": str(duty.why),
        }
        for duty in duties
    ]
    return {"at": at, "site": site.code, "items": items, "holes": oncall.holes(work.session, site.id, at, at + AHEAD)}


@blp.on("POST", "/rotas")
@allow(*WRITERS)
@blp.takes(NewRotaSchema)
@edge.writes(blp, RotaSchema, 201)
def create_rota(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    """A rota of a site: the first layer is on call, the second is its backup."""
    site = _site(work, given["site"], given["study"])
    layers = [{**layer, "start": layer["start"].isoformat()} for layer in given["layers"]]
    rota = rotas.create_rota(
        work.session,
        site,
        name=given["name"],
        timezone=given["timezone"],
        layers=layers,
        actor=work.name,
        now=work.now,
    )
    return _shape(work, rota)


@blp.on("GET", "/rotas")
@allow(*READERS)
@blp.asks(Page)
@edge.reads(blp, RotaPage)
def list_rotas(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """The rotas that the token may know of."""
    rows = lists.rotas(
        work.session, site_id=work.actor.site_id, after=edge.after(query["cursor"]), limit=query["limit"]
    )
    return edge.page(rows, query["limit"], lambda row: _shape(work, row))


@blp.on("POST", "/rotas/<int:rota_id>/shifts")
@allow(*WRITERS)
@blp.takes(StretchSchema)
@edge.writes(blp, StretchMadeSchema, 201)
def add_shift(work: Work, given: dict[str, Any], rota_id: int) -> Any:
    """A fixed stretch of duty; it goes before the rotation."""
    rota = _rota(work, rota_id)
    person = lists.staff_of(work.session, given["staff"])
    stretch = {name: given[name] for name in STRETCH}
    return rotas.add_shift(work.session, rota, staff=person, **stretch, actor=work.name, now=work.now)


@blp.on("POST", "/rotas/<int:rota_id>/overrides")
@allow(*WRITERS)
@blp.takes(InsteadSchema)
@edge.writes(blp, StretchMadeSchema, 201)
def add_override(work: Work, given: dict[str, Any], rota_id: int) -> Any:
    """Somebody in somebody's place, with the reason."""
    rota = _rota(work, rota_id)
    other = given["instead_of"]
    return rotas.add_override(
        work.session,
        rota,
        staff=lists.staff_of(work.session, given["staff"]),
        instead_of=lists.staff_of(work.session, other) if other else None,
        reason=given["reason"],
        **{name: given[name] for name in STRETCH},
        actor=work.name,
        now=work.now,
    )


@blp.on("POST", "/rotas/<int:rota_id>/swaps")
@allow(*WRITERS)
@blp.takes(SwapSchema)
@edge.writes(blp, SwappedSchema, 201)
def swap(work: Work, given: dict[str, Any], rota_id: int) -> Any:
    """Two people change places, with the reason: two overrides, one for each stretch."""
    rota = _rota(work, rota_id)
    one, other = (
        Stretch(given["layer"], turn["staff"], turn["start_at"], turn["end_at"], "")
        for turn in (given["first"], given["second"])
    )
    for turn in (one, other):
        lists.staff_of(work.session, turn.staff_id)
    made = rotas.swap(
        work.session, rota, first=one, second=other, reason=given["reason"], actor=work.name, now=work.now
    )
    return {"items": list(made)}


@blp.on("POST", "/overrides/<int:override_id>/cancel")
@allow(*WRITERS)
@edge.writes(blp, StretchMadeSchema)
def cancel_override(work: Work, override_id: int) -> Any:
    """Take a stand-in back; what was planned before it counts again."""
    row = lists.find(work.session, Override, override_id)
    _rota(work, row.rota_id)
    rotas.cancel(work.session, row, actor=work.name, now=work.now)
    return row
