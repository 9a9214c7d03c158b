"""Fields that refuse what no column can hold: control signs (NUL), lone surrogates, days beyond the calendar."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from service.security import Role

BIGGEST_ID = 2**63 - 1
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
DAY_PATTERN = r"^(19|20|21)\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"


def is_clean(text: str, *, lines: bool = False) -> bool:
    """Whether a column can hold it: no control signs (but line ends and tabs with `lines`), no lone surrogates."""
    allowed = "\n\r\t" if lines else ""
    return all(sign in allowed or unicodedata.category(sign) not in ("Cc", "Cs") for sign in text)


class Text(fields.String):
    """A string of 1..`longest` signs, without control signs."""

    def __init__(self, *, longest: int = 200, shortest: int = 1, lines: bool = False, **kwargs: Any) -> None:
        checks: list[Any] = [validate.Length(min=shortest, max=longest)]
        given = kwargs.pop("validate", None)
        if given is not None:
            checks.append(given)
        self.lines = lines
        super().__init__(validate=checks, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_clean(text, lines=self.lines):
            raise ValidationError("control signs are not allowed")
        return text


class Id(fields.Integer):
    """A row's number, 1 .. 2^63-1; in a query string its digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=1, max=BIGGEST_ID), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and not isinstance(data, dict) and value.isascii() and value.isdigit():
            value = int(value[:20])
        return super()._deserialize(value, attr, data, **kwargs)


class Day(fields.Date):
    """An ISO day between 1900 and 2199. Dumps a date, or a day that is text already."""

    default_error_messages = {"range": "a day between 1900-01-01 and 2199-12-31, as 2026-03-02"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", metadata={"pattern": DAY_PATTERN, **kwargs.pop("metadata", {})}, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if isinstance(value, str) else super()._serialize(value, attr, obj, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or len(value) != 10:
            raise self.make_error("range")
        day = super()._deserialize(value, attr, data, **kwargs)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise self.make_error("range")
        return day


class Instant(fields.DateTime):
    """An RFC 3339 instant with its offset. Dumps UTC.

    `local`: without an offset it is local to the patient (a booked hour), and stays naive.
    """

    default_error_messages = {"zone": "an instant with its offset, as 2026-03-02T08:00:00-03:00"}

    def __init__(self, *, local: bool = False, **kwargs: Any) -> None:
        self.local = local
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return value

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, str) or len(value) < 16 or len(value) > 40:
            raise self.make_error("zone")
        at = super()._deserialize(value.replace(" ", "+"), attr, data, **kwargs)  # a + that a query string ate
        if not FIRST_DAY < at.date() < LAST_DAY:
            raise self.make_error("zone")
        if at.tzinfo is None:
            if self.local:
                return at
            raise self.make_error("zone")
        return at.astimezone(UTC)


class Hour(Text):
    """A local time of day, "08:00"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            longest=5,
            validate=validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d$", error="a time of day as 08:30"),
            **kwargs,
        )


class Number(fields.Decimal):
    """A decimal number within bounds, given as a JSON number or as text; kept exactly."""

    default_error_messages = {"range": "a number from {low} to {high}"}

    def __init__(self, *, low: Decimal, high: Decimal, **kwargs: Any) -> None:
        self.low, self.high = low, high
        bounds = {"type": ["number", "string"], "minimum": float(low), "maximum": float(high)}
        super().__init__(allow_nan=False, as_string=True, metadata=bounds | kwargs.pop("metadata", {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and (len(value) > 20 or not value.isascii()):
            raise self.make_error("invalid")
        number = super()._deserialize(value, attr, data, **kwargs)
        if not self.low <= number <= self.high:
            raise self.make_error("range", low=self.low, high=self.high)
        if abs(int(number.as_tuple().exponent)) > 12:  # finite, as allow_nan is False
            raise self.make_error("invalid")
        return number


class Zone(Text):
    """An IANA time zone's name; whether it exists is the rule's to say."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"description": "IANA time zone", "example": "America/Sao_Paulo", **kwargs.pop("metadata", {})}
        super().__init__(longest=64, metadata=metadata, **kwargs)


def one_of(values: Any) -> validate.OneOf:
    """One of an enum's values."""
    choices = [str(value) for value in values]
    return validate.OneOf(choices, error="one of: " + ", ".join(choices))


ROLES = one_of(Role)


class Page(Schema):
    """What every list takes: how many rows, and where to go on."""

    limit = fields.Integer(
        strict=False, load_default=50, validate=validate.Range(min=1, max=200), metadata={"description": "rows a page"}
    )
    cursor = Text(load_default=None, longest=64, metadata={"description": "`next` of the page before"})


def page_schema(name: str, row: type[Schema]) -> type[Schema]:
    """The answer of a list: `items`, and the cursor of the next page or null."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(row), required=True),
            "next": fields.String(required=True, allow_none=True, metadata={"description": "cursor of the next page"}),
        },
        name=name,
    )


class Free(fields.Dict):
    """A JSON object of somebody else's shape, dumped as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=fields.String(), **kwargs)


def clean_json(value: Any, *, depth: int = 0) -> None:
    """ValidationError when a free JSON value holds a string that no column can hold, or is nested too deep."""
    if depth > 20:
        raise ValidationError("nested too deep")
    if isinstance(value, str):
        if len(value) > 5000 or not is_clean(value, lines=True):
            raise ValidationError("control signs are not allowed")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            clean_json(key, depth=depth + 1)
            clean_json(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            clean_json(inner, depth=depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValidationError("not a number")


def typed(value: Any) -> None:
    """ValidationError unless it is what a patient types or chooses: a text, a number, or a list of texts."""
    parts = value if isinstance(value, list) else [value]
    if len(parts) > 30 or any(isinstance(part, bool) or not isinstance(part, str | int | float) for part in parts):
        raise ValidationError("a text, a number, or a list of texts")
    clean_json(parts)
