"""Reading a posted form: every fault named by its field, and what was typed kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from datetime import time as time_of_day
from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from service.errors import Problem
from service.web import sentences
from workflows.decisions import RuleViolation

LONGEST = 2000


class Form:
    """`typed` is what came; `errors` maps a field's name to a sentence ("" for the form as a whole).

    Each reader returns the value, or an empty one and an entry in `errors`: read all, then ask `ok`.
    """

    def __init__(self, typed: Mapping[str, str] | None = None) -> None:
        self.typed: MultiDict[str, str] = MultiDict(typed or {})
        self.errors: dict[str, str] = {}

    @property
    def ok(self) -> bool:
        return not self.errors

    def value(self, name: str) -> str:
        """What was typed, for the field to show again."""
        return str(self.typed.get(name, ""))

    def fault(self, name: str, sentence: str) -> None:
        """Say what is wrong with a field; the first sentence stays."""
        self.errors.setdefault(name, sentence)

    def text(self, name: str, *, required: bool = True, longest: int = LONGEST) -> str:
        """A text without outer spaces."""
        value = self.value(name).strip()
        if required and not value:
            self.fault(name, _("Fill this in."))
        if len(value) > longest:
            self.fault(name, _("At most %(n)s characters.", n=longest))
        return value

    def one_of(self, name: str, values: Iterable[str], *, required: bool = True) -> str:
        """One of the offered values."""
        value = self.value(name)
        if not value and not required:
            return ""
        if value not in set(values):
            self.fault(name, _("Choose one of the list."))
            return ""
        return value

    def date(self, name: str, *, required: bool = True) -> date | None:
        """A date as the date field sends it (2026-03-02)."""
        value = self.text(name, required=required)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fault(name, _("Write the date as 2026-03-02."))
            return None

    def time(self, name: str, *, required: bool = False) -> str | None:
        """A time of day "HH:MM"."""
        value = self.text(name, required=required)
        if not value:
            return None
        try:
            return time_of_day.fromisoformat(value).strftime("%H:%M")
        except ValueError:
            self.fault(name, _("Write the time as 09:30."))
            return None

    def decimal(self, name: str, low: Decimal, high: Decimal, *, required: bool = False) -> Decimal | None:
        """A number with point or comma, between two limits."""
        value = self.text(name, required=required)
        if not value:
            return None
        try:
            found = Decimal(value.replace(",", "."))
        except InvalidOperation:
            self.fault(name, _("Write a number."))
            return None
        if not found.is_finite() or not low <= found <= high:
            self.fault(name, _("Between %(low)s and %(high)s.", low=low, high=high))
            return None
        return found

    def take(self, error: Problem | RuleViolation, known: Iterable[str] = (), **renamed: str) -> None:
        """A refusal of a use case becomes the error of its field (`renamed`: their name -> ours); else of the form."""
        field = renamed.get(error.field, error.field)
        said = error.message if isinstance(error, RuleViolation) else error.detail
        self.fault(field if field in set(known) | set(self.typed) else "", sentences.sentence(said))
