"""Enrol a patient: one form; faults name the field and keep what was typed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, available_timezones

from flask import render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from notifications.phone import PhoneError, parse_phone
from service.access import actor, check_site
from service.errors import Problem
from service.models import Site, Study
from service.runtime import current
from service.use_cases import enrolment, roster
from service.web.base import go, say
from service.web.console.blueprint import console, planners
from service.web.forms import Form
from service.web.i18n import LANGUAGES
from workflows.decisions import RuleViolation

CHANNELS = ("sms", "whatsapp")
CODE = re.compile(r"[!-~]+")
OLDEST = timedelta(days=366)


@console.get("/patients/new")
@planners
def enrol_form() -> str:
    runtime = current()
    with runtime.db.reading() as session:
        sites = roster.sites_for(session, actor().site_id)
        first: dict[str, str] = {"language": "pt-BR", "channel": "sms"}
        if sites:
            study, site = sites[0]
            first |= {
                "site": str(site.id),
                "code": roster.next_code(session, study),
                "timezone": site.timezone,
                "enrolled_on": runtime.clock.now().astimezone(ZoneInfo(site.timezone)).date().isoformat(),
            }
        return _shown(Form(first), sites)


@console.post("/patients/new")
@planners
def enrol() -> str | Response | tuple[str, int]:
    form = Form(request.form)
    runtime = current()
    now = runtime.clock.now()
    with runtime.db.reading() as session:
        sites = roster.sites_for(session, actor().site_id)
        values = _read(form, sites, now.date())
        if values is None:
            return _shown(form, sites), 422
    try:
        with runtime.db.unit_of_work() as session:
            check_site(values.site.id)
            new = enrolment.NewPatient(
                **vars(values) | {"study": session.merge(values.study), "site": session.merge(values.site)}
            )
            patient = enrolment.enrol_patient(session, new, actor=actor().name, now=now)
            patient_id, code = patient.id, patient.code
    except (Problem, RuleViolation) as error:
        form.take(error)
        return _shown(form, sites), 422
    say(_("%(code)s is enrolled. The calendar is below; a welcome message is on its way.", code=code))
    return go("console.patient", patient_id=patient_id)


def _read(form: Form, sites: list[tuple[Study, Site]], today: date) -> enrolment.NewPatient | None:
    chosen = form.one_of("site", [str(site.id) for _study, site in sites])
    code = form.text("code", longest=15)
    if code and not CODE.fullmatch(code):
        form.fault("code", _("Letters, digits and signs without spaces, e.g. P-001."))
    phone = _phone(form, "phone", required=True)
    kin = _phone(form, "next_of_kin", required=False)
    language = form.one_of("language", LANGUAGES)
    zone = form.one_of("timezone", available_timezones())
    channel = form.one_of("channel", CHANNELS)
    enrolled_on = form.date("enrolled_on")
    weight = form.decimal("weight_kg", Decimal(20), Decimal(300))
    if enrolled_on and not today - OLDEST <= enrolled_on <= today + timedelta(days=1):
        form.fault("enrolled_on", _("Not in the future, and not more than a year ago."))
    if not form.ok or enrolled_on is None:
        return None
    study, site = next(each for each in sites if str(each[1].id) == chosen)
    return enrolment.NewPatient(
        study=study,
        site=site,
        code=code,
        phone=phone,
        language=language,
        timezone=zone,
        enrolled_on=enrolled_on,
        weight_kg=weight,
        channel=channel,
        next_of_kin=kin or None,
    )


def _phone(form: Form, name: str, *, required: bool) -> str:
    typed = form.text(name, required=required, longest=40)
    if not typed:
        return ""
    try:
        return parse_phone(typed)
    except PhoneError:
        form.fault(name, _("Not a telephone number: write it with its area code."))
        return ""


def _shown(form: Form, sites: list[tuple[Study, Site]]) -> str:
    zones = sorted(available_timezones())
    return render_template("console/enrol.html", form=form, sites=sites, zones=zones)
