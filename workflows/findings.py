"""What made a rule fire, as data: a page says it in its reader's language, an export keeps it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workflows.conditions import holds
from workflows.facts import Facts
from workflows.protocol import Condition


@dataclass(frozen=True)
class Finding:
    """One fact. `kind` is the condition's (`temperature`, `letters` ...), `value` and `detail` what was found:

    temperature: degrees Celsius, site; letters: "A C"; choice and number: item, answer; heard: the word's name;
    within_days and within_hours: anchor, "from-to"; silence: the days. All others have neither.
    """

    kind: str
    value: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind, self.value, self.detail) if part)


def findings(condition: Condition, facts: Facts) -> tuple[Finding, ...]:
    """What made a condition true, leaf by leaf, each once."""
    return tuple(dict.fromkeys(_found(condition, facts)))


def _found(condition: Condition, facts: Facts) -> Iterator[Finding]:
    kind, args = condition.kind, condition.args
    if kind in ("all", "any"):
        for part in condition.of:
            if holds(part, facts):
                yield from _found(part, facts)
    elif kind in ("temperature", "sustained") and facts.reading is not None:
        yield Finding("temperature", str(facts.reading.celsius), facts.reading.site)
        if kind == "sustained":
            yield Finding("sustained")
    elif kind == "letters":
        yield Finding(kind, " ".join(sorted(args["letters"] & facts.letters)))
    elif kind in ("choice", "number"):
        answer = facts.answers.get(args["item"])
        said = " ".join(map(str, answer)) if isinstance(answer, list | tuple | set | frozenset) else str(answer)
        yield Finding(kind, args["item"], said)
    elif kind == "heard":
        for name in args["heard"]:
            if getattr(facts, name):
                yield from (Finding(kind, word) for word in _words(name, facts))
    elif kind in ("within_hours", "within_days"):
        yield Finding(kind, args["anchor"], f"{args['from']}-{args['to']}")
    elif kind != "not":
        yield Finding(kind)


def _words(name: str, facts: Facts) -> tuple[str, ...]:
    return tuple(sorted(facts.red_words)) if name == "red_words" else (name,)
