"""Screenshots for the docs: taken only when VIGILIA_SHOTS names a folder, so that a test run changes no file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def keep(page: Any, name: str) -> None:
    """Save what the page shows now as `name`.png."""
    if folder := os.environ.get("VIGILIA_SHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=False)
