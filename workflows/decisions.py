"""What a rule answers: a `Decision` to carry out, or a `RuleViolation` that says what was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Detail = Mapping[str, Any]


class RuleViolation(ValueError):
    """A value that the trial's rules refuse.

    `field` is the name the caller used, `value` what was given, `message` a sentence for a person. Never put health
    data in `message`: it may reach a log.
    """

    def __init__(self, field: str, value: object, message: str) -> None:
        super().__init__(field, value, message)
        self.field = field
        self.value = value
        self.message = message

    def __str__(self) -> str:
        return f"{self.field}: {self.message} (got {self.value})"


@dataclass(frozen=True)
class Notice:
    """A message that a rule asks for: to whom (a role or "patient"), which template, and its fields."""

    recipient: str
    template: str
    fields: Detail = field(default_factory=dict)


@dataclass(frozen=True)
class AuditNote:
    """One line for the audit trail: `action` as noun:verb, and what goes with it."""

    action: str
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What is to be done: `changes` to the record (field -> new value), notices to send, lines for the audit."""

    changes: Detail = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    audit: tuple[AuditNote, ...] = ()
