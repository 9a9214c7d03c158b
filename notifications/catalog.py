"""Every template: its name, channels, fields, and whether it may carry health words.

The texts are files: `templates/<language>/<name>.txt`, or `<name>.<channel>.txt` where one channel says it
differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from notifications.message import Channel


class FieldTooLong(ValueError):
    """A value would push an SMS into a second segment. Raised where the value is entered, never when
    sending."""


@dataclass(frozen=True)
class Field:
    """A value that templates are filled with. `longest` is the longest legal value; `default` fills it when
    absent."""

    name: str
    longest: str
    default: str | None = None

    @property
    def max_length(self) -> int:
        return len(self.longest)


@dataclass(frozen=True)
class Template:
    """`minimal` is the template that replaces this one under the profile without health words ("": none
    needed)."""

    name: str
    channels: frozenset[Channel]
    fields: tuple[str, ...] = ()
    health_words: bool = False
    minimal: str = ""


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        field.name: field
        for field in (
            Field("tel", "(16) 99999-9999"),
            Field("emergency", "192", default="192"),
            Field("place", "Clinic rm 12"),
            Field("date", "Wed 28 Oct"),
            Field("time", "00:00"),
            Field("url", "https://www.vigilia.example.org:8443/x/WWWWWWWWWWWWWWWWWWWWWW"),
            Field("code", "000000"),
            Field("case", "9WW"),
            Field("take", "9WW4"),
            Field("pass_on", "9WW5"),
            Field("patient", "RP-0001/RP-0002"),
            Field("who", "Dr. Albuquerque Neto"),
            Field("options", "1 = RP-0001, 2 = RP-0002"),
            Field("cases", "9WW4 RP-0001, 9WX4 RP-0002, 9WY4 RP-0003"),
            Field("task", "W" * 60),
            Field("alarm", "W" * 90),
        )
    }
)

_TEXT = frozenset({Channel.SMS, Channel.WHATSAPP})
_SAFETY = _TEXT | {Channel.VOICE}
_STAFF = frozenset({Channel.SMS, Channel.WHATSAPP, Channel.EMAIL, Channel.WEBPUSH})
_PAGE = _STAFF | {Channel.VOICE}


def _question(name: str, *fields: str) -> Template:
    return Template(name, _TEXT, fields, True, "question_minimal")


_ALL = (
    # the daily questions
    _question("temp", "emergency"),
    *map(_question, ("temp_site", "recheck", "signs", "bleeding", "antipyretic", "doses", "well")),
    _question("ask_temperature", "emergency"),
    Template("daily_reminder", _TEXT, ("tel",), True, "question_minimal"),
    Template("question_minimal", _TEXT | {Channel.WEBPUSH}, ("url",)),
    # answers to answers
    Template("red", _SAFETY, ("tel", "emergency"), True, "red_minimal"),
    Template("red_minimal", _SAFETY, ("tel", "emergency")),
    Template("amber", _TEXT, ("tel",), True, "told_minimal"),
    Template("amber_night", _TEXT, ("tel",), True, "told_minimal"),
    Template("told_minimal", _TEXT, ("tel",)),
    Template("saved", _TEXT, ("tel", "emergency")),
    Template("unclear", _TEXT, ("tel", "emergency"), True, "unclear_minimal"),
    Template("unclear_minimal", _TEXT, ("tel", "emergency")),
    Template("call_booked", _TEXT, ("tel",), True, "told_minimal"),
    Template("safety_question", _TEXT, ("tel", "emergency"), True, "safety_question_minimal"),
    Template("safety_question_minimal", _TEXT, ("tel", "emergency")),
    Template("go_in", _SAFETY, ("emergency",), True, "go_in_minimal"),
    Template("go_in_minimal", _SAFETY, ("emergency",)),
    # visits and the week
    Template("weekly", _TEXT, ("url",)),
    Template("visit_ahead", _TEXT, ("date", "time", "place", "tel")),
    Template("visit_1d", _TEXT, ("date", "time", "place", "tel")),
    Template("visit_1d_trough", _TEXT, ("date", "time", "place", "tel"), True, "visit_1d_minimal"),
    Template("visit_1d_minimal", _TEXT, ("date", "time", "place", "tel")),
    Template("visit_moved", _TEXT, ("date", "time", "place", "tel")),
    Template("visit_confirmed", _TEXT, ("date", "time", "place", "tel")),
    Template("missed", _TEXT, ("tel",)),
    Template("infusion_check", _TEXT, ("tel", "emergency"), True, "told_minimal"),
    # the patient and the study
    Template("welcome", _TEXT, ("tel", "emergency")),
    Template("opt_out", _TEXT, ("tel", "emergency"), True, "opt_out_minimal"),
    Template("opt_out_minimal", _TEXT, ("tel", "emergency")),
    Template("opt_in", _TEXT, ("tel", "emergency"), True, "opt_in_minimal"),
    Template("opt_in_minimal", _TEXT, ("tel", "emergency")),
    Template("help", _TEXT, ("tel", "emergency"), True, "help_minimal"),
    Template("help_minimal", _TEXT, ("tel", "emergency")),
    Template("not_yours", _TEXT, ("tel", "emergency"), True, "not_yours_minimal"),
    Template("not_yours_minimal", _TEXT, ("tel", "emergency")),
    Template("which_patient", _TEXT, ("options",)),
    # staff: on call
    Template("page", _PAGE, ("case", "patient", "time", "take", "pass_on", "url")),
    Template("page_again", _PAGE, ("case", "patient", "time", "take", "pass_on", "url")),
    Template("page_joined", _PAGE, ("case", "patient", "time", "url")),
    Template("nobody_on_call", _PAGE, ("case", "patient", "time", "take", "pass_on", "url")),
    Template("exhausted", _PAGE, ("case", "patient", "time", "take", "url")),
    Template("acknowledged_you", _STAFF, ("case", "patient", "url")),
    Template("acknowledged", _STAFF, ("case", "patient", "who", "time")),
    Template("already_taken", _STAFF, ("case", "who", "time")),
    Template("already_closed", _STAFF, ("case",)),
    Template("passed_on", _STAFF, ("case", "who")),
    Template("ack_list", _STAFF, ("cases",)),
    Template("ack_unknown", _STAFF, ()),
    Template("unreachable", _STAFF, ("who", "case")),
    Template("outcome_due", _PAGE, ("case", "patient", "url")),
    # staff: the rest
    Template("task_amber", _STAFF, ("patient", "task", "url")),
    Template("contact_code", _SAFETY, ("code",)),
    Template("contact_verified", _STAFF, ()),
    Template("chain_test", _STAFF, ("time",)),
    Template("contact_test", _PAGE, ()),
    Template("contact_heard", _SAFETY, ()),
    Template("alarm", _STAFF, ("alarm", "time")),
)

CATALOG: Mapping[str, Template] = MappingProxyType({template.name: template for template in _ALL})
PROFILES = ("full", "minimal")
SMS_LIMIT = 160

# No disease, drug or diagnosis in a text: a telephone is read by others.
FORBIDDEN_WORDS = (
    "aplas", "anaem", "anemia", "ciclospor", "cyclospor", "csa", "atg", "thymoglob", "timoglob", "mesench",
    "mesenq", "msc", "stem cell", "celula-tronco", "transplan", "marrow", "medula", "neutrop", "leukem",
    "leucem", "cancer", "hiv", "hepatit", "lymph", "linfo", "immunosup", "imunossup",
)  # fmt: skip

# Words the carrier takes for itself: never to be asked for as an answer.
CARRIER_WORDS = frozenset(
    "YES CANCEL END QUIT STOP STOPALL UNSUBSCRIBE START UNSTOP HELP INFO REVOKE OPTOUT".split()
)

# Words about health: none of these in a template whose `health_words` is false.
HEALTH_WORDS = (
    "fever", "febre", "bleed", "sangr", "temperatur", "thermom", "termom", "ill ", "sick", "passando mal",
    "shiver", "calafrio", "breath", "falta de ar", "faint", "desmaio", "dose", "medicine", "remedio", "blood",
    "symptom", "sintoma", "vomit", "pain", "dor ", "infec", "worse", "piorar",
)  # fmt: skip


def longest_values(template: Template) -> dict[str, str]:
    """The longest legal value of each field of `template`: what it must still fit one segment with."""
    return {name: FIELDS[name].longest for name in template.fields}


def check_field(name: str, value: str) -> str:
    """`value`, if it is short enough for every template that uses the field; else FieldTooLong.

    For forms and protocol files: a site's place, a telephone number, a clinician's name.
    """
    limit = FIELDS[name].max_length
    if len(value) > limit:
        raise FieldTooLong(f"{name}: at most {limit} characters fit one SMS, this has {len(value)}")
    return value
