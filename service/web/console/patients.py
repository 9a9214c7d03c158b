"""The list of patients, with search."""

from __future__ import annotations

from flask import render_template, request

from service.access import actor
from service.runtime import current
from service.use_cases import roster
from service.web.console.blueprint import console, readers


@console.get("/patients")
@readers
def patients() -> str:
    words = request.args.get("q", "")[:80]
    page = request.args.get("page", 1, type=int)
    runtime = current()
    with runtime.db.reading() as session:
        found = roster.find(session, site_id=actor().site_id, words=words, page=page, now=runtime.clock.now())
        return render_template("console/patients.html", roster=found, words=words)
