"""Every page is reachable from the index, and every link leads somewhere."""

from __future__ import annotations

import re

import pytest

from tests.test_house import ROOT

PAGES = sorted(path for path in ROOT.rglob("*.md") if ".venv" not in path.parts and "node_modules" not in path.parts)
LINK = re.compile(r"\[[^\]]*\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page) -> None:
    broken = [
        link
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in link and not link.startswith(("mailto:", "/")) and not (page.parent / link).exists()
    ]
    assert not broken


def test_every_page_is_in_the_index() -> None:
    linked = set()
    for index in (ROOT / "docs" / "README.md", ROOT / "docs" / "adr" / "README.md"):
        for link in LINK.findall(index.read_text(encoding="utf-8")):
            if "://" not in link:
                linked.add((index.parent / link).resolve())
    missing = [str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in linked]
    assert set(missing) <= {"docs/README.md"}
