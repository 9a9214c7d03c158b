"""A site: added to a study and changed, with a reason; its telephone and place go into every text."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor, allow, check_site
from service.errors import Forbidden, NotFound, Problem
from service.models import Site, Study
from service.runtime import current
from service.security import Role
from service.use_cases import sites
from service.web.base import go, say
from service.web.console.blueprint import console
from service.web.forms import Form
from workflows.decisions import RuleViolation

Answer = str | Response | tuple[str, int]
FIRST = {"emergency_number": "192", "clinic_hour": "09:00", "timezone": "America/Sao_Paulo", "country": "BR"}
MOST_A_DAY = 1000
LONGEST_DAYS = 11_000  # a thousand dates
LONGEST_APPROVED = 8_000

keepers = allow(Role.COORDINATOR)


@console.get("/study/<int:study_id>/sites/new")
@keepers
def new_site(study_id: int) -> Answer:
    with current().db.reading() as session:
        return _shown(Form(FIRST), _study(session, study_id), None)


@console.post("/study/<int:study_id>/sites/new")
@keepers
def add_site(study_id: int) -> Answer:
    form, runtime = Form(request.form), current()
    code, values, reason = form.text("code", longest=32), _read(form), form.text("reason", longest=500)
    if form.ok:
        try:
            with runtime.db.unit_of_work() as session:
                study = _study(session, study_id)
                sites.create(
                    session, study, code=code, reason=reason, actor=actor().name, now=runtime.clock.now(), **values
                )
            say(_("Recorded."))
            return go("console.study")
        except (Problem, RuleViolation) as error:
            _take(form, error)
    with runtime.db.reading() as session:
        return _shown(form, _study(session, study_id), None), 422


@console.get("/sites/<int:site_id>/edit")
@keepers
def edit_site(site_id: int) -> Answer:
    with current().db.reading() as session:
        found = _site(session, site_id)
        kept: dict[str, Any] = {name: getattr(found, name) for name in sites.CHANGEABLE}
        typed = {name: str(value) for name, value in kept.items() if value is not None}
        return _shown(Form(typed | {"closed_days": "\n".join(found.closed_days)}), found.study, found)


@console.post("/sites/<int:site_id>/edit")
@keepers
def save_site(site_id: int) -> Answer:
    form, runtime = Form(request.form), current()
    values, reason = _read(form), form.text("reason", longest=500)
    if form.ok:
        try:
            with runtime.db.unit_of_work() as session:
                found = _site(session, site_id)
                changes = {name: value for name, value in values.items() if value != getattr(found, name)}
                if changes:
                    sites.change(
                        session, found, actor=actor().name, now=runtime.clock.now(), reason=reason, **changes
                    )
            say(_("Recorded.") if changes else _("Nothing was changed."))
            return go("console.study")
        except (Problem, RuleViolation) as error:
            _take(form, error)
    with runtime.db.reading() as session:
        found = _site(session, site_id)
        return _shown(form, found.study, found), 422


def _read(form: Form) -> dict[str, Any]:
    """What the form holds, by the names of the use case; of use only while the form is ok."""
    for name in ("code", "name", "telephone", "place", "country", "subdivision", "reason"):
        if not form.value(name).isprintable():
            form.fault(name, _("Only letters, digits and signs."))
    return {
        "name": form.text("name", longest=80),
        "telephone": form.text("telephone", longest=32),
        "emergency_number": form.text("emergency_number", longest=16),
        "place": form.text("place", longest=80),
        "clinic_hour": form.time("clinic_hour", required=True),
        "timezone": form.one_of("timezone", available_timezones()),
        "country": form.text("country", longest=2).upper(),
        "subdivision": form.text("subdivision", required=False, longest=8).upper() or None,
        "closed_days": form.text("closed_days", required=False, longest=LONGEST_DAYS).replace(",", " ").split(),
        "daily_capacity": _capacity(form),
        "whatsapp_templates": _approved(form),
    }


def _approved(form: Form) -> str:
    typed = form.text("whatsapp_templates", required=False, longest=LONGEST_APPROVED)
    return ", ".join(part.strip() for part in typed.replace("\n", ",").split(",") if part.strip())


def _capacity(form: Form) -> int | None:
    typed = form.text("daily_capacity", required=False, longest=10)
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit()):
        form.fault("daily_capacity", _("Write a number."))
        return None
    if not 1 <= int(typed) <= MOST_A_DAY:
        form.fault("daily_capacity", _("Between %(low)s and %(high)s.", low=1, high=MOST_A_DAY))
    return int(typed)


def _take(form: Form, error: Problem | RuleViolation) -> None:
    """A refusal on its field; what concerns no field of the form (another's site) is a page of its own."""
    if isinstance(error, Forbidden | NotFound):
        raise error
    form.take(error, (*sites.CHANGEABLE, "code", "reason"))


def _study(session: Session, study_id: int) -> Study:
    """The study that a site is added to, by somebody who belongs to no single site."""
    if actor().site_id is not None:
        raise Forbidden("only somebody of every site adds a site")
    found = session.get(Study, study_id)
    if found is None:
        raise NotFound("there is no such study")
    return found


def _site(session: Session, site_id: int) -> Site:
    found = sites.get(session, site_id)
    check_site(found.id)
    return found


def _shown(form: Form, study: Study, site: Site | None) -> str:
    zones = [(zone, zone) for zone in sorted(available_timezones())]
    return render_template("console/site.html", form=form, study=study, site=site, zones=zones)
