"""Reads one answer to one question: a temperature, letters, a number from a list, a number, a text.

The same reading serves a text message, a page and a telephone interview. Where a patient says more than was
asked, the more serious reading is kept. Never raises on any `str`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from workflows.ear import hear
from workflows.facts import NO_THERMOMETER, REFUSED
from workflows.protocol import Choice, Item, ItemType
from workflows.readings import Ambiguous, Reading, read_temperature
from workflows.words import plain

_MARKS = re.compile(r"[^a-z0-9]+")
_AND = re.compile(r"\b(?:and|y|mas|also|tambem)\b")
_NO = frozenset(
    "no nao n nope nao_tenho sem_termometro nao_tenho_termometro no_thermometer i_have_no_thermometer"
    " dont_have"
    " dont_have_one i_dont_have_one i_dont_have_a_thermometer nao_tem nao_consigo_medir sem nenhum 0".split()
)
_WILL_NOT = frozenset("nao_quero nao_quero_medir i_dont_want_to dont_want_to refuse recuso".split())
_NONE = frozenset(
    "n nada nenhum nenhuma nenhuns none nothing nao no nope 0 nada_disso sem_sintomas nenhum_sintoma"
    " no_symptoms"
    " none_of_these nada_de_novo".split()
)
_WRITTEN_DIGITS = {
    word: str(number)
    for names in ("um dois tres quatro cinco seis", "one two three four five six", "uma duas")
    for number, word in enumerate(names.split(), 1)
}
_NUMBER = re.compile(r"-?\d{1,6}(?:[.,]\d{1,4})?")
LONGEST_TEXT = 4000


@dataclass(frozen=True)
class Answer:
    """An answer that was understood.

    `value` is what is stored: Decimal Celsius or "no_thermometer" (temperature), a tuple of values
    (letters), a value (choice), Decimal (number), a text. `raw` is what was typed. `reading` is the
    temperature as read, with its unit; `sure` is False where the patient is asked to confirm what was
    understood.
    """

    value: Any
    raw: str
    reading: Reading | None = None
    sure: bool = True


@dataclass(frozen=True)
class Wrong:
    """An answer that was not understood. `reason`: empty, unreadable, out_of_range, is_a_temperature."""

    reason: str
    reading: Reading | None = None


def read_answer(item: Item, text: str, language: str = "") -> Answer | Wrong:
    """What `text` answers to the question `item`. Both languages are understood whatever `language` is."""
    if not text.strip():
        return Wrong("empty")
    match item.type:
        case ItemType.TEMPERATURE:
            return _temperature(item, text)
        case ItemType.LETTERS:
            return _letters(item, text)
        case ItemType.CHOICE:
            return _choice(item, text)
        case ItemType.NUMBER:
            return _number(item, text)
        case ItemType.TEXT:
            return Answer(text.strip()[:LONGEST_TEXT], text)


def _key(text: str) -> str:
    return _MARKS.sub("_", plain(text).replace("'", "")).strip("_")


@lru_cache(maxsize=1024)
def _label(words: str) -> str:
    """The key of a protocol's own words, which come back with every answer; a patient's are not kept."""
    return _key(words)


def _temperature(item: Item, text: str) -> Answer | Wrong:
    found = read_temperature(text)
    if isinstance(found, Reading):
        return Answer(found.celsius, text, found, sure=found.confirmed)
    if isinstance(found, Ambiguous):
        return Answer(found.highest, text, Reading(found.highest, "C", text, confirmed=False), sure=False)
    key = _key(text)
    if key in _WILL_NOT:
        return Answer(REFUSED, text)
    for choice in item.choices:
        if key in (plain(choice.code), _label(choice.value)) or key in map(_label, choice.text.values()):
            return Answer(choice.value, text)
    if item.choices and key in _NO:
        return Answer(NO_THERMOMETER, text)
    return Wrong("out_of_range" if re.search(r"\d", key) else "unreadable")


def _letters(item: Item, text: str) -> Answer | Wrong:
    by_code = {plain(choice.code): choice for choice in item.choices}
    nothing = [choice for choice in item.choices if choice.excludes_others]
    found = read_temperature(text)
    if isinstance(found, Reading):
        return Wrong("is_a_temperature", found)
    if isinstance(found, Ambiguous):
        return Wrong("is_a_temperature", Reading(found.highest, "C", text, confirmed=False))
    key = _key(text)
    if nothing and key in _NONE:
        return Answer((nothing[0].value,), text)
    letters = _AND.sub("", plain(text))
    letters = _MARKS.sub("", letters)
    if letters and set(letters) <= set(by_code):
        chosen = [by_code[letter] for letter in dict.fromkeys(letters)]
        signs = tuple(sorted(choice.value for choice in chosen if not choice.excludes_others))
        # "A N" contradicts itself: the sign counts, and the patient is not asked to take it back.
        return Answer(signs or (nothing[0].value,), text, sure=not signs or len(signs) == len(chosen))
    # Of letters typed one by one those on the list count, whatever the others were meant to be.
    single = [one for one in _MARKS.split(_AND.sub(" ", plain(text))) if one]
    known = {by_code[one].value for one in single if one in by_code and not by_code[one].excludes_others}
    if known and all(len(one) == 1 for one in single):
        return Answer(tuple(sorted(known)), text, sure=False)
    heard = tuple(sorted(hear(text).signs & {choice.value for choice in item.choices}))
    return Answer(heard, text, sure=False) if heard else Wrong("unreadable")


def _choice(item: Item, text: str) -> Answer | Wrong:
    key = _key(text)
    chosen = _by_words(item.choices, key) or _by_codes(item.choices, key)
    if not chosen:
        found = read_temperature(text)
        return Wrong("is_a_temperature", found) if isinstance(found, Reading) else Wrong("unreadable")
    # Lists go from the least to the most serious: of several, the last one counts.
    worst = max(chosen, key=item.choices.index)
    return Answer(worst.value, text, sure=len(chosen) == 1)


def _by_words(choices: tuple[Choice, ...], key: str) -> list[Choice]:
    said = [
        choice for choice in choices if key in map(_label, choice.text.values()) or key == _label(choice.value)
    ]
    if said or len(choices) != 2 or len(key) > 3:
        return said
    return [choice for choice in choices if any(key == _label(word)[:1] for word in choice.text.values())]


def _by_codes(choices: tuple[Choice, ...], key: str) -> list[Choice]:
    by_code = {plain(choice.code): choice for choice in choices}
    words = [_WRITTEN_DIGITS.get(word, word) for word in key.split("_")]
    codes = [word for word in words if word in by_code]
    if not codes or any(word.isdigit() and word not in by_code for word in words):
        return []
    return [by_code[code] for code in dict.fromkeys(codes)]


def _number(item: Item, text: str) -> Answer | Wrong:
    found = _NUMBER.findall(plain(text))
    if len(found) != 1:
        return Wrong("unreadable")
    try:
        value = Decimal(found[0].replace(",", "."))
    except InvalidOperation:
        return Wrong("unreadable")
    if (item.low is not None and value < item.low) or (item.high is not None and value > item.high):
        return Wrong("out_of_range")
    return Answer(value, text)
