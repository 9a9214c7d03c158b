"""The study: its protocol, the defaults that a named investigator stands for, its sites."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from service.access import actor, allow
from service.errors import NotFound
from service.models import Site, Study
from service.runtime import current
from service.security import Role
from service.use_cases import roster, studies
from service.web.base import go, say
from service.web.console.blueprint import console, readers
from service.web.forms import Form
from workflows.protocol import StudyDesign


@console.get("/study")
@readers
def study() -> str:
    with current().db.reading() as session:
        found: list[tuple[Study, StudyDesign, list[Site]]] = [
            (each, studies.design_of(session, each.version_id), sites)
            for each, sites in roster.studies_for(session, actor().site_id)
            if each.version_id is not None
        ]
        return render_template("console/study.html", studies=found, form=Form())


@console.post("/study/<int:study_id>")
@allow(Role.INVESTIGATOR)
def study_step(study_id: int) -> Response:
    verb = Form(request.form).one_of("verb", ("confirm", "activate"))
    runtime = current()
    now, who = runtime.clock.now(), actor()
    with runtime.db.unit_of_work() as session:
        found = session.get(Study, study_id)
        if found is None:
            raise NotFound("there is no such study")
        if verb == "confirm":
            studies.confirm(session, found, by=who.shown, actor=who.name, now=now)
        elif verb == "activate":
            studies.activate(session, found, actor=who.name, now=now)
    say(_("Recorded."))
    return go("console.study")
