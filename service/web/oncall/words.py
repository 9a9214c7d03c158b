"""Words for what a case's log and an on-call rota store as codes."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from service.web.console.words import OUTCOME, Words, say

EVENT: Words = {
    "opened": _("case opened"),
    "step": _("paged"),
    "repeat": _("everybody paged again"),
    "skipped": _("nobody could be paged at this step"),
    "exhausted": _("nobody answered: monitor and operations paged"),
    "acknowledged": _("taken"),
    "passed_on": _("passed on"),
    "joined": _("further report"),
    "owner_repaged": _("paged again because of a further report"),
    "raised": _("more urgent now: paging began again"),
    "reopened": _("opened again: no outcome in time"),
    "page_failed": _("a page could not be delivered: moved on at once"),
    "note": _("note"),
}
RECIPIENT: Words = {
    "on_call": _("on call"),
    "backup": _("backup"),
    "fallback": _("nobody on call: fallback"),
    "owner": _("has the case"),
    "role:investigator": _("investigator"),
    "role:monitor": _("medical monitor"),
    "role:operator": _("operations"),
    "role:coordinator": _("coordinator"),
}
ANCHOR: Words = {
    "infusion_1": _("from the first infusion"),
    "atg_start": _("from the first treatment day"),
    "enrolment": _("from enrolment"),
}
LAYER: Words = {"on_call": _("On call"), "backup": _("Backup")}
WHY: Words = {"rotation": _("rotation"), "shift": _("fixed shift"), "override": _("stands in")}


def event(code: str) -> str:
    """What a line of the log says happened."""
    if code.startswith("outcome:"):
        return str(_("outcome: %(what)s", what=say(OUTCOME, code.removeprefix("outcome:"))))
    return say(EVENT, code)
