"""A form as a telephone asks it without a connection: conditions that hang only on what is typed there.

What the record alone decides (a stored site, days since an infusion, earlier words) is settled here; the rest is sent
as small trees that `service/web/static/rules.js` evaluates. One table of cases runs against both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workflows.conditions import holds
from workflows.facts import SITES, Facts
from workflows.protocol import Condition, Item, ItemType, Level, Questionnaire, TriageRule
from workflows.questionnaire_json import condition_json

TYPED = frozenset({"temperature", "sustained", "letters", "choice", "number", "answered"})
Tree = bool | dict[str, Any]


def settle(condition: Condition | None, form: Questionnaire, facts: Facts) -> Tree:
    """The condition with everything decided that no answer to this form changes: a tree, or a plain yes or no."""
    if condition is None:
        return True
    if condition.kind == "not":
        part = settle(condition.of[0], form, facts)
        return not part if isinstance(part, bool) else {"not": part}
    if condition.kind in ("all", "any"):
        parts = [settle(part, form, facts) for part in condition.of]
        decides = condition.kind == "any"
        if decides in [part for part in parts if isinstance(part, bool)]:
            return decides
        open_parts = [part for part in parts if not isinstance(part, bool)]
        if len(open_parts) < 2:
            return open_parts[0] if open_parts else not decides
        return {condition.kind: open_parts}
    if condition.kind not in TYPED:
        return holds(condition, facts)
    if not _is_asked(condition, form):
        return False
    if condition.kind == "sustained":
        return _sustained(condition, facts)
    tree = condition_json(condition)
    if condition.kind == "temperature" and set(condition.args["sites"]) == set(SITES):
        del tree["temperature"]["sites"]
    return tree


def _is_asked(condition: Condition, form: Questionnaire) -> bool:
    """Whether the form has a question that the condition looks at."""
    if condition.kind in ("temperature", "sustained"):
        return any(item.type is ItemType.TEMPERATURE for item in form.items)
    if condition.kind == "letters":
        return any(item.type is ItemType.LETTERS for item in form.items)
    return condition.args["item"] in {item.key for item in form.items}


def _sustained(condition: Condition, facts: Facts) -> Tree:
    """With the earlier readings in it: [degrees Celsius, milliseconds since 1970] each."""
    if not facts.earlier:
        return False
    limits = {key: str(condition.args[key]) for key in ("at_least", "below") if key in condition.args}
    earlier = [[str(one.celsius), int(one.at.timestamp() * 1000)] for one in facts.earlier]
    return {"sustained": {**limits, "apart": [span.total_seconds() / 60 for span in condition.args["apart"]],
                          "earlier": earlier}}


def rules(triage: Iterable[TriageRule], level: Level, form: Questionnaire, facts: Facts) -> Tree:
    """Whether any rule of this level fires because of what is typed, as one tree."""
    trees = [settle(rule.when, form, facts) for rule in triage if rule.level is level]
    of_typed = [tree for tree in trees if not isinstance(tree, bool)]
    return {"any": of_typed} if of_typed else False


def item(asked: Item, form: Questionnaire, facts: Facts) -> dict[str, Any]:
    """A question, without its words. Only what is not the usual is said."""
    found: dict[str, Any] = {"key": asked.key, "type": str(asked.type)}
    tree = settle(asked.asked_when, form, facts)
    if tree is not True:
        found["when"] = tree
    if not asked.required:
        found["skip"] = True
    if asked.type is ItemType.NUMBER:
        found |= {name: str(limit) for name, limit in (("low", asked.low), ("high", asked.high)) if limit is not None}
    return found


__all__ = ["item", "rules", "settle"]
