"""Words for what a message to a patient was: the names of the templates (`notifications.catalog`), said to people."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

TEMPLATE: dict[str, LazyString] = {
    "temp": _("Daily questions: the temperature"),
    "temp_site": _("Daily questions: where it was measured"),
    "recheck": _("Daily questions: measure once more"),
    "signs": _("Daily questions: signs"),
    "bleeding": _("Daily questions: which bleeding"),
    "antipyretic": _("Daily questions: medicine against fever"),
    "doses": _("Daily questions: doses"),
    "well": _("Daily questions: compared with yesterday"),
    "ask_temperature": _("Asks for the temperature at once"),
    "daily_reminder": _("Reminder of the daily questions"),
    "question": _("A question waits"),
    "red": _("Urgent advice: call now or go in"),
    "amber": _("The team calls today"),
    "amber_night": _("The team calls in the morning"),
    "told": _("The team was told"),
    "saved": _("Answers saved"),
    "unclear": _("The answer could not be read: asked again"),
    "call_booked": _("The answer could not be read: the team calls"),
    "safety_question": _("Asks whether the hospital was reached"),
    "go_in": _("Urgent advice: nobody took the case, go in now"),
    "weekly": _("Weekly questions: the link"),
    "visit_ahead": _("Visit reminder, some days before"),
    "visit_1d": _("Visit reminder, the day before"),
    "visit_1d_trough": _("Visit reminder, the day before, with the blood test"),
    "visit_moved": _("A visit has moved"),
    "visit_confirmed": _("A visit is confirmed"),
    "missed": _("A visit was missed"),
    "infusion_check": _("The check after an infusion"),
    "welcome": _("Welcome"),
    "opt_out": _("No more messages, as asked"),
    "opt_in": _("Messages again, as asked"),
    "help": _("Whom to call"),
    "not_yours": _("The number is not the patient's"),
    "contact_code": _("A code for the app"),
    "which_patient": _("Asks which patient wrote"),
}
