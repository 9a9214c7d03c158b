"""Who answered on which day, why not, and who is to be called; each cell says it in a sentence."""

from __future__ import annotations

from flask import render_template
from flask_babel import gettext as _

from service.access import actor
from service.models import Patient
from service.runtime import current
from service.use_cases import answers_page
from service.use_cases.answers_page import Day
from service.web import words
from service.web.console.blueprint import console, readers
from service.web.i18n import day
from service.web.sentences import phrase

# The sign, and the class of a cell of the matrix that it looks like.
SIGNS = {
    "answered": ("\N{CHECK MARK}", "completed"),
    "answered_late": ("L", "due"),
    "open": ("\N{BULLET}", "booked"),
    "late": ("!", "due"),
    "missed": ("M", "missed"),
    "paused": ("P", "projected"),
}


@console.get("/answers")
@readers
def answers() -> str:
    runtime = current()
    with runtime.db.reading() as session:
        found = answers_page.seen(session, site_id=actor().site_id, now=runtime.clock.now())
        return render_template(
            "console/answers.html", found=found, signs=SIGNS, state=state, sentence=sentence, legend=_legend()
        )


def state(cell: Day) -> str:
    """The name of the cell's sign."""
    return "answered_late" if cell.was_late else cell.occasion.status


def sentence(patient: Patient, cell: Day) -> str:
    """"P-022, daily questions, Mon 2 Mar: missed; no answer in time"."""
    row = cell.occasion
    said = _("answered late") if cell.was_late else words.term("occasion", row.status)
    why = []
    if row.ended_reason and row.status != "answered":
        why.append(phrase(row.ended_reason))
    if row.status in ("missed", "late") and patient.opted_out:
        why.append(_("wants no messages"))
    if row.status in ("missed", "late") and patient.unreachable_at is not None:
        why.append(_("messages do not arrive"))
    about = f"{patient.code}, {words.term('questionnaire', row.questionnaire)}, {day(row.for_date)}"
    return "; ".join([f"{about}: {said}", *why])


def _legend() -> list[tuple[str, str]]:
    return [
        ("answered", _("answered")),
        ("answered_late", _("answered late")),
        ("open", _("waiting for an answer")),
        ("late", _("late, still open")),
        ("missed", _("missed")),
        ("paused", _("paused (in hospital)")),
    ]
