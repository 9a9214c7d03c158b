"""Every sentence of the pages is there in every language, with its placeholders."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

WEB = Path(__file__).parent.parent.parent / "service" / "web"
PO = sorted((WEB / "translations").glob("*/LC_MESSAGES/messages.po"))
HOLDS = re.compile(r"%\(\w+\)s")
KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


def sentences() -> Catalog:
    """What the code and the templates say."""
    found = Catalog()
    for _file, _line, message, _comments, _context in extract_from_dir(str(WEB), METHODS, keywords=KEYWORDS):
        found.add(message)
    return found


@pytest.mark.parametrize("path", PO, ids=lambda path: path.parent.parent.name)
def test_every_sentence_is_translated_with_its_placeholders(path: Path) -> None:
    there = read_po(BytesIO(path.read_bytes()))
    known = {message.id: message for message in there if message.id}
    missing = [message.id for message in sentences() if message.id and message.id not in known]
    assert not missing, f"no translation yet, see docs/how-to/translate-the-pages.md: {missing}"
    for message in known.values():
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        for text in texts:
            assert text, f"empty: {message.id}"
            assert set(HOLDS.findall(text)) == set(HOLDS.findall(ids[0])), message.id


@pytest.mark.parametrize("path", PO, ids=lambda path: path.parent.parent.name)
def test_the_compiled_catalogue_is_the_text_one(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    for message in read_po(BytesIO(path.read_bytes())):
        if message.id:
            found = compiled[message.id if isinstance(message.id, str) else message.id[0]]
            assert found is not None, message.id
            same = found.string if isinstance(found.string, str) else tuple(found.string)
            assert same == message.string, f"{message.id}: compile again"


def test_there_is_a_portuguese_catalogue() -> None:
    assert [path.parent.parent.name for path in PO] == ["pt_BR"]


def test_templates_hold_no_inline_script_or_style_and_nothing_from_elsewhere() -> None:
    for path in sorted((WEB / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", text), path.name
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path.name
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text), path.name


def test_every_form_that_changes_something_carries_its_token() -> None:
    for path in sorted((WEB / "templates" / "console").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.S):
            assert "token()" in form or "begin(" in form, f"{path.name}: {form[:120]}"
