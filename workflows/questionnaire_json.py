"""A questionnaire as plain JSON for an app: wording by language, choices, bounds, and when each item is asked."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from workflows.protocol import Choice, Condition, Item, Questionnaire


def as_json(questionnaire: Questionnaire) -> dict[str, Any]:
    """Keys as in the protocol file. Conditions are trees of one kind each: `{"letters": {...}}`, `{"all": [...]}`."""
    return {
        "key": questionnaire.key,
        "version": questionnaire.version,
        "title": dict(questionnaire.title),
        "licence": questionnaire.licence,
        "source": questionnaire.source,
        "recall_days": questionnaire.recall_days,
        "items": [_item(item) for item in questionnaire.items],
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "key": item.key,
        "type": str(item.type),
        "text": dict(item.text),
        "required": item.required,
        "loinc": item.loinc or None,
        "low": None if item.low is None else str(item.low),
        "high": None if item.high is None else str(item.high),
        "choices": [_choice(choice) for choice in item.choices],
        "asked_when": None if item.asked_when is None else condition_json(item.asked_when),
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "code": choice.code,
        "value": choice.value,
        "text": dict(choice.text),
        "excludes_others": choice.excludes_others,
    }


def condition_json(condition: Condition) -> dict[str, Any]:
    """The tree as JSON; decimals as text, so that 37.8 stays 37.8."""
    if condition.kind == "not":
        return {"not": condition_json(condition.of[0])}
    if condition.of:
        return {condition.kind: [condition_json(part) for part in condition.of]}
    return {condition.kind: _plain(condition.args)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_plain(inner) for inner in value)
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Decimal) else value
