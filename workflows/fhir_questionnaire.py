"""A questionnaire as a FHIR R4 Questionnaire.

https://hl7.org/fhir/R4/questionnaire.html. An item's `linkId` is its key. A temperature is a `quantity` in Cel with its
way out ("no thermometer") as a `choice` beside it, `<key>.none`. A condition that FHIR can say becomes `enableWhen`; of
another one the item is always shown and the condition is kept, as JSON text, in an extension.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workflows.protocol import Choice, Condition, Item, ItemType, Questionnaire
from workflows.questionnaire_json import condition_json

ASKED_WHEN = "urn:vigilia:fhir:asked-when"
NONE = ".none"
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
TYPES = {
    ItemType.TEMPERATURE: "quantity",
    ItemType.LETTERS: "choice",
    ItemType.CHOICE: "choice",
    ItemType.NUMBER: "decimal",
    ItemType.TEXT: "text",
}
LIMITS = {"low": "minValue", "high": "maxValue"}
EXTENSION = "http://hl7.org/fhir/StructureDefinition/"


def to_fhir(questionnaire: Questionnaire, *, url: str, language: str = "en") -> dict[str, Any]:
    """The resource as JSON. `url` is its canonical address, `language` a BCP 47 tag that the wording has."""
    return {
        "resourceType": "Questionnaire",
        "id": questionnaire.key.replace("_", "-"),
        "url": url,
        "version": questionnaire.version,
        "name": _name(questionnaire.key),
        "title": text_in(questionnaire.title, language),
        "status": "active",
        "language": language,
        "subjectType": ["Patient"],
        "description": questionnaire.source,
        "copyright": questionnaire.licence,
        "item": [one for item in questionnaire.items for one in _items(questionnaire, item, url, language)],
    }


def text_in(texts: Mapping[str, str], language: str) -> str:
    """The wording in that language, else in English, else in whichever there is."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def _name(key: str) -> str:
    return "".join(part.capitalize() for part in key.replace("-", "_").split("_")) or "Questionnaire"


def _items(questionnaire: Questionnaire, item: Item, url: str, language: str) -> list[dict[str, Any]]:
    found: dict[str, Any] = {"linkId": item.key, "text": text_in(item.text, language), "type": TYPES[item.type]}
    extensions = _limits(item)
    enabling = _enabling(questionnaire, item.asked_when, url) if item.asked_when else None
    if enabling:
        found |= enabling
    elif item.asked_when is not None:
        extensions.append({"url": ASKED_WHEN, "valueString": json.dumps(condition_json(item.asked_when))})
    if item.loinc:
        found["code"] = [{"system": LOINC, "code": item.loinc}]
    if extensions:
        found["extension"] = extensions
    conditional = item.asked_when is not None and not enabling
    found["required"] = item.required and not conditional and item.type is not ItemType.TEMPERATURE
    if item.type is ItemType.LETTERS:
        found["repeats"] = True
    if item.type in (ItemType.LETTERS, ItemType.CHOICE):
        found["answerOption"] = _options(item, url, language)
    if item.type is not ItemType.TEMPERATURE or not item.choices:
        return [found]
    beside = {
        "linkId": item.key + NONE,
        "text": text_in(item.text, language),
        "type": "choice",
        "required": False,
        "enableWhen": [{"question": item.key, "operator": "exists", "answerBoolean": False}],
        "answerOption": _options(item, url, language),
    }
    return [found, beside]


def _options(item: Item, url: str, language: str) -> list[dict[str, Any]]:
    return [{"valueCoding": coding(item, choice, url, language)} for choice in item.choices]


def coding(item: Item, choice: Choice, url: str, language: str) -> dict[str, Any]:
    """A choice as a Coding: its system is the questionnaire's address with the item, its code our value."""
    return {
        "system": f"{url}#{item.key}",
        "code": choice.value,
        "display": text_in(choice.text, language) or choice.value,
    }


def _limits(item: Item) -> list[dict[str, Any]]:
    if item.type is ItemType.TEMPERATURE:
        unit = {"system": UCUM, "code": "Cel", "display": "Cel"}
        return [{"url": EXTENSION + "questionnaire-unit", "valueCoding": unit}]
    bounds = {"low": item.low, "high": item.high}
    return [
        {"url": EXTENSION + LIMITS[name], "valueDecimal": float(value)}
        for name, value in bounds.items()
        if value is not None
    ]


def _enabling(questionnaire: Questionnaire, condition: Condition, url: str) -> dict[str, Any] | None:
    """`enableWhen` and its behaviour, or None where FHIR R4 cannot say it (it has no nesting and no memory)."""
    if condition.kind in ("all", "any"):
        parts = [_tests(questionnaire, part, url) for part in condition.of]
        single = condition.kind == "all" and any(part is not None and len(part) > 1 for part in parts)
        if single or any(part is None for part in parts):
            return None
        tests = [test for part in parts if part is not None for test in part]
        behaviour = condition.kind
    else:
        found = _tests(questionnaire, condition, url)
        if found is None:
            return None
        tests, behaviour = found, "any"
    enabling: dict[str, Any] = {"enableWhen": tests}
    if len(tests) > 1:
        enabling["enableBehavior"] = behaviour
    return enabling


def _tests(questionnaire: Questionnaire, condition: Condition, url: str) -> list[dict[str, Any]] | None:
    """The tests of one simple condition, any of which is enough; None where there are none in R4."""
    args = condition.args
    if condition.kind == "letters":
        items = [item for item in questionnaire.items if item.type is ItemType.LETTERS]
        return _coded(items[0], args["letters"], url) if items else None
    if condition.kind == "choice":
        return _coded(questionnaire.item(args["item"]), args["any_of"], url)
    if condition.kind == "answered":
        return [{"question": args["item"], "operator": "exists", "answerBoolean": True}]
    if condition.kind == "temperature":
        items = [item for item in questionnaire.items if item.type is ItemType.TEMPERATURE]
        limit = {"value": float(args.get("at_least") or args.get("below") or 0), "system": UCUM, "code": "Cel"}
        return _range(items[0].key, args, "answerQuantity", limit) if items else None
    if condition.kind == "number":
        return _range(args["item"], args, "answerDecimal", float(args.get("at_least") or args.get("below") or 0))
    return None


def _coded(item: Item, values: Any, url: str) -> list[dict[str, Any]]:
    wanted = {str(value) for value in values}
    return [
        {
            "question": item.key,
            "operator": "=",
            "answerCoding": {"system": f"{url}#{item.key}", "code": choice.value},
        }
        for choice in item.choices
        if choice.value in wanted or choice.code in wanted
    ]


def _range(question: str, args: Mapping[str, Any], name: str, limit: Any) -> list[dict[str, Any]] | None:
    if "at_least" in args and "below" in args:
        return None
    return [{"question": question, "operator": ">=" if "at_least" in args else "<", name: limit}]
