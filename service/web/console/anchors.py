"""Record the date of an event on which visits hang: see first what else moves, then commit with a reason; undo."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from service.access import actor
from service.errors import Problem
from service.models import Patient
from service.runtime import current
from service.use_cases import anchors, studies
from service.web.base import go, say
from service.web.console.blueprint import console, patient_of, planners
from service.web.forms import Form
from workflows.decisions import RuleViolation
from workflows.protocol import StudyDesign


@console.get("/patients/<int:patient_id>/anchors")
@planners
def anchor_preview(patient_id: int) -> str | tuple[str, int]:
    form = Form(request.args)
    runtime = current()
    with runtime.db.unit_of_work() as session:  # the preview writes and rolls back
        patient = patient_of(session, patient_id)
        design = studies.design_for(session, patient)
        name, when, at = _read(form, design)
        diff: dict[str, Any] | None = None
        if form.ok:
            try:
                diff = anchors.preview(session, patient, anchor=name, date=when, time=at, now=runtime.clock.now())
            except (Problem, RuleViolation) as error:
                _take(form, error)
        return _shown(patient, design, form, diff), 200 if diff is not None else 422


@console.post("/patients/<int:patient_id>/anchors")
@planners
def anchor_commit(patient_id: int) -> str | Response | tuple[str, int]:
    form = Form(request.form)
    runtime = current()
    with runtime.db.reading() as session:
        design = studies.design_for(session, patient_of(session, patient_id))
    name, when, at = _read(form, design)
    reason = form.text("reason", longest=500)
    if form.ok:
        try:
            with runtime.db.unit_of_work() as session:
                done = anchors.commit(
                    session,
                    patient_of(session, patient_id),
                    anchor=name,
                    date=when,
                    time=at,
                    reason=reason,
                    actor=actor().name,
                    now=runtime.clock.now(),
                )
            say(_("Recorded: %(n)s visits moved. You can undo this on this page.", n=len(done["moved"])))
            return go("console.patient", patient_id=patient_id, anchor="calendar")
        except (Problem, RuleViolation) as error:
            _take(form, error)
    with runtime.db.unit_of_work() as session:
        patient = patient_of(session, patient_id)
        diff: dict[str, Any] | None = None
        if not set(form.errors) - {"reason"}:
            diff = anchors.preview(session, patient, anchor=name, date=when, time=at, now=runtime.clock.now())
        return _shown(patient, design, form, diff), 422


@console.post("/patients/<int:patient_id>/anchors/undo")
@planners
def anchor_undo(patient_id: int) -> Response:
    runtime = current()
    with runtime.db.unit_of_work() as session:
        anchors.undo(session, patient_of(session, patient_id), actor=actor().name, now=runtime.clock.now())
    say(_("Undone: the calendar is as it was."))
    return go("console.patient", patient_id=patient_id, anchor="calendar")


def _read(form: Form, design: StudyDesign) -> tuple[str, date | None, str | None]:
    name = form.one_of("anchor", [each.name for each in design.anchors if not each.latest_of])
    remove = form.value("remove") == "yes"
    return name, form.date("date", required=not remove) if not remove else None, form.time("time")


def _take(form: Form, error: Problem | RuleViolation) -> None:
    named = {form.value("anchor"): "date"}
    form.take(error, known=("date", "reason", "time"), **named)


def _shown(patient: Patient, design: StudyDesign, form: Form, diff: dict[str, Any] | None) -> str:
    labels = {anchor.name: anchor.label for anchor in design.anchors}
    return render_template("console/anchor.html", patient=patient, form=form, diff=diff, labels=labels)
