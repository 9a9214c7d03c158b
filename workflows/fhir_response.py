"""FHIR R4 QuestionnaireResponse <-> answers by item key.

https://hl7.org/fhir/R4/questionnaireresponse.html. What comes in is turned into the words that a patient would have
typed (a choice's code, "37.8", "100.4F"), so that every channel is read by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from workflows.decisions import RuleViolation
from workflows.fhir_questionnaire import NONE, UCUM, coding
from workflows.protocol import Choice, Item, ItemType, Questionnaire

FAHRENHEIT = ("[degf]", "degf", "f", "°f")
CELSIUS = ("cel", "c", "°c", "")
COMPLETED = "completed"


@dataclass(frozen=True)
class Handed:
    """A response that came in. `questionnaire` is the key, `patient` the number in `Patient/12`."""

    questionnaire: str
    patient: int
    identifier: str
    authored: datetime
    items: Mapping[str, Any]


def read_header(resource: Any) -> Handed:
    """What a response is about. RuleViolation names the element that is missing or wrong."""
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "QuestionnaireResponse":
        raise RuleViolation("resourceType", _get(resource, "resourceType"), "must be QuestionnaireResponse")
    if resource.get("status") != COMPLETED:
        raise RuleViolation("status", resource.get("status"), "must be completed")
    canonical = resource.get("questionnaire")
    if not isinstance(canonical, str) or not canonical.strip():
        raise RuleViolation("questionnaire", canonical, "is the questionnaire's canonical address")
    reference = _get(resource.get("subject"), "reference")
    number = reference.rpartition("Patient/")[2] if isinstance(reference, str) else ""
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise RuleViolation("subject", reference, "is a reference such as Patient/12")
    identifier = _get(resource.get("identifier"), "value")
    if not isinstance(identifier, str) or not 1 <= len(identifier) <= 80:
        raise RuleViolation("identifier", identifier, "its value is the sender's own number of it, 1-80 signs")
    key = canonical.partition("|")[0].rstrip("/").rpartition("/")[2]
    items = resource.get("item")
    return Handed(key, int(number), identifier, _instant(resource.get("authored")), _flat(items))


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _instant(text: Any) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise RuleViolation("authored", text, "is an instant with its offset") from None
    if at.tzinfo is None or not 1900 < at.year < 2200:
        raise RuleViolation("authored", text, "is an instant with its offset")
    return at


def _flat(items: Any, depth: int = 0) -> dict[str, list[Any]]:
    """linkId -> answers, groups opened."""
    found: dict[str, list[Any]] = {}
    if not isinstance(items, list) or depth > 10:
        raise RuleViolation("item", None, "is a list of items, at most ten deep")
    for item in items:
        link = _get(item, "linkId")
        if not isinstance(link, str):
            raise RuleViolation("item.linkId", link, "is missing")
        answers = item.get("answer", [])
        if not isinstance(answers, list):
            raise RuleViolation(f"item[{link}].answer", None, "is a list")
        if answers:
            found[link] = answers
        if item.get("item"):
            found |= _flat(item["item"], depth + 1)
    return found


def read_answers(questionnaire: Questionnaire, handed: Handed) -> dict[str, str]:
    """Item key -> what a patient would have typed. RuleViolation for an unknown item or an answer of another type."""
    known = {item.key: item for item in questionnaire.items}
    typed: dict[str, str] = {}
    for link, answers in handed.items.items():
        item = known.get(link.removesuffix(NONE))
        if item is None:
            raise RuleViolation("item.linkId", link, "the questionnaire has no such item")
        words = [_typed(item, link, answer) for answer in answers]
        typed[item.key] = " ".join(words) if item.type is ItemType.LETTERS else words[0]
    if not typed:
        raise RuleViolation("item", None, "there is no answer")
    return typed


def _typed(item: Item, link: str, answer: Any) -> str:
    here = f"item[{link}].answer"
    code = _get(_get(answer, "valueCoding"), "code")
    if code is not None and item.choices:
        return _choice(item, code, here).code
    if item.type is ItemType.TEMPERATURE and isinstance(_get(answer, "valueQuantity"), Mapping):
        quantity = answer["valueQuantity"]
        unit = str(quantity.get("code") or quantity.get("unit") or "").lower()
        if unit not in CELSIUS and unit not in FAHRENHEIT:
            raise RuleViolation(here, unit, "a temperature is in Cel or [degF]")
        number = _number(quantity.get("value"), here)
        sign, low, high = ("F", 77, 113) if unit in FAHRENHEIT else ("C", 25, 45)
        if not low <= Decimal(number) <= high:
            raise RuleViolation(here, number, f"is no body temperature in {sign}")
        return number + sign
    if item.type in (ItemType.TEMPERATURE, ItemType.NUMBER):
        value = _get(answer, "valueDecimal")
        return _number(_get(answer, "valueInteger") if value is None else value, here)
    text = _get(answer, "valueString")
    if item.type is ItemType.TEXT and isinstance(text, str) and text.strip():
        return text
    raise RuleViolation(here, None, f"is not an answer to a question of type {item.type}")


def _choice(item: Item, code: Any, here: str) -> Choice:
    for choice in item.choices:
        if code == choice.value or code == choice.code:
            return choice
    raise RuleViolation(here, code, "is not one of the choices")


def _number(value: Any, here: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal) or len(str(value)) > 12:
        raise RuleViolation(here, value, "is not a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise RuleViolation(here, value, "is not a number")
    return f"{number:f}"


def to_fhir(
    questionnaire: Questionnaire,
    answers: Iterable[tuple[str, Any]],
    *,
    response_id: int,
    url: str,
    patient: int,
    authored: datetime,
    by_staff: bool = False,
    language: str = "en",
) -> dict[str, Any]:
    """One occasion's answers (item key, stored value) as a resource. Unknown items are left out."""
    items = []
    for key, value in answers:
        item = next((one for one in questionnaire.items if one.key == key), None)
        if item is not None:
            items.append(_out(item, value, url, language))
    subject = {"reference": f"Patient/{patient}"}
    return {
        "resourceType": "QuestionnaireResponse",
        "id": str(response_id),
        "questionnaire": f"{url}|{questionnaire.version}",
        "status": COMPLETED,
        "subject": subject,
        "authored": authored.isoformat(),
        "source": {"display": "care team"} if by_staff else subject,
        "item": items,
    }


def _out(item: Item, value: Any, url: str, language: str) -> dict[str, Any]:
    values = value if isinstance(value, list | tuple) else [value]
    chosen = {choice.value: choice for choice in item.choices}
    answers: list[dict[str, Any]] = []
    for one in values:
        if str(one) in chosen:
            answers.append({"valueCoding": coding(item, chosen[str(one)], url, language)})
        elif item.type is ItemType.TEMPERATURE:
            quantity = {"value": float(one), "unit": "Cel", "system": UCUM, "code": "Cel"}
            answers.append({"valueQuantity": quantity})
        elif item.type is ItemType.NUMBER:
            answers.append({"valueDecimal": float(one)})
        else:
            answers.append({"valueString": str(one)})
    link = item.key
    if item.type is ItemType.TEMPERATURE and answers and "valueCoding" in answers[0]:
        link += NONE
    return {"linkId": link, "answer": answers}
