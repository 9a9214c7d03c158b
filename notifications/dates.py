"""Dates and times as short as a text needs them."""

from __future__ import annotations

from datetime import date, datetime, time

_DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "pt": ("seg", "ter", "qua", "qui", "sex", "sab", "dom"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def short_date(day: date, language: str) -> str:
    """Like "qua 28/10" in Portuguese, "Wed 28 Oct" in English (28/10 would be read both ways). For the field
    `date`."""
    if language.lower().startswith("pt"):
        return f"{_DAYS['pt'][day.weekday()]} {day.day:02d}/{day.month:02d}"
    return f"{_DAYS['en'][day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def short_time(at: time | datetime) -> str:
    """Like "09:30", of a local time. For the field `time`."""
    return f"{at.hour:02d}:{at.minute:02d}"
