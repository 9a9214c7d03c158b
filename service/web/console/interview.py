"""The questions by telephone: one form, typed by staff, kept apart from what patients type themselves."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor
from service.errors import NotFound, Problem
from service.models import Patient
from service.runtime import current
from service.security import new_token
from service.use_cases import questions_page, studies
from service.web.base import go, say
from service.web.console.blueprint import console, patient_of, planners
from service.web.forms import Form
from workflows.answers import Wrong, read_answer
from workflows.decisions import RuleViolation
from workflows.protocol import ItemType, Level, Questionnaire


@console.get("/patients/<int:patient_id>/interview/<questionnaire>")
@planners
def interview(patient_id: int, questionnaire: str) -> str:
    with current().db.reading() as session:
        patient = patient_of(session, patient_id)
        return _shown(session, patient, _asked(session, patient, questionnaire), Form())


@console.post("/patients/<int:patient_id>/interview/<questionnaire>")
@planners
def interview_answers(patient_id: int, questionnaire: str) -> str | Response | tuple[str, int]:
    form = Form(request.form)
    runtime = current()
    now = runtime.clock.now()
    try:
        with runtime.db.unit_of_work() as session:
            patient = patient_of(session, patient_id)
            asked = _asked(session, patient, questionnaire)
            answers = _read(form, asked, patient.language)
            if form.ok:
                level = questions_page.interviewed(
                    session, patient, asked, answers, typed_by=actor().name, client_id=form.value("client_id"), now=now
                )
    except (Problem, RuleViolation) as error:
        form.take(error, known=form.typed)
    if not form.ok:
        with runtime.db.reading() as session:
            patient = patient_of(session, patient_id)
            return _shown(session, patient, _asked(session, patient, questionnaire), form), 422
    if level is Level.RED:
        say(_("RED: a case is open and the on-call clinician is being paged. Tell the patient now to go in."), "red")
    elif level is Level.AMBER:
        say(_("Saved. These answers opened a task: see To do."), "amber")
    else:
        say(_("Saved."))
    return go("console.patient", patient_id=patient_id)


def _asked(session: Session, patient: Patient, key: str) -> Questionnaire:
    for each in studies.design_for(session, patient).questionnaires:
        if each.key == key and "phone" in each.channels:
            return each
    raise NotFound("this questionnaire is not asked by telephone")


def _read(form: Form, asked: Questionnaire, language: str) -> dict[str, str]:
    answers: dict[str, str] = {}
    for item in asked.items:
        values = [value.strip() for value in form.typed.getlist(item.key) if value.strip()]
        if not values:
            continue
        raw = "".join(values) if item.type is ItemType.LETTERS else values[0]
        if isinstance(read_answer(item, raw, language), Wrong):
            form.fault(item.key, _("This cannot be read as an answer to this question."))
        answers[item.key] = raw
    if not answers:
        form.fault("", _("No answer is ticked."))
    return answers


def _shown(session: Session, patient: Patient, asked: Questionnaire, form: Form) -> str:
    occasion = questions_page.occasion_for_interview(session, patient, asked.key, now=current().clock.now())
    return render_template(
        "console/interview.html",
        patient=patient,
        asked=asked,
        form=form,
        occasion=occasion,
        client_id=new_token(),
    )
