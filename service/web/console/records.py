"""Small records on a patient's page: an unscheduled visit, and the correction of an answer."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from service.access import actor
from service.errors import NotFound
from service.models import Response
from service.runtime import current
from service.use_cases import responses, visits
from service.web.base import go, say
from service.web.console.blueprint import console, patient_of, planners
from service.web.forms import Form
from workflows.decisions import RuleViolation


@console.post("/patients/<int:patient_id>/visits")
@planners
def add_visit(patient_id: int) -> Answer:
    form = Form(request.form)
    day = form.date("date")
    reason = form.text("reason", longest=500)
    runtime = current()
    if day is None or not form.ok:
        raise RuleViolation("reason", reason, _("An unscheduled visit needs a date and a reason."))
    with runtime.db.unit_of_work() as session:
        found = patient_of(session, patient_id)
        added = visits.add_unscheduled(
            session, found, date=day, reason=reason, actor=actor().name, now=runtime.clock.now()
        )
        code = added.code
    say(_("Recorded: %(visit)s.", visit=code))
    return go("console.patient", patient_id=patient_id, anchor="calendar")


@console.post("/responses/<int:response_id>/correct")
@planners
def correct_response(response_id: int) -> Answer:
    """A new row that points at the old one; what the old one raised stays raised."""
    form = Form(request.form)
    value = form.text("value", longest=100)
    reason = form.text("reason", longest=500)
    runtime = current()
    if not form.ok:
        raise RuleViolation("reason", reason, _("A correction needs the right value and a reason."))
    with runtime.db.unit_of_work() as session:
        old = session.get(Response, response_id)
        if old is None:
            raise NotFound("there is no such answer")
        patient_id = patient_of(session, old.patient_id).id
        responses.correct(
            session, response_id, value, reason=reason, actor=actor().name, now=runtime.clock.now()
        )
    say(_("Corrected. The first answer stays in the record."))
    return go("console.patient", patient_id=patient_id)
