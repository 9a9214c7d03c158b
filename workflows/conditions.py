"""Tests on facts, written as small trees in the protocol file.

    when: {all: [{letters: [A, B]}, {within_hours: {anchor: infusion_1, to: 24}}]}

`KINDS` lists every kind with the shape of its argument. A condition never raises on facts: what is not known
does
not hold, with one exception that the safe side asks for: a site that is not known is compared as the site
`unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from workflows.condition_tests import holds
from workflows.facts import SITES
from workflows.protocol import Condition

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "all": "a list of conditions: every one holds",
        "any": "a list of conditions: at least one holds",
        "not": "one condition: it does not hold",
        "temperature": "{sites?: [site], at_least?: C, below?: C} of this report's reading",
        "sustained": "{at_least | below: C, apart_minutes: [least, most]}: two readings, none between breaks it",
        "letters": "a list of letters: at least one was answered or heard",
        "choice": "{item, any_of: [value]}: the item's answer is (or has) one of the values",
        "number": "{item, at_least?, below?}: the item's answer is a number in that range",
        "answered": "an item's key: it has an answer",
        "stored": "an item's key: a lasting answer is kept for the patient (the measuring site)",
        "heard": "a list of: red_words, fever_without_number, help_alone",
        "within_days": "{anchor, from?, to}: so many local calendar days after the anchor, inclusive",
        "within_hours": "{anchor, from?, to}: so many hours after the anchor, inclusive",
        "recheck_due": "true: the temperature is to be taken again now",
        "contact_lost": "true: texts do not reach the patient (undeliverable, opted out, not theirs)",
        "one_of_several": "true: distress from a telephone that several patients share; nobody said whose it is",
        "advice_unanswered": "true: after an advice to go in, no word came, or the patient says: not going",
    }
)
HEARD = ("red_words", "fever_without_number", "help_alone")


__all__ = ["KINDS", "Condition", "ConditionError", "anchors_of", "holds", "items_of", "parse_condition"]


class ConditionError(Exception):
    """A condition that cannot be read. `path` is the place in the file, `message` what is wrong."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def parse_condition(raw: Any, path: str) -> Condition:
    """The condition that `raw` (plain YAML values) describes; ConditionError with the exact path otherwise.
    """
    if not isinstance(raw, Mapping) or len(raw) != 1:
        raise ConditionError(path, "a condition is a mapping with exactly one kind")
    ((kind, value),) = raw.items()
    here = f"{path}.{kind}"
    if kind not in KINDS:
        raise ConditionError(here, f"unknown kind; known: {', '.join(KINDS)}")
    if kind in ("all", "any"):
        parts = _a_list(value, here)
        return Condition(
            kind, of=tuple(parse_condition(part, f"{here}[{i}]") for i, part in enumerate(parts))
        )
    if kind == "not":
        return Condition(kind, of=(parse_condition(value, here),))
    return Condition(kind, args=MappingProxyType(_ARGUMENTS[kind](value, here)))


def items_of(condition: Condition) -> frozenset[str]:
    """The item keys that the condition reads, so that a file naming an unknown item can be refused."""
    own = frozenset({condition.args["item"]}) if "item" in condition.args else frozenset()
    return own.union(*(items_of(part) for part in condition.of))


def anchors_of(condition: Condition) -> frozenset[str]:
    """The anchors that the condition counts from."""
    own = frozenset({condition.args["anchor"]}) if "anchor" in condition.args else frozenset()
    return own.union(*(anchors_of(part) for part in condition.of))


def _a_list(value: Any, path: str) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ConditionError(path, "needs a list with at least one entry")
    return value


def _texts(value: Any, path: str, known: Sequence[str] = ()) -> tuple[str, ...]:
    entries = _a_list(value, path)
    for i, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise ConditionError(f"{path}[{i}]", "needs a text (put it in quotes)")
        if known and entry not in known:
            raise ConditionError(f"{path}[{i}]", f"unknown value {entry!r}; known: {', '.join(known)}")
    return tuple(entries)


def _fields(value: Any, path: str, needed: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConditionError(path, "needs a mapping")
    for key in value:
        if key not in needed and key not in optional:
            raise ConditionError(f"{path}.{key}", "unknown field")
    for key in needed:
        if key not in value:
            raise ConditionError(f"{path}.{key}", "is missing")
    return value


def _decimal(value: Any, path: str) -> Decimal:
    """A limit. A YAML float (37.8) is refused: it is not exact, "37.8" in quotes is."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ConditionError(path, 'needs a number in quotes, such as "37.8"')
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ConditionError(path, f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ConditionError(path, f"{value!r} is not a number")
    return number


def _whole(value: Any, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConditionError(path, "needs a whole number")
    return value


def _limits(raw: Mapping[str, Any], path: str) -> dict[str, Decimal]:
    limits = {key: _decimal(raw[key], f"{path}.{key}") for key in ("at_least", "below") if key in raw}
    if not limits:
        raise ConditionError(path, "needs at_least or below")
    return limits


def _temperature(value: Any, path: str) -> dict[str, Any]:
    raw = _fields(value, path, (), ("sites", "at_least", "below"))
    sites = _texts(raw["sites"], f"{path}.sites", SITES) if "sites" in raw else SITES
    return {"sites": sites, **_limits(raw, path)}


def _sustained(value: Any, path: str) -> dict[str, Any]:
    raw = _fields(value, path, ("apart_minutes",), ("at_least", "below"))
    limits = _limits(raw, path)
    if len(limits) != 1:
        raise ConditionError(path, "needs exactly one of at_least and below")
    apart = _a_list(raw["apart_minutes"], f"{path}.apart_minutes")
    if len(apart) != 2:
        raise ConditionError(f"{path}.apart_minutes", "needs the least and the most minutes")
    least, most = (_whole(entry, f"{path}.apart_minutes[{i}]") for i, entry in enumerate(apart))
    if not 0 <= least <= most:
        raise ConditionError(f"{path}.apart_minutes", "the least must not be above the most")
    return {"apart": (timedelta(minutes=least), timedelta(minutes=most)), **limits}


def _letters(value: Any, path: str) -> dict[str, Any]:
    return {"letters": frozenset(_texts(value, path))}


def _choice(value: Any, path: str) -> dict[str, Any]:
    raw = _fields(value, path, ("item", "any_of"))
    return {
        "item": _name(raw["item"], f"{path}.item"),
        "any_of": frozenset(_texts(raw["any_of"], f"{path}.any_of")),
    }


def _number(value: Any, path: str) -> dict[str, Any]:
    raw = _fields(value, path, ("item",), ("at_least", "below"))
    return {"item": _name(raw["item"], f"{path}.item"), **_limits(raw, path)}


def _name(value: Any, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConditionError(path, "needs a name")
    return value


def _item(value: Any, path: str) -> dict[str, Any]:
    return {"item": _name(value, path)}


def _heard(value: Any, path: str) -> dict[str, Any]:
    return {"heard": _texts(value, path, HEARD)}


def _span(value: Any, path: str) -> dict[str, Any]:
    raw = _fields(value, path, ("anchor", "to"), ("from",))
    first, last = _whole(raw.get("from", 0), f"{path}.from"), _whole(raw["to"], f"{path}.to")
    if first > last:
        raise ConditionError(path, "from must not be above to")
    return {"anchor": _name(raw["anchor"], f"{path}.anchor"), "from": first, "to": last}


def _true(value: Any, path: str) -> dict[str, Any]:
    if value is not True:
        raise ConditionError(path, "needs true")
    return {}


_ARGUMENTS: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
    "temperature": _temperature,
    "sustained": _sustained,
    "letters": _letters,
    "choice": _choice,
    "number": _number,
    "answered": _item,
    "stored": _item,
    "heard": _heard,
    "within_days": _span,
    "within_hours": _span,
    "recheck_due": _true,
    "contact_lost": _true,
    "one_of_several": _true,
    "advice_unanswered": _true,
}
