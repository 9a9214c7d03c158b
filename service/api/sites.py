"""Sites: where patients are seen, whom they call, and when the clinic is closed."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Day, Hour, Instant, Page, Text, Zone, page_schema
from service.api.patient_schemas import ComplianceSchema
from service.api.studies import of_all_sites
from service.models import Site
from service.security import Role
from service.use_cases import compliance, lists, sites

blp = Blueprint("sites", __name__, description="Sites")

WRITERS = (Role.COORDINATOR, Role.OPERATOR, Role.INVESTIGATOR)
COUNTRY = validate.Regexp(r"^[A-Z]{2}$", error="an ISO 3166 code, as BR")


class SiteFields(Schema):
    name = Text(longest=80)
    telephone = Text(longest=32)
    emergency_number = Text(longest=16)
    place = Text(longest=80)
    clinic_hour = Hour()
    timezone = Zone()
    country = Text(longest=2, validate=COUNTRY)
    subdivision = Text(longest=8, allow_none=True)
    closed_days = fields.List(Day(), validate=validate.Length(max=1000))
    daily_capacity = fields.Integer(strict=True, allow_none=True, validate=validate.Range(min=1, max=1000))
    whatsapp_templates = Text(longest=8000, shortest=0)


class NewSiteSchema(SiteFields):
    study = Text(required=True, longest=64)
    code = Text(required=True, longest=32)
    name = Text(required=True, longest=80)
    telephone = Text(required=True, longest=32)
    place = Text(required=True, longest=80)


class SiteChangeSchema(SiteFields):
    """Only what is given changes."""

    reason = Text(required=True, longest=500, lines=True)

    @validates_schema
    def something(self, data: dict[str, object], **kwargs: object) -> None:
        if not set(data) - {"reason"}:
            raise ValidationError("nothing to change was given")


class SiteSchema(Schema):
    id = fields.Integer(required=True)
    study = fields.String(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    telephone = fields.String(required=True)
    emergency_number = fields.String(required=True)
    place = fields.String(required=True)
    clinic_hour = fields.String(required=True)
    timezone = fields.String(required=True)
    country = fields.String(required=True)
    subdivision = fields.String(required=True, allow_none=True)
    closed_days = fields.List(fields.String(), required=True)
    daily_capacity = fields.Integer(required=True, allow_none=True)
    whatsapp_templates = fields.String(
        required=True, metadata={"description": "texts approved for this site, over the installation's"}
    )
    feed = fields.String(required=True, allow_none=True, metadata={"description": "the site's calendar feed"})
    created_at = Instant(required=True)


SitePage = page_schema("SitePage", SiteSchema)


class SiteQuery(Page):
    study = Text(load_default=None, longest=64)


def found(work: Work, site_id: int) -> Site:
    """The site, if who asks may know of it."""
    site = lists.find(work.session, Site, site_id)
    access.check_site(site.id)
    return site


@blp.on("POST", "/sites")
@allow(*WRITERS)
@blp.takes(NewSiteSchema)
@edge.writes(blp, SiteSchema, 201)
def create_site(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    """A new site of a study. A telephone or a place that no SMS can carry is refused here."""
    of_all_sites()
    study = lists.study_by_code(work.session, given["study"])
    values = {name: value for name, value in given.items() if name != "study"}
    site = sites.create(work.session, study, **values, actor=work.name, now=work.now)
    return shapes.site(site)


@blp.on("GET", "/sites")
@allow(*Role)
@blp.asks(SiteQuery)
@edge.reads(blp, SitePage)
def list_sites(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """The sites that the token may know of."""
    study = lists.study_by_code(work.session, query["study"]) if query["study"] else None
    rows = lists.sites(
        work.session,
        only=work.actor.site_id,
        study_id=study.id if study else None,
        after=edge.after(query["cursor"]),
        limit=query["limit"],
    )
    return edge.page(rows, query["limit"], shapes.site)


@blp.on("GET", "/sites/<int:site_id>")
@allow(*Role)
@edge.reads(blp, SiteSchema)
def get_site(work: Work, site_id: int) -> dict[str, Any]:
    """One site."""
    return shapes.site(found(work, site_id))


@blp.on("PATCH", "/sites/<int:site_id>")
@allow(*WRITERS)
@blp.takes(SiteChangeSchema)
@edge.writes(blp, SiteSchema)
def change_site(work: Work, given: dict[str, Any], site_id: int) -> dict[str, Any]:
    """Change a telephone, a place, the clinic hour or the closed days, with the reason."""
    site = found(work, site_id)
    sites.change(work.session, site, **given, actor=work.name, now=work.now)
    return shapes.site(site)


@blp.on("GET", "/sites/<int:site_id>/compliance")
@allow(Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR)
@edge.reads(blp, ComplianceSchema(many=True))
def site_compliance(work: Work, site_id: int) -> list[dict[str, Any]]:
    """Occasions of all the site's patients: due, answered, late and missed, by questionnaire."""
    return [vars(one) for one in compliance.of_site(work.session, found(work, site_id).id)]
