"""The small parts of a protocol file: texts, hours, days counted from an anchor, conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load

from workflows.conditions import ConditionError, parse_condition
from workflows.protocol import Condition, DayRef

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
MAX_DAYS = 3660


class Whole(fields.Integer):
    """A whole number from `low` to `high`; true, 1.5 and "1" are refused."""

    def __init__(self, low: int = 0, high: int = 10_000_000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def _validated(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(f"must be a whole number, not {value!r}")
        if not self.low <= value <= self.high:
            raise ValidationError(f"must be from {self.low} to {self.high}, not {value}")
        return value


class Flag(fields.Field[bool]):
    """true or false, nothing else."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"must be true or false, not {value!r}")
        return value


class Word(fields.Field[str]):
    """A non-empty text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValidationError(f"must be a text, not {value!r} (put numbers in quotes)")
        return value


class Texts(fields.Field[Mapping[str, str]]):
    """One text per language: `{en: Week 1, pt-BR: Semana 1}`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Mapping[str, str]:
        if not isinstance(value, Mapping) or not value:
            raise ValidationError("must be a text per language, as {en: ..., pt-BR: ...}")
        for language, text in value.items():
            if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
                raise ValidationError(f"{language!r} is not a language such as en or pt-BR")
            if not isinstance(text, str) or not text.strip():
                raise ValidationError(f"the text in {language} is empty or not a text")
        return MappingProxyType(dict(value))


class Sentence(Texts):
    """One text per language; a plain text is English."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Mapping[str, str]:
        return super()._deserialize({"en": value} if isinstance(value, str) else value, attr, data, **kwargs)


class Hour(fields.Field[time]):
    """A local time of day, `"18:00"`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> time:
        found = HOUR.fullmatch(value) if isinstance(value, str) else None
        if not found:
            raise ValidationError(f'must be a time of day such as "18:00", not {value!r}')
        return time(int(found[1]), int(found[2]))


class Day(fields.Field[date]):
    """A calendar date, as YAML reads 2026-12-24."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        try:
            return value if type(value) is date else date.fromisoformat(value)
        except (TypeError, ValueError):
            raise ValidationError(f"must be a date such as 2026-12-24, not {value!r}") from None


class When(fields.Field[Condition]):
    """A condition on answers; `workflows.conditions` says what there is."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Condition:
        try:
            return parse_condition(value, "")
        except ConditionError as error:
            path = error.path.lstrip(".")
            raise ValidationError({path: [error.message]} if path else error.message) from None


class DayRefSchema(Schema):
    anchor = Word(required=True)
    offset = Whole(-MAX_DAYS, MAX_DAYS, load_default=0)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> DayRef:
        return DayRef(**data)


def day_ref(**kwargs: Any) -> fields.Nested:
    """A field holding `{anchor: enrolment, offset: 7}`."""
    return fields.Nested(DayRefSchema, **kwargs)


def many(schema: type[Schema], **kwargs: Any) -> fields.Nested:
    """A list of nested things, empty where it is left out."""
    return fields.Nested(schema, many=True, load_default=list, **kwargs)
