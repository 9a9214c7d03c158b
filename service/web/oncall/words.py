"""Words for what a case's log and an on-call rota store as codes."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import lazy_gettext as _

from service.web.words import CASE, CHANNEL, LEVEL, OUTCOME, ROLE, RULE, SITES, Words, say

EVENT: Words = {
    "opened": _("case opened"),
    "step": _("paged"),
    "repeat": _("everybody paged again"),
    "skipped": _("nobody could be paged at this step"),
    "exhausted": _("nobody answered: monitor and operations paged"),
    "acknowledged": _("taken"),
    "passed_on": _("passed on"),
    "handed_over": _("handed over"),
    "joined": _("further report"),
    "owner_repaged": _("paged again because of a further report"),
    "raised": _("more urgent now: paging began again"),
    "reopened": _("opened again: nobody acted on it in time"),
    "page_failed": _("a page could not be delivered: moved on at once"),
    "note": _("note"),
    "same_words": _("the same words raised two cases"),
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
FAULT: Words = {
    "opted out": _("opted out"),
    "not verified": _("not verified"),
    "not deliverable": _("not deliverable"),
}


def event(code: str) -> str:
    """What a line of the log says happened."""
    if code.startswith("outcome:"):
        return str(_("outcome: %(what)s", what=say(OUTCOME, code.removeprefix("outcome:"))))
    return say(EVENT, code)


def _sayer(words: Words) -> Callable[[str | None], str]:
    return lambda code: say(words, code)


# States of a page's message that a reader at night must know of.
NOT_ARRIVED = ("undelivered", "failed_temporary", "failed_permanent", "expired", "unknown")

# What the templates of this package call: say_layer("on_call") -> "On call".
SAYERS: dict[str, Callable[..., str]] = {
    "say_event": event,
    "say_case": _sayer(CASE),
    "say_channel": _sayer(CHANNEL),
    "say_fault": _sayer(FAULT),
    "say_layer": _sayer(LAYER),
    "say_level": _sayer(LEVEL),
    "say_outcome": _sayer(OUTCOME),
    "say_role": _sayer(ROLE),
    "say_rule": _sayer(RULE),
    "say_site": _sayer(SITES),
    "say_why": _sayer(WHY),
}
