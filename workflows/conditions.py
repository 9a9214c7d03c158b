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

from workflows.facts import SITES, Facts, TemperatureReading
from workflows.protocol import Condition

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "all": "a list of conditions: every one holds",
        "any": "a list of conditions: at least one holds",
        "not": "one condition: it does not hold",
        "temperature": "{sites?: [site], at_least?: C, below?: C} of this report's reading",
        "sustained": "{at_least | below: C, apart_minutes: [least, most]}: two readings so far apart, none between breaks it",
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
    }
)
HEARD = ("red_words", "fever_without_number", "help_alone")


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


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether the condition is true of the facts."""
    if condition.kind == "all":
        return all(holds(part, facts) for part in condition.of)
    if condition.kind == "any":
        return any(holds(part, facts) for part in condition.of)
    if condition.kind == "not":
        return not holds(condition.of[0], facts)
    return _TESTS[condition.kind](condition.args, facts)


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


def _in(number: Decimal, limits: Mapping[str, Any]) -> bool:
    if "at_least" in limits and number < limits["at_least"]:
        return False
    return not ("below" in limits and number >= limits["below"])


def _test_temperature(args: Mapping[str, Any], facts: Facts) -> bool:
    reading = facts.reading
    if reading is None:
        return False
    # A site that no list names is judged like an unknown one, never left without a rule.
    site = reading.site if reading.site in SITES else "unknown"
    return site in args["sites"] and _in(reading.celsius, args)


def _test_sustained(args: Mapping[str, Any], facts: Facts) -> bool:
    """Two readings in range of which one is this report's; a text that arrives late may be the earlier of
    the two.
    """
    reading = facts.reading
    if reading is None or not _in(reading.celsius, args):
        return False
    least, most = args["apart"]
    return any(
        least <= abs(reading.at - other.at) <= most
        and _in(other.celsius, args)
        and not _broken_between(args, facts.earlier, *sorted((reading.at, other.at)))
        for other in facts.earlier
    )


def _broken_between(
    args: Mapping[str, Any], readings: Sequence[TemperatureReading], first: Any, last: Any
) -> bool:
    return any(first < reading.at < last and not _in(reading.celsius, args) for reading in readings)


def _test_letters(args: Mapping[str, Any], facts: Facts) -> bool:
    return bool(args["letters"] & facts.letters)


def _test_choice(args: Mapping[str, Any], facts: Facts) -> bool:
    answer = facts.answers.get(args["item"])
    if isinstance(answer, list | tuple | set | frozenset):
        return any(part in args["any_of"] for part in answer if isinstance(part, str))
    return isinstance(answer, str) and answer in args["any_of"]


def _test_number(args: Mapping[str, Any], facts: Facts) -> bool:
    answer = facts.answers.get(args["item"])
    if isinstance(answer, bool) or not isinstance(answer, int | Decimal):
        return False
    return _in(Decimal(answer), args)


def _test_heard(args: Mapping[str, Any], facts: Facts) -> bool:
    return any(bool(getattr(facts, name)) for name in args["heard"])


def _test_within_days(args: Mapping[str, Any], facts: Facts) -> bool:
    day = facts.anchor_date(args["anchor"])
    return day is not None and args["from"] <= (facts.today - day).days <= args["to"]


def _test_within_hours(args: Mapping[str, Any], facts: Facts) -> bool:
    at = facts.anchors.get(args["anchor"])
    if at is None:
        return False
    # With only the day known, the event may have been at any hour of it.
    slack = timedelta(days=1) if args["anchor"] in facts.days_only else timedelta(0)
    return timedelta(hours=args["from"]) <= facts.now - at <= timedelta(hours=args["to"]) + slack


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
}
_TESTS: Mapping[str, Callable[[Mapping[str, Any], Facts], bool]] = {
    "temperature": _test_temperature,
    "sustained": _test_sustained,
    "letters": _test_letters,
    "choice": _test_choice,
    "number": _test_number,
    "answered": lambda args, facts: facts.answers.get(args["item"]) is not None,
    "stored": lambda args, facts: bool(facts.stored.get(args["item"])),
    "heard": _test_heard,
    "within_days": _test_within_days,
    "within_hours": _test_within_hours,
    "recheck_due": lambda args, facts: facts.recheck_due,
    "contact_lost": lambda args, facts: facts.contact_lost,
}
