"""Today: what must be done now, and why."""

from __future__ import annotations

from flask import render_template, request

from service.access import actor
from service.runtime import current
from service.use_cases import worklist
from service.web.console.blueprint import console, readers


@console.get("/")
@readers
def today() -> str:
    runtime = current()
    with runtime.db.reading() as session:
        work = worklist.today(session, site_id=actor().site_id, now=runtime.clock.now())
        return render_template("console/today.html", work=work, undo=request.args.get("undo", type=int))
