"""People of the care team, and the ways to reach them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import ROLES, Instant, Page, Text, page_schema
from service.errors import Forbidden, NotFound
from service.models import ContactMethod, Staff
from service.security import Role
from service.use_cases import contacts, lists, staff

blp = Blueprint("staff", __name__, description="The care team")

WRITERS = (Role.COORDINATOR, Role.OPERATOR)
READERS = (*WRITERS, Role.INVESTIGATOR, Role.CLINICIAN)
CHANNELS = validate.OneOf(["sms", "voice", "email"])
HIGH = (Role.ADMIN, Role.OPERATOR, Role.INVESTIGATOR)


class NewStaffSchema(Schema):
    name = Text(required=True, longest=60)
    email = Text(required=True, longest=120)
    role = Text(required=True, validate=ROLES)
    site = Text(load_default=None, allow_none=True, longest=32, metadata={"description": "null: every site"})
    phone = Text(load_default=None, allow_none=True, longest=32)
    language = Text(load_default="pt-BR", longest=20)
    password = Text(load_default=None, allow_none=True, shortest=10, longest=200, load_only=True)


class ContactSchema(Schema):
    id = fields.Integer(required=True)
    channel = fields.String(required=True)
    address = fields.String(required=True, metadata={"description": "masked"})
    verified_at = Instant(required=True, allow_none=True)
    last_delivered_at = Instant(required=True, allow_none=True)
    opted_out_at = Instant(required=True, allow_none=True)


class StaffSchema(Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True)
    site_id = fields.Integer(required=True, allow_none=True)
    language = fields.String(required=True)
    active = fields.Boolean(required=True)
    created_at = Instant(required=True)
    contacts = fields.List(fields.Nested(ContactSchema), required=True)


StaffPage = page_schema("StaffPage", StaffSchema)


class NewContactSchema(Schema):
    channel = Text(required=True, validate=CHANNELS)
    address = Text(required=True, longest=120)


class CodeSchema(Schema):
    code = Text(required=True, longest=12)


class VerifiedSchema(Schema):
    verified = fields.Boolean(required=True)


def _person(work: Work, staff_id: int) -> Staff:
    person = lists.staff_of(work.session, staff_id)
    access.check_site(person.site_id)
    return person


def _contact(work: Work, staff_id: int, contact_id: int) -> ContactMethod:
    person = _person(work, staff_id)
    for row in contacts.of_staff(work.session, [person.id]):
        if row.id == contact_id:
            return row
    raise NotFound("this person has no such contact", field="contact", value=contact_id)


def _shape(work: Work, person: Staff) -> dict[str, Any]:
    return shapes.staff(person, contacts.of_staff(work.session, [person.id]))


@blp.on("POST", "/staff")
@allow(*WRITERS)
@blp.takes(NewStaffSchema)
@edge.writes(blp, StaffSchema, 201)
def add_staff(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    """Add a person. Their telephone is used for pages once it is verified."""
    site = lists.site_by_code(work.session, given["site"]) if given["site"] else None
    mine = work.actor.site_id
    if mine is not None and (site is None or site.id != mine):
        raise Forbidden("a token of one site adds people of that site only")
    if given["role"] in HIGH and work.actor.role is not Role.ADMIN:
        raise Forbidden(f"only an administrator's token adds a person with the role {given['role']}")
    values = {name: value for name, value in given.items() if name != "site"}
    person = staff.add(
        work.session, **values, site_id=site.id if site else None, actor=work.name, now=work.now
    )
    return _shape(work, person)


@blp.on("GET", "/staff")
@allow(*READERS)
@blp.asks(Page)
@edge.reads(blp, StaffPage)
def list_staff(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """People of the token's site, with their contacts."""
    rows = lists.staff(
        work.session, site_id=work.actor.site_id, after=edge.after(query["cursor"]), limit=query["limit"]
    )
    return edge.page(rows, query["limit"], lambda row: _shape(work, row))


@blp.on("POST", "/staff/<int:staff_id>/contacts")
@allow(*WRITERS)
@blp.takes(NewContactSchema)
@edge.writes(blp, StaffSchema, 201)
def add_contact(work: Work, given: dict[str, Any], staff_id: int) -> dict[str, Any]:
    """A new way to reach a person, unused until it is verified."""
    person = _person(work, staff_id)
    contacts.add(work.session, person, **given, actor=work.name, now=work.now)
    return _shape(work, person)


@blp.on("POST", "/staff/<int:staff_id>/contacts/<int:contact_id>/code")
@allow(*WRITERS)
@edge.writes(blp, StaffSchema)
def send_code(work: Work, staff_id: int, contact_id: int) -> dict[str, Any]:
    """Send a code by that contact, good for 15 minutes."""
    contact = _contact(work, staff_id, contact_id)
    contacts.send_code(work.session, contact, actor=work.name, now=work.now)
    return _shape(work, _person(work, staff_id))


@blp.on("POST", "/staff/<int:staff_id>/contacts/<int:contact_id>/verify")
@allow(*WRITERS)
@blp.takes(CodeSchema)
@edge.writes(blp, VerifiedSchema)
def verify_contact(work: Work, given: dict[str, Any], staff_id: int, contact_id: int) -> dict[str, Any]:
    """The code that arrived there; `verified` false for a wrong or an old one."""
    contact = _contact(work, staff_id, contact_id)
    right = contacts.verify(work.session, contact, given["code"], actor=work.name, now=work.now)
    return {"verified": right}
