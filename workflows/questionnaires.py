"""Which question comes next, and what a whole form or a one-message answer says: one definition for every
channel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from workflows.answers import Answer, Wrong, read_answer
from workflows.conditions import holds
from workflows.facts import UNKNOWN_SITE, Facts, TemperatureReading
from workflows.protocol import Item, ItemType, Questionnaire
from workflows.words import plain

SITE_ITEM = "temp_site"
_TOKENS = re.compile(r"\d{2,3}(?:[.,]\d{1,2})?(?:°?[cf](?![a-z]))?|\d|[a-z]+|[^\sa-z\d]")


def letters_of(questionnaire: Questionnaire, answers: Mapping[str, Any]) -> frozenset[str]:
    """The signs among the answers: every letter but the one that means "none"."""
    letters: set[str] = set()
    for item in questionnaire.items:
        if item.type is ItemType.LETTERS and isinstance(
            answers.get(item.key), list | tuple | set | frozenset
        ):
            none = {choice.value for choice in item.choices if choice.excludes_others}
            letters |= {value for value in answers[item.key] if value not in none}
    return frozenset(letters)


def with_answers(questionnaire: Questionnaire, answers: Mapping[str, Any], facts: Facts) -> Facts:
    """The facts as they are with these answers: signs, the latest temperature, its site (the stored one
    where none was given)."""
    reading = facts.reading
    site = answers.get(SITE_ITEM) or facts.stored.get(SITE_ITEM) or UNKNOWN_SITE
    for item in questionnaire.items:
        value = answers.get(item.key)
        if item.type is ItemType.TEMPERATURE and isinstance(value, Decimal):
            known = reading is not None and reading.celsius == value
            at = reading.at if reading is not None and known else facts.now
            reading = TemperatureReading(value, at, site, reading.confirmed if reading and known else True)
    return replace(
        facts,
        answers=dict(answers),
        letters=facts.letters | letters_of(questionnaire, answers),
        reading=reading,
    )


def next_item(questionnaire: Questionnaire, answers: Mapping[str, Any], facts: Facts) -> Item | None:
    """The next question to ask; None when the form is complete (or only questions that need not be answered
    are left and were not reached yet: those are asked too, in their order)."""
    known = with_answers(questionnaire, answers, facts)
    for item in questionnaire.items:
        if item.key not in answers and (item.asked_when is None or holds(item.asked_when, known)):
            return item
    return None


def next_for_sure(questionnaire: Questionnaire, answers: Mapping[str, Any]) -> Item | None:
    """The next question where no fact but the answers decides which it is; None: ask `next_item`."""
    item = next((one for one in questionnaire.items if one.key not in answers), None)
    return item if item is not None and item.asked_when is None else None


def missing_items(questionnaire: Questionnaire, answers: Mapping[str, Any], facts: Facts) -> tuple[Item, ...]:
    """The required questions that are due and have no answer."""
    known = with_answers(questionnaire, answers, facts)
    return tuple(
        item
        for item in questionnaire.items
        if item.required
        and item.key not in answers
        and (item.asked_when is None or holds(item.asked_when, known))
    )


def read_form(
    questionnaire: Questionnaire, fields: Mapping[str, str], language: str = ""
) -> tuple[dict[str, Answer], dict[str, Wrong]]:
    """A filled page: the answers that were understood, and what is wrong with the others (empty fields are
    neither).
    """
    answers: dict[str, Answer] = {}
    faults: dict[str, Wrong] = {}
    for item in questionnaire.items:
        text = fields.get(item.key, "")
        if text.strip():
            found = read_answer(item, text, language)
            if isinstance(found, Answer):
                answers[item.key] = found
            else:
                faults[item.key] = found
    return answers, faults


def read_all(questionnaire: Questionnaire, text: str, language: str, facts: Facts) -> dict[str, Answer]:
    """A one-message answer (`36,8 N 1 2`, `36,8AD12`): temperature, letters, then one number for each
    question.

    Empty unless the text holds a temperature (or NO) and at least one answer more, with nothing left over.
    With fewer numbers than questions, those that are only asked in some cases are left out: they are asked
    afterwards.
    """
    tokens = _TOKENS.findall(plain(text).replace(", ", " "))
    items = [item for item in questionnaire.items if item.type in _BY_TEXT and not _is_recheck(item)]
    if len(tokens) < 2 or not items or items[0].type is not ItemType.TEMPERATURE:
        return {}
    first = read_answer(items[0], tokens[0], language)
    if not isinstance(first, Answer):
        return {}
    answers: dict[str, Answer] = {items[0].key: first}
    rest = [token for token in tokens[1:] if token not in (",", ";", "/", "-", ".", "e", "°") or token == "e"]
    letters = [item for item in items if item.type is ItemType.LETTERS]
    before: list[str] = []
    while rest and rest[0].isdigit() and letters:
        before.append(rest.pop(0))
    said: list[str] = []
    while rest and rest[0].isalpha():
        said.append(rest.pop(0))
    numbers = [digit for token in rest for digit in token if token.isdigit()]
    if len(numbers) != sum(map(len, rest)):
        return {}
    if said and letters:
        signs = read_answer(letters[0], " ".join(said), language)
        if not isinstance(signs, Answer):
            return {}
        answers[letters[0].key] = signs
    elif said:
        return {}
    at = items.index(letters[0]) if letters else 0
    ahead, behind = items[1:at], items[at + 1 :] if letters else items[1:]
    if not _share(questionnaire, ahead, [d for token in before for d in token], answers, facts, language):
        return {}
    if not _share(questionnaire, behind, numbers, answers, facts, language):
        return {}
    return answers if len(answers) > 1 else {}


_BY_TEXT = frozenset({ItemType.TEMPERATURE, ItemType.LETTERS, ItemType.CHOICE})


def _is_recheck(item: Item) -> bool:
    return item.type is ItemType.TEMPERATURE and item.asked_when is not None


def _share(
    questionnaire: Questionnaire,
    items: Sequence[Item],
    numbers: Sequence[str],
    answers: dict[str, Answer],
    facts: Facts,
    language: str,
) -> bool:
    """Gives the numbers to the questions in order; False where they do not fit."""
    values = {key: answer.value for key, answer in answers.items()}
    known = with_answers(questionnaire, values, facts)
    due = [item for item in items if item.asked_when is None or holds(item.asked_when, known)]
    if len(numbers) < len(due):
        due = [item for item in due if item.asked_when is None]
    if len(numbers) > len(due):
        return False
    for item, number in zip(due, numbers, strict=False):
        found = read_answer(item, number, language)
        if not isinstance(found, Answer):
            return False
        answers[item.key] = found
    return True
