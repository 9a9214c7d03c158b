"""What each kind of condition means, as a test on facts. A condition never raises on facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from workflows.facts import SITES, UNKNOWN_SITE, Facts, TemperatureReading
from workflows.protocol import Condition


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether the condition is true of the facts."""
    if condition.kind == "all":
        return all(holds(part, facts) for part in condition.of)
    if condition.kind == "any":
        return any(holds(part, facts) for part in condition.of)
    if condition.kind == "not":
        return not holds(condition.of[0], facts)
    return _TESTS[condition.kind](condition.args, facts)


def _in(number: Decimal, limits: Mapping[str, Any]) -> bool:
    if "at_least" in limits and number < limits["at_least"]:
        return False
    return not ("below" in limits and number >= limits["below"])


def _test_temperature(args: Mapping[str, Any], facts: Facts) -> bool:
    reading = facts.reading
    if reading is None:
        return False
    # A site that no list names is judged like an unknown one, never left without a rule.
    site = reading.site if reading.site in SITES else UNKNOWN_SITE
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
    args: Mapping[str, Any], readings: Sequence[TemperatureReading], first: datetime, last: datetime
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
    "one_of_several": lambda args, facts: facts.one_of_several,
    "advice_unanswered": lambda args, facts: facts.advice_unanswered,
}
