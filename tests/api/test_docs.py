"""The reference names every call, and Swagger UI is the released files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def test_the_reference_has_every_call(app: Any) -> None:
    page = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    for path, operations in app.extensions["vigilia-openapi"].to_dict()["paths"].items():
        for method in set(operations) - {"parameters"}:
            call = f"`{method.upper()} {path.removeprefix('/api/v1')}`"
            assert call in page, f"docs/reference/api.md does not name {call}"


def test_the_vendored_files_are_the_released_ones() -> None:
    folder = ROOT / "service/static/swagger"
    for line in (folder / "SHA256SUMS.txt").read_text().splitlines():
        expected, name = line.split()
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected, name
