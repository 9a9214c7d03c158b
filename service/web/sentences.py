"""What rules and use cases say, in the page's language: their sentences are English, as the API says them."""

from __future__ import annotations

import re
from functools import lru_cache

from flask_babel import gettext

from service.web import words
from service.web.i18n import iso_day, number
from workflows.labs import LABS

DECIMAL = re.compile(r"\d+\.\d+")
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
PLACE = re.compile(r"%\\?\((\w+)\\?\)s")
CODES = ("status", "old", "new", "wanted")  # placeholders that hold a status


def _(sentence: str) -> str:
    """Mark a sentence for translation; it is looked up when it is shown."""
    return sentence


SENTENCES: tuple[str, ...] = (
    _("enrolled"),
    _("%(code)s took place"),
    _("say why"),
    _("say what happened"),
    _("an empty note"),
    _("a text and its content id, such as pt_BR/weekly=HX and 32 hexadecimal digits, commas between"),
    _("somebody else, of this site, who can be paged"),
    _("cannot be in the future"),
    _("must be after its start"),
    _("not an e-mail address"),
    _("this e-mail address is taken"),
    _("this person has that contact already"),
    _("at least 10 characters"),
    _("1 to %(n)s characters, as pages show it (Dr. Reis)"),
    _("at most %(n)s characters"),
    _("%(name)s: at most %(limit)s characters fit one SMS, this has %(n)s"),
    _("not a telephone number: %(detail)s"),
    _("wrong length"),
    _("sms, voice, email or webpush"),
    _("a patient needs a telephone number"),
    _("kilograms from 20 to 300, e.g. 72.5"),
    _("is not a time zone such as America/Sao_Paulo"),
    _("not a time zone; e.g. America/Sao_Paulo"),
    _("letters, digits and signs without spaces, e.g. P-001"),
    _("%(study)s has a patient %(code)s already"),
    _("%(study)s is %(status)s: confirm and activate it first"),
    _("an investigator must confirm the protocol's defaults first"),
    _("an investigator must confirm version %(version)s first"),
    _("name the investigator who confirms the defaults"),
    _("is not a site of %(study)s"),
    _("within a year of today, %(day)s"),
    _("more than a year after today, %(day)s"),
    _("from the enrolment on %(day)s to a year from today"),
    _("must be from %(first)s to %(last)s"),
    _("must be from %(low)s to %(high)s kg"),
    _("must be from %(low)s to %(high)s ng/mL"),
    _("is not plausible: %(low)s to %(high)s %(unit)s"),
    _("the level is in ng/mL or ug/L"),
    _("the level is in ng/mL or ug/L (the registry's mg/dl is an error)"),
    _("%(test)s is in %(units)s"),
    _("is not a test; there are: %(names)s"),
    _("say on which day it was drawn"),
    _("is not on %(day)s in %(zone)s"),
    _("is not on %(day)s where the patient lives"),
    _("a correction needs its reason"),
    _("this value was corrected already; correct the newest one"),
    _("this answer was corrected already"),
    _("there is no such answer"),
    _("cannot be read as an answer: %(detail)s"),
    _("this occasion is %(status)s"),
    _("nothing is asked now"),
    _("this questionnaire is not asked by telephone"),
    _("a time of day such as 14:30"),
    _("a time of day such as 09:00"),
    _("a date such as 2026-12-24"),
    _("the enrolment keeps its date; it can be corrected"),
    _("no anchor has this name; there are: %(names)s"),
    _("is %(name)s, which has another date"),
    _("cannot be planned before %(day)s (%(event)s)"),
    _("cannot be before %(day)s (%(event)s %(offset)s days)"),
    _(
        "cannot be before %(day)s (%(event)s %(offset)s days); %(more)s is only projected: record its date first"
    ),
    _("cannot be before the enrolment on %(day)s"),
    _("there is no change of the calendar to take back"),
    _("settled since this change: %(codes)s; record the right date instead"),
    _("the patient is %(status)s: the calendar is closed"),
    _("the patient is %(status)s: nothing more is booked"),
    _("the patient is already admitted"),
    _("the patient is not admitted"),
    _("the patient is on that version already"),
    _("that protocol version is of another study"),
    _("a patient who is %(old)s cannot become %(new)s"),
    _("a patient who is %(old)s is not %(wanted)s"),
    _("is needed to become %(new)s"),
    _("is not a status; there are: %(names)s"),
    _("a visit that is %(old)s cannot become %(new)s"),
    _("a visit that is %(old)s becomes %(new)s only with a reason"),
    _("a visit that is %(old)s cannot move"),
    _("is outside %(first)s to %(last)s: a reason makes it a deviation"),
    _("the visit is on %(day)s: it is not missed yet"),
    _("the visit %(code)s has changed since you read it"),
    _("nothing to change about %(code)s"),
    _("done already by %(who)s"),
    _("the case is closed"),
    _("only an acknowledged case can be opened again"),
    _("only a named person can do this"),
    _("only a named person can be paged"),
    _("not an active member of staff"),
    _("the rota has no such layer"),
    _("two layers of one name"),
    _("a rota needs at least one layer"),
    _("this site has a rota of that name"),
    _("only stretches of one layer can be swapped"),
    _("nobody is logged in"),
    _("this belongs to another site"),
    _("this belongs to another patient"),
    _("your role may not do this"),
    _("there is no such study"),
    _("there is no such site"),
    _("there is no such visit"),
    _("there is no such task"),
    _("there is no such case"),
    _("there is no such person"),
    _("there is no such contact"),
    _("there is no such rota"),
    _("there is no such change of the rota"),
    _("there is no such link"),
    _("no such case"),
    _("closed_day"),
    _("outside_window"),
    _("before_enrolment"),
    _("after_end_of_study"),
    _("no_longer_planned"),
    _("ended"),
    _("%(status)s for %(day)s, no longer in the plan"),
    _("%(status)s on %(day)s, outside the new window %(first)s to %(last)s"),
    _("%(status)s on %(day)s, inside the new window %(first)s to %(last)s"),
    _("occasion_open"),
    _("visit_planned"),
    _("alert_open"),
    _("task_open"),
    _("in hospital"),
    _("no answer in time"),
    _("it could not be asked in time"),
    _("no longer in the calendar"),
    _("answered late"),
    _("answered already"),
    _("a red report"),
    _("a red answer"),
    _("the visit moved"),
    _("the patient's own text"),
    _("the number is not theirs"),
    _("corrected by the patient"),
    _("a temperature came"),
    _("end-of-study visit"),
    _("no answer to the second measurement"),
    _("this link leads nowhere any more"),
    _("this link has ended; a newer message has a newer one"),
    _("there is no patient %(n)s"),
    _("there is no visit %(n)s"),
    _("there is no task %(n)s"),
    _("there is no response %(n)s"),
    _("there is no site %(n)s"),
    _("a site needs a code"),
    _("%(study)s has a site %(code)s already"),
    _("digits only, e.g. 192"),
    _("at least 1, or nothing for no limit"),
    _("no holidays are known for this country and part"),
    _("only somebody of every site adds a site"),
    _("nobody is on call and no investigator can be reached"),
    _("1 to 2000 characters"),
    _("there is no such value"),
    _("%(weight)s kg x %(rate)s mg/kg = %(amount)s mg per day"),
    _("%(level)s ng/mL is within %(low)s-%(high)s: %(amount)s mg stays"),
    _("a step is at most %(n)s percent: %(amount)s mg"),
    _("no multiple of 25 mg lies within the cap: the dose stays"),
    _("rounded to %(n)s mg: %(amount)s mg per day, %(morning)s mg in the morning and %(evening)s mg at night"),
)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The sentences as patterns, those with the fewest placeholders first."""
    ordered = sorted(SENTENCES, key=lambda sentence: (sentence.count("%("), -len(sentence)))
    return tuple(
        (re.compile(PLACE.sub(r"(?P<\1>.+?)", re.escape(sentence)), re.DOTALL), sentence) for sentence in ordered
    )


def known(sentence: str) -> bool:
    """Whether this is one of `SENTENCES`."""
    return any(pattern.fullmatch(sentence) for pattern, _sentence in _patterns())


def phrase(said: str) -> str:
    """What was said in the page's language, with days and statuses as the page writes them.

    Words that are not in the table stay as they are: English, never hidden.
    """
    for pattern, known_as in _patterns():
        if found := pattern.fullmatch(said):
            values = {name: _value(name, text) for name, text in found.groupdict().items()}
            said = str(gettext(known_as, **values))
            break
    return said.replace("_", " ") if said.isidentifier() else said


def sentence(said: str) -> str:
    """`phrase` with a capital and a full stop, for what a page says to a person."""
    words_ = phrase(said)
    return words_[:1].upper() + words_[1:] + ("" if words_.endswith((".", "!", "?")) or not words_ else ".")


def _value(name: str, text: str) -> str:
    if ISO_DAY.fullmatch(text):
        return iso_day(text)
    if DECIMAL.fullmatch(text) and name != "version":
        return number(text)
    if name == "test":
        return next((words.say(words.LAB, lab.code) for lab in LABS.values() if lab.label == text), text)
    if name in ("event", "more"):
        return words.say(words.ANCHOR, text)
    if name in CODES:
        return words.say(words.PATIENT | words.STUDY | words.VISIT | words.OCCASION, text)
    if name == "detail" and known(text):
        return phrase(text)
    return text
