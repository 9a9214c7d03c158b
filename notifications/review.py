"""What is wrong with a set of texts, a site's overlay included: the check behind `make check`, start-up and
the doctor."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifications.catalog import (
    CARRIER_WORDS,
    CATALOG,
    FORBIDDEN_WORDS,
    HEALTH_WORDS,
    Template,
    longest_values,
)
from notifications.gsm import fold_gsm7
from notifications.message import Channel
from notifications.render import LANGUAGES, Renderer, RenderError

# What follows "reply"/"responda" in capitals or digits is a word we ask the patient to type.
_ASKED = re.compile(r"(?:reply|responda)(?: with| only)?((?:[ ,]*(?:or|ou|\b[A-Z]{2,}\b))+)", re.IGNORECASE)
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")


def faults(renderer: Renderer) -> list[str]:
    """Every fault, one line each, as `<folder>/<name>: what is wrong`. Empty: the texts may be sent."""
    found = list(_strange_files(renderer))
    for template in CATALOG.values():
        for language, folder in LANGUAGES.items():
            for channel in sorted(template.channels):
                where = f"{folder}/{template.name}"
                found += [f"{where}: {what}" for what in _check(renderer, template, language, channel)]
    return list(dict.fromkeys(found))


def _strange_files(renderer: Renderer) -> Iterator[str]:
    for key in renderer.sources():
        folder, _, rest = key.partition("/")
        name, _, channel = rest.partition(".")
        if folder not in LANGUAGES.values():
            yield f"{key}: no such language"
        elif name not in CATALOG and name != "subject":
            yield f"{key}: no template is called {name}"
        elif channel and (channel not in list(Channel) or channel not in CATALOG[name].channels):
            yield f"{key}: {name} is not made for {channel}"


def _check(renderer: Renderer, template: Template, language: str, channel: Channel) -> Iterator[str]:
    try:
        filled = renderer.render(
            template.name, longest_values(template), language=language, channel=channel, profile="full"
        )
    except RenderError as error:
        yield str(error)
        return
    words = asked_words(filled.text) & CARRIER_WORDS
    if words:
        yield f"asks for {', '.join(sorted(words))}, which the carrier takes"
    if channel is not Channel.SMS:
        return
    if filled.segments > 1:
        yield f"{len(filled.text)} characters with its longest values do not fit one SMS"
    bare = renderer.render(
        template.name, dict.fromkeys(template.fields, "x"), language=language, channel=channel
    )
    plain = fold_gsm7(bare.text).lower()
    for word in FORBIDDEN_WORDS:
        if re.search(rf"\b{re.escape(word)}", plain):
            yield f"names a disease, drug or diagnosis ({word})"
    if not template.health_words:
        for word in HEALTH_WORDS:
            if re.search(rf"\b{re.escape(word)}", plain):
                yield f"has a health word ({word.strip()}) though the catalogue says it has none"


def asked_words(text: str) -> set[str]:
    """The words in capitals that `text` asks to be replied ("Reply OK or CHANGE" -> {"OK", "CHANGE"})."""
    return {word for match in _ASKED.finditer(text) for word in _CAPITALS.findall(match.group(1))}
