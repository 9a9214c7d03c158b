"""Laboratory values of a patient: typed in, corrected by a new row; the arithmetic of a dose, for the prescriber."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor
from service.errors import NotFound, Problem
from service.models import Observation, Patient
from service.runtime import current
from service.use_cases import observations, studies, tell_doctor
from service.web.base import go, say
from service.web.console.blueprint import console, patient_of, readers, workers
from service.web.forms import Form
from workflows.decisions import RuleViolation
from workflows.dosing import Dose, csa_correction
from workflows.labs import LABS, is_trough

MOST = Decimal(10_000_000)


@console.get("/patients/<int:patient_id>/labs")
@readers
def labs(patient_id: int) -> str:
    with current().db.reading() as session:
        return _shown(session, patient_of(session, patient_id), Form(), Form(request.args))


@console.post("/patients/<int:patient_id>/labs")
@workers
def add_lab(patient_id: int) -> str | Response | tuple[str, int]:
    form = Form(request.form)
    runtime = current()
    now = runtime.clock.now()
    code = form.one_of("code", LABS)
    value = form.decimal("value", Decimal(0), MOST, required=True)
    unit = form.text("unit", longest=20)
    day = form.date("drawn_on")
    drawn, dose = form.time("drawn_time"), form.time("dose_time")
    if form.ok and value is not None and day is not None:
        try:
            with runtime.db.unit_of_work() as session:
                found = patient_of(session, patient_id)
                drawn_at, dose_at = _times(day, drawn, dose, ZoneInfo(found.timezone))
                observations.record(
                    session, found, code=code, value=value, unit=unit, drawn_on=day, drawn_at=drawn_at,
                    last_dose_at=dose_at, actor=actor().name, now=now,
                )  # fmt: skip
            say(_("Recorded."))
            return go("console.labs", patient_id=patient_id)
        except (Problem, RuleViolation) as error:
            form.take(error, drawn_at="drawn_time", last_dose_at="dose_time")
    with runtime.db.reading() as session:
        return _shown(session, patient_of(session, patient_id), form, Form()), 422


@console.post("/labs/<int:observation_id>/tell")
@workers
def tell_doctor_of(observation_id: int) -> Response:
    """The doctor on call is told of this value, in their language and without a word of it in the text."""
    runtime = current()
    with runtime.db.unit_of_work() as session:
        row = session.get(Observation, observation_id)
        if row is None:
            raise NotFound("there is no such value")
        patient_of(session, row.patient_id)

        def words(language: str) -> str:
            with force_locale(language.replace("-", "_")):
                return str(_("a laboratory value outside its target: look at it"))

        person = tell_doctor.tell(session, row, words=words, actor=actor().name, now=runtime.clock.now())
        name = person.name
    say(_("%(who)s was told.", who=name))
    return go("console.today")


def _times(
    day: date, drawn: str | None, dose: str | None, zone: ZoneInfo
) -> tuple[datetime | None, datetime | None]:
    """The draw and the last dose before it: a dose hour later than the draw's was on the day before."""
    drawn_at = datetime.combine(day, time.fromisoformat(drawn), zone) if drawn else None
    dose_at = datetime.combine(day, time.fromisoformat(dose), zone) if dose else None
    if dose_at is not None and (drawn_at is None or dose_at >= drawn_at):
        dose_at -= timedelta(days=1)
    return drawn_at, dose_at


def _shown(session: Session, found: Patient, form: Form, asked: Form) -> str:
    rows = observations.current(session, found)
    band = observations.band_of(studies.design_for(session, found))
    today = current().clock.now().astimezone(ZoneInfo(found.timezone)).date()
    if "drawn_on" not in form.typed:
        form.typed["drawn_on"] = today.isoformat()
    level = next((row for row in reversed(rows) if row.code == "csa"), None)
    return render_template(
        "console/labs.html",
        patient=found,
        form=form,
        rows=rows[::-1],
        labs=LABS,
        level=level,
        trough=is_trough(level.drawn_at, level.last_dose_at) if level else None,
        band=band,
        asked=asked,
        dose=_dose(asked, level),
    )


def _dose(asked: Form, level: Observation | None) -> Dose | None:
    if level is None or not asked.value("current_mg"):
        return None
    current_mg = asked.decimal("current_mg", Decimal(1), Decimal(2000))
    if current_mg is None:
        return None
    return csa_correction(current_mg, Decimal(level.value))
