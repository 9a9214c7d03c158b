"""One visit: book, complete, miss, move, cancel."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor
from service.errors import Problem
from service.models import Visit
from service.runtime import current
from service.use_cases import calendar, conflicts, matrix, studies, visits
from service.web.base import go, say
from service.web.console.blueprint import console, planners, visit_of
from service.web.forms import Form
from workflows.decisions import RuleViolation
from workflows.visits import MOVES, VisitStatus

ENDS = {"miss": VisitStatus.MISSED, "cancel": VisitStatus.CANCELLED, "plan": VisitStatus.PLANNED}
VERBS = ("book", "complete", "miss", "move", "cancel", "plan")


@console.get("/visits/<int:visit_id>")
@planners
def visit(visit_id: int) -> str:
    with current().db.reading() as session:
        return _shown(session, visit_of(session, visit_id), Form())


@console.post("/visits/<int:visit_id>")
@planners
def change_visit(visit_id: int) -> str | Response | tuple[str, int]:
    form = Form(request.form)
    runtime = current()
    now = runtime.clock.now()
    with runtime.db.reading() as session:
        found = visit_of(session, visit_id)
        changes = _read(form, found)
    if form.ok:
        try:
            with runtime.db.unit_of_work() as session:
                changed = visits.change(session, visit_of(session, visit_id), **changes, actor=actor().name, now=now)
                patient_id, words = changed.patient_id, f"{changed.patient.code}, {changed.code}"
            say(_("Recorded: %(visit)s.", visit=words))
            if form.value("back") == "today":
                return go("console.today")
            return go("console.patient", patient_id=patient_id, anchor="calendar")
        except (Problem, RuleViolation) as error:
            form.take(error, completed_on="date", booked_at="date", status="")
    with runtime.db.reading() as session:
        return _shown(session, visit_of(session, visit_id), form), 422


def _read(form: Form, found: Visit) -> dict[str, Any]:
    verb = form.one_of("verb", VERBS)
    changes: dict[str, Any] = {"reason": form.text("reason", required=False, longest=500)}
    if form.value("version").isdigit():
        changes["expect_version"] = int(form.value("version"))
    if verb in ("book", "move", "complete"):
        day = form.date("date")
        if verb == "complete":
            changes |= {"status": VisitStatus.COMPLETED, "completed_on": day}
        elif verb == "move":
            changes["date"] = day
        elif day is not None:
            at = time.fromisoformat(form.time("time", required=True) or "00:00")
            booked = datetime.combine(day, at, ZoneInfo(found.patient.timezone))
            changes |= {"status": VisitStatus.BOOKED, "date": day, "booked_at": booked}
    elif verb:
        changes["status"] = ENDS[verb]
    return changes


def _shown(session: Session, found: Visit, form: Form) -> str:
    zone = ZoneInfo(found.patient.timezone)
    today = current().clock.now().astimezone(zone).date()
    if not form.typed:
        form.typed["date"] = found.date.isoformat()
        booked = found.booked_at.astimezone(zone).strftime("%H:%M") if found.booked_at else ""
        form.typed["time"] = booked or found.patient.site.clinic_hour
    design = studies.design_for(session, found.patient)
    dates = next((anchor.name for anchor in design.anchors if anchor.recorded_by == found.code), None)
    record = (
        url_for("console.anchor_preview", patient_id=found.patient_id, anchor=dates, date=min(found.date, today))
        if dates
        else ""
    )
    return render_template(
        "console/visit.html",
        visit=found,
        cell=matrix.cell_of(found, today),
        form=form,
        moves={str(each) for each in MOVES[VisitStatus(found.status)]},
        record=record,
        today=today,
        clashes=conflicts.of_patient(
            session, found.patient, calendar.visits_of(session, found.patient), today=today, only=(found.code,)
        ),
    )
