"""Protocol amendments: what a version changes, in sentences; patients seen and moved, one by one or together."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor
from service.errors import NotFound, Problem
from service.models import Patient, Study, StudyVersion
from service.runtime import current
from service.use_cases import amendments, studies
from service.web.base import go, say
from service.web.console.blueprint import console, patient_of, planners, readers
from service.web.forms import Form
from workflows.amendments import Sentence
from workflows.decisions import RuleViolation

SHOWN = 200

SENTENCES = (  # the templates of workflows.amendments, for the translators
    lazy_gettext("The study %(was)s became %(now)s."),
    lazy_gettext("Version %(was)s became version %(now)s."),
    lazy_gettext("Anchor %(name)s was projected %(was)s; now %(now)s."),
    lazy_gettext("Anchor %(name)s could not be before %(was)s; now %(now)s."),
    lazy_gettext("%(visits)s: no longer in the plan."),
    lazy_gettext("%(visits)s: new in the plan."),
    lazy_gettext("%(visits)s: the place was %(was)s; now %(now)s."),
    lazy_gettext("%(visits)s: another label."),
    lazy_gettext("%(visits)s: other reminders."),
    lazy_gettext("%(visits)s: measures %(now)s; it measured %(was)s."),
    lazy_gettext("%(visits)s: changed in %(what)s."),
    lazy_gettext("The order of the visits changed, and with it which code a merged appointment carries."),
    lazy_gettext("%(visits)s: now unscheduled."),
    lazy_gettext("%(visits)s: now scheduled."),
    lazy_gettext("%(visits)s: one day later, counted from %(anchor)s."),
    lazy_gettext("%(visits)s: one day earlier, counted from %(anchor)s."),
    lazy_gettext("%(visits)s: %(days)s days later, counted from %(anchor)s."),
    lazy_gettext("%(visits)s: %(days)s days earlier, counted from %(anchor)s."),
    lazy_gettext("%(visits)s: was %(was)s; now %(now)s."),
    lazy_gettext("%(visits)s: the window was %(was)s days; now %(now)s."),
    lazy_gettext("%(visits)s: was never before %(was)s; now %(now)s."),
    lazy_gettext("Setting %(name)s was %(was)s; now %(now)s."),
    lazy_gettext("%(kind)s %(name)s changed but kept its version %(version)s: give it a new one."),
    lazy_gettext("%(kind)s %(name)s changed."),
    lazy_gettext("%(kind)s %(name)s is gone."),
    lazy_gettext("%(kind)s %(name)s is new."),
    lazy_gettext("%(kind)s: %(was)s became %(now)s."),
    lazy_gettext("Anchor"),
    lazy_gettext("Setting"),
    lazy_gettext("Stop"),
    lazy_gettext("Questionnaire"),
    lazy_gettext("Triage rule"),
    lazy_gettext("Silence rule"),
    lazy_gettext("Escalation policy"),
    lazy_gettext("Closed days"),
    lazy_gettext("Merging visits of one day"),
    lazy_gettext("The message profile"),
    lazy_gettext("The length of the study in days"),
    lazy_gettext("Confirmation by the site"),
)


@console.app_template_filter("said")
def said(sentence: Sentence) -> str:
    """A sentence about an amendment in this page's language."""
    values = dict(sentence.values)
    if "kind" in values:
        values["kind"] = gettext(values["kind"])
    return str(gettext(sentence.template)) % values


@console.get("/study/<int:study_id>/amendment")
@readers
def amendment(study_id: int) -> str:
    with current().db.reading() as session:
        return _study_page(session, _study(session, study_id), Form(request.args))


@console.post("/study/<int:study_id>/amendment")
@planners
def amend_many(study_id: int) -> str | Response | tuple[str, int]:
    form = Form(request.form)
    reason = form.text("reason", longest=500)
    chosen = [int(each) for each in request.form.getlist("patient") if each.isdigit()]
    if not chosen:
        form.fault("patient", _("Choose at least one patient."))
    runtime = current()
    if form.ok:
        try:
            with runtime.db.unit_of_work() as session:
                study = _study(session, study_id)
                version = amendments.version_of(session, study, form.value("new"))
                people = [patient_of(session, number) for number in chosen]
                moves = amendments.migrate_many(
                    session, people, version, reason=reason, actor=actor().name, now=runtime.clock.now()
                )
                refused = [f"{move.patient.code}: {move.refused}" for move in moves if move.diff is None]
                done = len(moves) - len(refused)
            say(
                ngettext(
                    "%(num)s patient moved. It can be undone on the patient's page.",
                    "%(num)s patients moved. It can be undone on each patient's page.",
                    done,
                )
            )
            for sentence in refused:
                say(sentence, "amber")
            return go("console.amendment", study_id=study_id)
        except (Problem, RuleViolation) as error:
            form.take(error)
    with runtime.db.reading() as session:
        return _study_page(session, _study(session, study_id), form), 422


@console.get("/patients/<int:patient_id>/amendment")
@planners
def amendment_preview(patient_id: int) -> str | tuple[str, int]:
    form = Form(request.args)
    runtime = current()
    with runtime.db.unit_of_work() as session:  # the preview writes and rolls back
        return _patient_page(session, patient_of(session, patient_id), form)


@console.post("/patients/<int:patient_id>/amendment")
@planners
def amend_one(patient_id: int) -> Response | tuple[str, int]:
    form = Form(request.form)
    reason = form.text("reason", longest=500)
    runtime = current()
    if form.ok:
        try:
            with runtime.db.unit_of_work() as session:
                patient = patient_of(session, patient_id)
                version = amendments.version_of(session, patient.study, form.value("version"))
                done = amendments.migrate(
                    session, patient, version, reason=reason, actor=actor().name, now=runtime.clock.now()
                )
            say(_("Recorded: %(n)s visits moved. You can undo this on this page.", n=len(done["moved"])))
            return go("console.patient", patient_id=patient_id, anchor="calendar")
        except (Problem, RuleViolation) as error:
            form.take(error)
    with runtime.db.unit_of_work() as session:
        return _patient_page(session, patient_of(session, patient_id), form)[0], 422


def _study(session: Session, study_id: int) -> Study:
    found = session.get(Study, study_id)
    if found is None or found.version_id is None:
        raise NotFound("there is no such study")
    return found


def _study_page(session: Session, study: Study, form: Form) -> str:
    versions = studies.versions(session, study)
    named = {each.version: each for each in versions}
    new = named.get(form.value("new")) or session.get_one(StudyVersion, study.version_id)
    earlier = [each for each in versions if each.id < new.id]
    old = named.get(form.value("old")) or (earlier[-1] if earlier else new)
    site_id = actor().site_id
    return render_template(
        "console/amendment.html",
        study=study,
        form=form,
        versions=versions,
        old=old,
        new=new,
        sentences=amendments.compare(session, old, new) if old.id != new.id else (),
        counts=amendments.in_use(session, study, site_id=site_id),
        people=amendments.waiting(session, new, site_id=site_id, limit=SHOWN),
        version_of={each.id: each.version for each in versions},
        confirmed=new.id != study.version_id or study.confirmed_by is not None,
    )


def _patient_page(session: Session, patient: Patient, form: Form) -> tuple[str, int]:
    version = amendments.version_of(session, patient.study, form.value("version"))
    sentences = amendments.sentences(session, patient, version)
    diff = None
    try:
        diff = amendments.preview(session, patient, version, now=current().clock.now())
    except (Problem, RuleViolation) as error:
        form.take(error)
    page = render_template(
        "console/amendment_patient.html",
        patient=patient,
        form=form,
        version=version,
        sentences=sentences,
        diff=diff,
        confirmed=version.id != patient.study.version_id or patient.study.confirmed_by is not None,
    )
    return page, 200 if diff is not None else 422
