"""Languages of the pages, and how they write dates, times and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel
from flask_babel import gettext as _

from notifications.phone import PhoneError, national, parse_phone
from service.runtime import current

LANGUAGES: dict[str, str] = {"en": "English", "pt-BR": "Português"}


def language() -> str:
    """The language of this page: the patient's own, else the one chosen, else the person's, else the browser's."""
    if not has_request_context():
        return "en"
    if (fixed := g.get("language")) in LANGUAGES:
        return str(fixed)
    if (chosen := session.get("language")) in LANGUAGES:
        return str(chosen)
    actor = g.get("actor")
    if actor is not None and actor.language in LANGUAGES:
        return str(actor.language)
    best = request.accept_languages.best_match(["en", "pt-BR", "pt"], default="en")
    return "pt-BR" if best == "pt" else str(best)


def _folder() -> str:
    return language().replace("-", "_")


def locale() -> Locale:
    """The Babel locale of this page."""
    return Locale.parse(_folder())


def local(at: datetime, zone: str) -> datetime:
    """An instant on the wall clock of `zone`."""
    return at.astimezone(ZoneInfo(zone))


def clock(at: datetime | None, zone: str) -> str:
    """"19:40"; nothing for None."""
    return "" if at is None else format_time(local(at, zone), "HH:mm", locale=locale())


def day(value: date | None) -> str:
    """"Thu 12 Mar", with the year when it is not this one; no full stops, which would end the sentence around it."""
    if value is None:
        return ""
    year = current().clock.now().year if has_request_context() else value.year
    pattern = "EEE d MMM" if value.year == year else "EEE d MMM y"
    return format_date(value, pattern, locale=locale()).replace(".", "")


def moment(at: datetime | None, zone: str) -> str:
    """"today 19:40", "yesterday 19:40", "Thu 12 Mar 19:40", in `zone`."""
    if at is None:
        return ""
    then, today = local(at, zone), local(current().clock.now(), zone).date()
    names = {0: _("today"), -1: _("yesterday"), 1: _("tomorrow")}
    named = names.get((then.date() - today).days) or day(then.date())
    return f"{named} {clock(at, zone)}"


def number(value: Decimal | str | None) -> str:
    """A number as it was measured, with this language's decimal sign: 38.9 -> "38,9" in Portuguese."""
    if value is None:
        return ""
    return str(value).replace(".", str(locale().number_symbols["latn"]["decimal"]))


def iso_day(value: str) -> str:
    """An ISO date as this page writes days."""
    return day(date.fromisoformat(value))


def phone(number: str, country: str = "BR") -> str:
    """A telephone number as people of its country write it."""
    return national(number, country)


def dialled(number: str, country: str = "BR") -> str:
    """A telephone number for a `tel:` link, as any phone can dial it: +551636020000; short numbers as they are."""
    try:
        return parse_phone(number, country)
    except PhoneError:
        return "".join(sign for sign in number if sign.isdigit() or sign == "+")


def in_words(texts: Mapping[str, str] | None, wanted: str = "") -> str:
    """A protocol's text ({"en": ..., "pt-BR": ...}) in the `wanted` language, else this page's; English, else any."""
    if not texts:
        return ""
    return texts.get(wanted or language()) or texts.get("en") or next(iter(texts.values()))


def install(app: Flask) -> None:
    """Translations and the template filters."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", "web/translations")
    Babel(app, locale_selector=_folder)
    filters: dict[str, Callable[..., str]] = {
        "clock": clock,
        "day": day,
        "dialled": dialled,
        "iso_day": iso_day,
        "moment": moment,
        "number": number,
        "phone": phone,
        "words": in_words,
    }
    for name, function in filters.items():
        app.add_template_filter(function, name)
    app.add_template_global(language, "language")
    app.jinja_env.globals["languages"] = LANGUAGES
