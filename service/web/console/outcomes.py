"""Are the patients safe, is the protocol kept: every number opens its rows and its definition."""

from __future__ import annotations

from flask import render_template
from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from service.access import actor
from service.runtime import current
from service.use_cases import outcomes_page
from service.web import words
from service.web.console.blueprint import console, readers
from service.web.i18n import number

MEANING: dict[str, tuple[LazyString, LazyString]] = {
    "enrolled": (_("Patients enrolled"), _("Everybody who has a calendar, whatever became of them.")),
    "left": (_("Withdrawn or died"), _("Patients whose status is withdrawn or died.")),
    "red_cases": (_("Red cases"), _("Alerts that were red at any time. Each red report belongs to exactly one.")),
    "to_page": (
        _("From the words to the first page"),
        _("Median time from the patient's words to the moment the first page was written, in minutes. Red cases."),
    ),
    "to_human": (
        _("From the words to a human"),
        _("Median time from the patient's words to the moment a named person took the red case."),
    ),
    "in_15_minutes": (
        _("Taken within 15 minutes"),
        _("Red cases that a named person took within 15 minutes of the words, of all red cases. Rows: the others."),
    ),
    "to_outcome": (
        _("From the words to the outcome"),
        _("Median time from the patient's words to the recorded outcome."),
    ),
    "nobody_yet": (_("Open, nobody has it"), _("Red cases that nobody has taken at this moment.")),
    "answered_daily": (
        _("Daily questions answered"),
        _("Answered of those that are over. In hospital they pause and do not count. Rows: the missed ones."),
    ),
    "answered_weekly": (_("Weekly questions answered"), _("Answered of those that are over. Rows: the missed ones.")),
    "visits_inside": (
        _("Visits held inside their window"),
        _("Completed visits whose day lies in the window, of all completed. Rows: those outside."),
    ),
    "visits_missed": (_("Visits missed"), _("Visits that somebody recorded as missed.")),
    "visits_late": (_("Visits past their window"), _("Not held, not cancelled, and the window is over.")),
    "deviations": (_("Deviations"), _("Visits moved or held outside their window, with the reason given.")),
    "idsa_single": (
        _("Temperatures of 38.3 °C and more"),
        _("Single measurements at or above 38.3 °C (IDSA). A research mark, kept apart from alerts."),
    ),
    "not_arrived": (
        _("Messages that did not arrive"),
        _("To patients, in the last 30 days: not delivered, failed, expired or unknown, with the reason."),
    ),
}


STATES = words.PATIENT | words.CASE | words.OUTCOME | words.OCCASION | words.MESSAGE


def what(said: str) -> str:
    """What a row says, with its codes as words and its figures as this language writes them."""
    parts = [str(STATES[part]) if part in STATES else part for part in said.split(" ")]
    return " ".join(number(part) if part.replace(".", "", 1).isdigit() else part for part in parts)


@console.get("/outcomes")
@readers
def outcomes() -> str:
    runtime = current()
    with runtime.db.reading() as session:
        numbers = outcomes_page.numbers(session, site_id=actor().site_id, now=runtime.clock.now())
        return render_template("console/outcomes.html", numbers=numbers, meaning=MEANING, what=what)
