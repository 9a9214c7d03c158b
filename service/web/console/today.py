"""Today: what must be done now, and why."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import render_template, request

from service.access import actor
from service.runtime import current
from service.use_cases import conflicts, roster, worklist
from service.web.console.blueprint import console, readers


@console.get("/")
@readers
def today() -> str:
    runtime = current()
    now = runtime.clock.now()
    with runtime.db.reading() as session:
        work = worklist.today(session, site_id=actor().site_id, now=now)
        full, clashes = [], []
        for _study, site in roster.sites_for(session, actor().site_id):
            local = now.astimezone(ZoneInfo(site.timezone)).date()
            full += [(site, each, count) for each, count in conflicts.full_days(session, site, start=local)]
            clashes += conflicts.coming(session, site.id, today=local)
        return render_template(
            "console/today.html", work=work, undo=request.args.get("undo", type=int), full=full, clashes=clashes
        )
