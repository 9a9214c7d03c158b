"""Answers as a person reads them: the question in words, and what a code stood for."""

from __future__ import annotations

from collections.abc import Iterator

from service.models import Response
from service.web.i18n import in_words, number
from service.web.words import ITEM, say
from workflows.protocol import Item, ItemType, StudyDesign


class Asks:
    """The questions of one patient's protocol."""

    def __init__(self, design: StudyDesign) -> None:
        self.items = {item.key: item for form in design.questionnaires for item in form.items}

    def question(self, row: Response) -> str:
        """The question that a row answers: its short name, else its words in the page's language, else its key."""
        item = self.items.get(row.item)
        if row.item in ITEM or item is None:
            return say(ITEM, row.item) + ":"
        return in_words(item.text)

    def meaning(self, row: Response) -> str:
        """What was understood, where that says more than what was typed; "" where it does not."""
        item, value = self.items.get(row.item), row.value.get("value")
        if item is None or value is None:
            return ""
        chosen = ", ".join(_chosen(item, value if isinstance(value, list) else [value]))
        if chosen:
            return "" if chosen.casefold() == row.raw.strip().casefold() else chosen
        if item.type is ItemType.TEMPERATURE and str(value).replace(".", ",") not in row.raw.replace(".", ","):
            return f"{number(value)} °C"
        return ""


def _chosen(item: Item, values: list[str]) -> Iterator[str]:
    return (in_words(each.text) for each in item.choices if each.value in values)
