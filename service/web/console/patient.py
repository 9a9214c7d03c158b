"""One patient: calendar, temperatures, messages with their reasons, the thread; and changes of status."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from notifications.message import Channel
from notifications.render import RenderError
from service.access import actor
from service.errors import Problem
from service.models import Message, Patient
from service.runtime import current
from service.use_cases import (
    calendar,
    conflicts,
    matrix,
    observations,
    patients,
    questions_page,
    studies,
    thread,
    worklist,
)
from service.web.base import go, say
from service.web.console import chart
from service.web.console.answered import Asks
from service.web.console.blueprint import console, patient_of, planners, readers
from service.web.forms import Form
from workflows.decisions import RuleViolation
from workflows.enrolment import PatientStatus

STATUSES = ("admitted", "discharged", *(str(each) for each in PatientStatus if each is not PatientStatus.SCREENING))


@console.get("/patients/<int:patient_id>")
@readers
def patient(patient_id: int) -> str:
    with current().db.reading() as session:
        return _shown(session, patient_of(session, patient_id), Form())


@console.post("/patients/<int:patient_id>/status")
@planners
def status(patient_id: int) -> str | Response | tuple[str, int]:
    form = Form(request.form)
    wanted = form.one_of("status", STATUSES)
    on = form.date("on")
    reason = form.text("reason", required=False, longest=500)
    runtime = current()
    if form.ok and on is not None:
        try:
            with runtime.db.unit_of_work() as session:
                found = patient_of(session, patient_id)
                patients.set_status(
                    session, found, status=wanted, on=on, reason=reason, actor=actor().name, now=runtime.clock.now()
                )
            say(_("Recorded."))
            return go("console.patient", patient_id=patient_id)
        except (Problem, RuleViolation) as error:
            form.take(error)
    with runtime.db.reading() as session:
        return _shown(session, patient_of(session, patient_id), form), 422


def _shown(session: Session, found: Patient, form: Form) -> str:
    now = current().clock.now()
    today = now.astimezone(ZoneInfo(found.timezone)).date()
    visits = calendar.visits_of(session, found)
    clashes = conflicts.of_visits(session, visits, today=today)
    measured = thread.readings(session, found)
    asked = thread.occasions(session, found, since=found.created_at - timedelta(days=30), until=now)
    design = studies.design_for(session, found)
    before = _instant(request.args.get("before", ""))
    entries = thread.of(session, found, before=before)
    if not form.typed:
        form.typed["on"] = today.isoformat()
    return render_template(
        "console/patient.html",
        patient=found,
        form=form,
        statuses=_offered(found),
        cells=[matrix.cell_of(visit, today, clashes.get(visit.id, ())) for visit in visits],
        anchors=calendar.anchor_dates(session, found),
        labels={anchor.name: anchor.label for anchor in design.anchors},
        shown_anchors=[anchor for anchor in design.anchors if not anchor.latest_of],
        last_change=calendar.last_revision(session, found),
        chart=chart.draw(
            visits,
            measured,
            asked,
            limit=questions_page.red_from(design),
            zone=found.timezone,
            now=now,
            labs=observations.current(session, found),
            band=observations.band_of(design),
        ),
        chart_box=chart,
        measured=measured[::-1],
        asked=asked[::-1],
        given=thread.answers(session, found),
        alerts=thread.alerts(session, found),
        tasks=worklist.tasks_of(session, found, now=now),
        waiting=thread.waiting(session, found, now=now),
        entries=entries,
        older=entries[-1].at.isoformat() if len(entries) >= thread.LIMIT else None,
        before=before,
        interviews=[each for each in design.questionnaires if "phone" in each.channels],
        asks=Asks(design),
        text_of=text_of,
        today=today,
        undo=request.args.get("undo", type=int),
    )


def _instant(text: str) -> datetime | None:
    """The instant of an "Older" link; None, which shows the newest, for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def _offered(found: Patient) -> list[str]:
    if found.status == PatientStatus.ENROLLED:
        stay = "discharged" if found.admitted_at else "admitted"
        return [stay, "withdrawn", "completed", "died"]
    return ["enrolled"] if found.status == PatientStatus.DIED else ["enrolled", "died"]


def text_of(message: Message) -> str:
    """What a message says, rendered as it was or will be sent; its template's name where it cannot be."""
    fields: dict[str, Any] = dict(message.fields)
    runtime = current()
    if str(fields.get("url", "")).startswith("/"):
        fields["url"] = runtime.config.public_url.rstrip("/") + fields["url"]
    try:
        rendered = runtime.renderer.render(
            message.template,
            {name: str(value) for name, value in fields.items()},
            language=message.language,
            channel=Channel(message.channel),
            profile="minimal" if message.profile == "minimal" else "full",
        )
    except (RenderError, ValueError, KeyError):
        return message.template
    return rendered.text
