"""Verbs of tasks: seen (the clock stops), a note, done (with a note), and back from done."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from service.access import actor
from service.runtime import current
from service.use_cases import tasks
from service.web.base import go, say
from service.web.console.blueprint import console, task_of, workers
from service.web.forms import Form


@console.post("/tasks/<int:task_id>")
@workers
def task(task_id: int) -> Response:
    form = Form(request.form)
    verb = form.one_of("verb", ("seen", "note", "done", "reopen"))
    note = form.text("note", required=False, longest=500)
    if verb == "note" and not note:
        verb = "seen"  # pressed without a word
    runtime = current()
    now = runtime.clock.now()
    with runtime.db.unit_of_work() as session:
        found = task_of(session, task_id)
        who = found.patient.code if found.patient else ""
        if verb == "done":
            tasks.done(session, found, actor=actor().name, note=note, now=now)
        elif verb == "note":
            tasks.note(session, found, actor=actor().name, text=note, now=now)
        elif verb == "seen":
            tasks.see(session, found, actor=actor().name, now=now)
        elif verb == "reopen":
            tasks.reopen(session, found, actor=actor().name, now=now)
    sentences = {
        "seen": _("You have seen it: %(who)s.", who=who),
        "note": _("Noted: %(who)s.", who=who),
        "reopen": _("It waits again: %(who)s.", who=who),
    }
    if verb in sentences:
        say(sentences[verb])
    undo = task_id if verb == "done" else None
    if form.value("back").isdigit():
        return go("console.patient", patient_id=int(form.value("back")), undo=undo)
    return go("console.today", undo=undo)
