"""Reads a body temperature from a text message.

`37.8` `37,8` `37,8 ºC` `temp 37,8` `38 graus` `100.4F` `febre de 39` `trinta e oito e meio` `３８．５` are
readings;
`9h30`, `dia 38`, `38 comprimidos`, `120/80` and a telephone number are not. Celsius is believed from 34.0 to
42.5,
Fahrenheit from 93.2 to 108.5; a value is converted and then rounded half up to 0.1 *before* anything
compares it.
Never raises on any `str`; takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from workflows.words import NO_DIGIT, plain, words_of
from workflows.words_measures import (
    AFTER_A_COUNT,
    AFTER_A_COUNT_STEMS,
    BEFORE_A_LABEL,
    BODY_STEMS,
    FILLERS,
    MEASURED,
    SKIPPED_BEFORE,
    TEMPERATURE_STEMS,
    WEATHER,
)
from workflows.words_numbers import digits_for_words

CELSIUS = (Decimal("34.0"), Decimal("42.5"))
FAHRENHEIT = (Decimal("93.2"), Decimal("108.5"))
TENTHS = (Decimal(340), Decimal(425))
TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Reading:
    """One temperature: Celsius to 0.1, the unit it was typed in, the whole text as typed.

    `confirmed` is False where the text was read with some good will (`378`, `~38`): use it, and ask.
    """

    celsius: Decimal
    unit: Literal["C", "F"]
    raw: str
    confirmed: bool = True


@dataclass(frozen=True)
class Ambiguous:
    """Several different temperatures (Celsius, in the order of the text): take the highest for safety, and
    ask.
    """

    candidates: tuple[Decimal, ...]

    @property
    def highest(self) -> Decimal:
        """The value that safety uses."""
        return max(self.candidates)


@dataclass(frozen=True)
class Unreadable:
    """No temperature in the text."""


_NUMBER = re.compile(
    r"(?P<mark>~?)(?P<whole>\d{2,3})"
    r"(?:(?P<point>[.,·']{1,2})(?P<tenths>\d{1,6})"
    r"|(?:(?!_\d) *(?:[^\w\s]|_)[\W_]{0,7}| ?(?:o|com|h) ?|[\W_]{0,8}[cf](?=\d))(?P<apart>\d)"
    r"(?![\w.,]| ?(?!grau|grado|degree|deg|grs|celsius|centigr|fahrenheit)[a-z]{3,}))?"
    r"(?P<degree> ?(?:°|(?<=\d)o(?=$|[,.;!?])|o(?= ?[cf]\b)|graus?\b|grados?\b|degrees?\b|degs?\b|grs?\b)\.?)?"
    r"(?P<unit> ?(?:c|f|celsius|centigrados?|fahrenheit)(?![\w]))?"
)
_DIGIT_GROUPS = re.compile(r"(?<![\d.,])\d++(?:\)?[ ()-]{1,3}\d++(?![.,]\d))+")
_PRESSURE = re.compile(r"\b\d{2,3} ?(?:/|x|por|over) ?\d{1,3}\b(?! ?(?:dias?|horas?|h|days?|hours?)\b)")
_GLUED = re.compile(r"\b(t|temp|temperatura|temperature|febre|fever|deu|ta|com)(?=\d)")
# "ele ta com 39": what somebody has, at the end of a saying.
_HAS = re.compile(r"\b(?:est(?:a|ou|ava)|t[ao]|tava|tem|has|have) (?:com |em |at )?$")
_SPLIT = re.compile(
    r"^(?:temp\w* |febre (?:de )?|fever (?:of )?)?(3[4-9]|4[0-2]|9[4-9]|10[0-8])\s(\d)"
    r" ?(?:°|o|graus?|degrees?)? ?[cf]?$"
)
_LAST_WORDS = re.compile(r"[a-z$]+|[.,;!?\n]")
_NEXT_WORD = re.compile(r" ?([a-z]+|%)")


def celsius_of(fahrenheit: Decimal) -> Decimal:
    """Degrees Fahrenheit as degrees Celsius, not rounded."""
    return (fahrenheit - 32) * 5 / 9


def to_tenth(celsius: Decimal) -> Decimal:
    """Rounded half up to 0.1."""
    return celsius.quantize(TENTH, rounding=ROUND_HALF_UP)


def read_temperature(text: str) -> Reading | Ambiguous | Unreadable:
    """The temperature in a text: one `Reading`, several candidates (`Ambiguous`), or `Unreadable`."""
    found = list(_candidates(text))
    values = tuple(dict.fromkeys(reading.celsius for reading in found))
    if not values:
        return Unreadable()
    if len(values) > 1:
        return Ambiguous(values)
    # "38,5 (101.3F)" says the same thing twice: the surer of the two counts.
    return next((reading for reading in found if reading.confirmed), found[0])


def _candidates(text: str) -> Iterator[Reading]:
    line = plain(text)
    if apart := _SPLIT.match(line):  # "38 5": the point was forgotten, or an answer follows
        for tenth in dict.fromkeys((apart[2], "0")):
            value = Decimal(f"{apart[1]}.{tenth}")
            fahrenheit = value >= FAHRENHEIT[0]
            yield Reading(
                to_tenth(celsius_of(value)) if fahrenheit else value, "F" if fahrenheit else "C", text, confirmed=False
            )
        return
    line = _GLUED.sub(r"\1 ", digits_for_words(line))
    line = _DIGIT_GROUPS.sub(lambda m: _blank(m[0]) if _is_telephone(m[0]) else m[0], line)
    line = _PRESSURE.sub(lambda m: _blank(m[0]), line)
    words = words_of(line)
    if any(word in WEATHER for word in words) and not any(word.startswith(BODY_STEMS) for word in words):
        return  # the temperature of the day, not of the body
    about_fever = any(word in MEASURED or word.startswith(TEMPERATURE_STEMS) for word in words)
    bare = all(word in FILLERS for word in words)
    for match in _NUMBER.finditer(line):
        if _stands_alone(line, match) and not _counts_something(line, match):
            reading = _value(match, text, sure=about_fever or bare or _is_had(line, match))
            if reading is not None:
                yield reading


def _blank(text: str) -> str:
    return re.sub(r"\d", NO_DIGIT, text)


def _is_telephone(groups: str) -> bool:
    digits = re.findall(r"\d+", groups)
    return sum(map(len, digits)) >= 8 and max(map(len, digits)) >= 4


def _stands_alone(line: str, match: re.Match[str]) -> bool:
    """Whether the number is not a part of something longer: a date, a time, a code, a bigger number."""
    before, after = line[max(0, match.start() - 2) : match.start()], line[match.end() : match.end() + 2]
    decimal = match["tenths"] is not None
    if before and (before[-1].isalnum() or before[-1] in f"_{NO_DIGIT}$@#"):
        return False
    if (
        before
        and before[-1] in ".,:'/"
        and len(before) == 2
        and (before[0].isdigit() or before[0] == NO_DIGIT)
    ):
        return decimal and before[-1] == "/"
    if after and (after[0].isalnum() or after[0] in f"_%{NO_DIGIT}@"):
        return False
    if len(after) == 2 and after[0] in ".,:'/" and after[1].isdigit():
        return decimal and after[0] == "/"
    return True


def _is_had(line: str, match: re.Match[str]) -> bool:
    """Whether the number is what somebody has ("ele esta com 39") and nothing is said to follow it."""
    ends = line[match.end() : match.end() + 1] in ("", ".", ",", "!", "?", ";")
    return ends and bool(_HAS.search(line, max(0, match.start() - 20), match.start()))


def _counts_something(line: str, match: re.Match[str]) -> bool:
    """Whether a neighbouring word says that the number is a dose, an age, a room, a weight ..."""
    if not match["unit"] and not match["degree"]:
        following = _NEXT_WORD.match(line, match.end())
        if following and (following[1] in AFTER_A_COUNT or following[1].startswith(AFTER_A_COUNT_STEMS)):
            return True
    before: list[str] = _LAST_WORDS.findall(line, max(0, match.start() - 40), match.start())
    for at in range(len(before) - 1, max(-1, len(before) - 5), -1):
        word = before[at]
        if word in BEFORE_A_LABEL:
            return not (word in ("dia", "day") and at > 0 and before[at - 1] in ("bom", "good"))
        if word not in SKIPPED_BEFORE:
            return False
    return False


def _value(match: re.Match[str], raw: str, *, sure: bool) -> Reading | None:
    whole, tenths = match["whole"], match["tenths"] or match["apart"]
    number = Decimal(f"{whole}.{tenths}" if tenths else whole)
    unit = (match["unit"] or "").strip()[:1].upper().replace("G", "C")
    plainly = not match["mark"] and not match["apart"] and len(match["point"] or ".") == 1
    if match.start() and match.string[match.start() - 1] == "-":
        plainly = plainly and match.string[max(0, match.start() - 2)].isalpha()
    said = sure or bool(unit or match["degree"])
    if CELSIUS[0] <= number <= CELSIUS[1] and (tenths or said):
        return Reading(to_tenth(number), "C", raw, confirmed=plainly and unit != "F")
    if FAHRENHEIT[0] <= number <= FAHRENHEIT[1] and (said or (tenths and number >= 97)):
        return Reading(to_tenth(celsius_of(number)), "F", raw, confirmed=plainly and unit != "C")
    if not tenths and TENTHS[0] <= number <= TENTHS[1] and said:
        return Reading(to_tenth(number / 10), "C", raw, confirmed=False)
    return None
