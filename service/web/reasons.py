"""What triage found, said in the page's language. What has no words here is shown as it is kept, never hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from service.web import words
from service.web.i18n import iso_day, number
from service.web.words import Words, say

# The letters mean the same in every study: the ear hears them in free text (workflows.ear).
SIGN: Words = {
    "A": _("shivering"),
    "B": _("hard to breathe"),
    "C": _("faint or dizzy"),
    "D": _("bleeding"),
    "E": _("confused"),
    "F": _("rash, or joint or jaw pain"),
    "G": _("vomiting, or cannot drink"),
}
HEARD: Words = {
    "chest_pain": _("chest pain"),
    "fainting": _("fainting"),
    "seizure": _("seizure"),
    "stroke": _("signs of a stroke"),
    "head": _("very bad headache, or sight changed"),
    "allergy": _("allergic reaction"),
    "blood_inside": _("blood in urine, stool, vomit or sputum"),
    "bleeding_not_stopping": _("bleeding that does not stop"),
    "ambulance": _("an ambulance"),
    "socorro": _("a cry for help"),
    "emergency": _("an emergency"),
    "dying": _("dying"),
    "fever_without_number": _("a fever without a number"),
    "help_alone": _("help, and nothing else"),
}
ANSWER: Words = {
    "no_thermometer": _("no thermometer"),
    "refused": _("did not want to measure"),
    "skin": _("spots on the skin"),
    "stopped": _("nose or gums, stopped"),
    "not_stopping": _("not stopping after 10 minutes"),
    "inside": _("in urine, stool or vomit"),
    "head": _("with bad headache or vision change"),
    "taken": _("yes"),
    "call": _("yes"),
    "much_worse": _("much worse"),
    "infection": _("an infection"),
    "antibiotic": _("an antibiotic"),
    "both": _("both"),
    "emergency_room": _("emergency room"),
    "overnight": _("stayed overnight"),
    "treated": _("needed treatment"),
}
KIND: Words = {
    "sustained": _("a second such reading in the last day"),
    "recheck_due": _("to be measured again"),
    "contact_lost": _("texts do not arrive"),
    "one_of_several": _("from a shared telephone"),
    "advice_unanswered": _("nothing shows that the advice was followed"),
}
WHY: Words = {
    "no_temperature": _("no temperature came after the question"),
    "no_second_measurement": _("no answer to the second measurement"),
    "no_word_after_advice": _("no answer whether the patient reached the hospital"),
    "not_going_in": _("the patient says: not going to the hospital"),
}


def heat(temperature: Any) -> str:
    """A temperature and its place ("38,9 °C, axila"); what older rows hold is words already."""
    if not isinstance(temperature, Mapping):
        return str(temperature or "")
    return f"{number(temperature['celsius'])} °C, {say(words.SITES, temperature['site'])}"


def finding(one: Mapping[str, str]) -> str:
    """One finding (`workflows.findings.Finding`)."""
    kind, value, detail = one["kind"], one.get("value", ""), one.get("detail", "")
    if kind == "temperature":
        return heat({"celsius": value, "site": detail})
    if kind == "letters":
        return ", ".join(f"{letter} {say(SIGN, letter)}" for letter in value.split())
    if kind in ("choice", "number"):
        said = ", ".join(say(ANSWER, part) for part in detail.split())
        return f"{say(words.ITEM, value)}: {said}"
    if kind == "heard":
        return str(gettext("heard: %(what)s", what=say(HEARD, value)))
    if kind in ("within_hours", "within_days"):
        anchor = say(words.ANCHOR, value)
        if kind == "within_hours":
            return str(gettext("%(span)s h after: %(anchor)s", span=detail, anchor=anchor))
        return str(gettext("%(span)s days after: %(anchor)s", span=detail, anchor=anchor))
    if kind == "silence":
        return str(gettext("no answer for %(days)s", days=", ".join(iso_day(each) for each in value.split())))
    return value if kind == "said" else say(KIND, kind)


def found(findings: Iterable[Mapping[str, str]] | None) -> str:
    """Several findings, one after the other."""
    return "; ".join(finding(one) for one in findings or ())


def reasons(detail: Mapping[str, Any]) -> str:
    """Why a task or a report is there: its rules and what they fired on, or what happened."""
    parts = [f"{say(words.RULE, hit['rule'])}: {found(hit['findings'])}" for hit in detail.get("hits") or ()]
    why = detail.get("why")
    parts += map(str, why) if isinstance(why, list) else [say(WHY, str(why))] if why else []
    return "; ".join(parts)


FILTERS: dict[str, Callable[..., str]] = {"found": found, "heat": heat, "reasons": reasons}
