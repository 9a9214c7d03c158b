"""How a patient is reached, and what they want: changed with a reason."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from service.access import actor
from service.errors import Problem
from service.models import Patient
from service.runtime import current
from service.use_cases import patients
from service.web.base import go, say
from service.web.console.blueprint import console, patient_of, planners
from service.web.forms import Form
from service.web.i18n import LANGUAGES
from workflows.decisions import RuleViolation

FIELDS = ("phone", "next_of_kin", "channel", "language", "timezone", "weight_kg", "opted_out")


@console.get("/patients/<int:patient_id>/edit")
@planners
def edit(patient_id: int) -> str:
    with current().db.reading() as session:
        found = patient_of(session, patient_id)
        return _shown(found, Form({name: getattr(found, name) or "" for name in FIELDS}))


@console.post("/patients/<int:patient_id>/edit")
@planners
def save_edit(patient_id: int) -> str | Response | tuple[str, int]:
    form = Form(request.form)
    runtime = current()
    form.one_of("channel", patients.CHANNELS)
    form.one_of("language", LANGUAGES)
    form.one_of("opted_out", ("reminders", "all"), required=False)
    reason = form.text("reason", longest=500)
    if form.ok:
        try:
            with runtime.db.unit_of_work() as session:
                found = patient_of(session, patient_id)
                changes = _changes(form, found)
                if changes:
                    patients.update(
                        session, found, reason=reason, actor=actor().name, now=runtime.clock.now(), **changes
                    )
            say(_("Recorded.") if changes else _("Nothing was changed."))
            return go("console.patient", patient_id=patient_id)
        except (Problem, RuleViolation) as error:
            form.take(error)
    with runtime.db.reading() as session:
        return _shown(patient_of(session, patient_id), form), 422


def _changes(form: Form, found: Patient) -> dict[str, Any]:
    typed = {name: form.value(name).strip() or None for name in FIELDS}
    return {name: value for name, value in typed.items() if value != (getattr(found, name) or None)}


def _shown(found: Patient, form: Form) -> str:
    return render_template("console/edit.html", patient=found, form=form)
