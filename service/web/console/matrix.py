"""Patients x visits; each cell says in a sentence what it shows."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from service.access import actor
from service.models import Patient
from service.runtime import current
from service.use_cases import matrix as rows
from service.use_cases.matrix import Cell, State
from service.web.console.blueprint import console, readers
from service.web.console.clashes import clash
from service.web.i18n import day

SIGNS = {
    State.COMPLETED: "\N{CHECK MARK}",
    State.LATE: "!",
    State.DUE: "\N{BULLET}",
    State.BOOKED: "B",
    State.MISSED: "M",
    State.CANCELLED: "\N{MULTIPLICATION SIGN}",
    State.MERGED: "=",
    State.PLANNED: "",
    State.PROJECTED: "?",
}
LAST_PAGE = 100_000


@console.get("/matrix")
@readers
def matrix() -> str:
    runtime = current()
    page = min(max(1, request.args.get("page", 1, type=int)), LAST_PAGE)
    with runtime.db.reading() as session:
        grids = rows.grids(session, site_id=actor().site_id, now=runtime.clock.now(), page=page)
        return render_template(
            "console/matrix.html", grids=grids, signs=SIGNS, sentence=sentence, legend=_legend(), page=page
        )


def sentence(patient: Patient, cell: Cell) -> str:
    """"P-022, W08: 4 days past its window"."""
    visit = cell.visit
    facts = {
        State.COMPLETED: _("completed on %(day)s", day=day(visit.completed_on or visit.date)),
        State.MISSED: _("missed"),
        State.CANCELLED: _("cancelled"),
        State.MERGED: _("held together with %(code)s", code=visit.merged_into or ""),
        State.DUE: _("due, window until %(day)s", day=day(visit.window_end)),
        State.BOOKED: _("booked for %(day)s", day=day(visit.date)),
        State.PLANNED: _("planned for %(day)s", day=day(visit.date)),
        State.PROJECTED: _("expected about %(day)s, waits for an earlier date", day=day(visit.date)),
    }
    if cell.state is State.LATE:
        words = ngettext("%(num)s day past its window", "%(num)s days past its window", cell.past_window)
    else:
        words = facts[cell.state]
    return "; ".join([f"{patient.code}, {visit.code}: {words}", *(clash(each) for each in cell.clashes)])


def _legend() -> list[tuple[State, str]]:
    return [
        (State.COMPLETED, _("completed")),
        (State.LATE, _("past its window")),
        (State.DUE, _("due")),
        (State.BOOKED, _("booked")),
        (State.PLANNED, _("planned")),
        (State.PROJECTED, _("expected, waits for an earlier date")),
        (State.MISSED, _("missed")),
        (State.MERGED, _("held with another visit")),
        (State.CANCELLED, _("cancelled")),
    ]
