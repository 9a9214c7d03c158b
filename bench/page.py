"""docs/reference/speed.md, from bench/results.json."""
from __future__ import annotations


def write_page() -> None:
    pass
