"""The reference page says what the catalogue says."""

from __future__ import annotations

from pathlib import Path

from notifications.reference import as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "messages.md"


def test_the_page_of_messages_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run: python -m notifications.reference"
