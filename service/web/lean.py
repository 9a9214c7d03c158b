"""The patient's files as a cheap phone gets them: of the one stylesheet what its pages use, of the scripts no comments.

Several small files are served as one, which compresses better. Nothing is built: it is done once, when first asked for.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("queue.js", "rules.js", "questions.js", "worker.js")
SECTION = re.compile(r"(?m)^/\* ([^*]+) \*/\n")
UNUSED = frozenset({"frame", "notes, cards, rows", "tables", "thread and chart"})  # by the patient's pages
NOTES = re.compile(r"(?m)^\.note[ .].*\n")
SPARE = re.compile(r"(?m)^[ \t]+|^\s*//.*\n|/\*.*?\*/\n?")


@lru_cache(maxsize=1)
def script() -> str:
    """Everything that runs on the phone, in the page and in its worker."""
    return SPARE.sub("", "".join((STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS))


@lru_cache(maxsize=1)
def style() -> str:
    """The stylesheet without the sections that only the console uses."""
    first, *rest = SECTION.split((STATIC / "app.css").read_text(encoding="utf-8"))
    parts = [first, *(text for name, text in zip(rest[::2], rest[1::2], strict=True) if name not in UNUSED)]
    parts += [line for name, text in zip(rest[::2], rest[1::2], strict=True) if name in UNUSED
              for line in NOTES.findall(text)]
    return SPARE.sub("", "".join(parts))


@lru_cache(maxsize=2)
def digest(kind: str) -> str:
    """What is in the address, so that a browser may keep the file for ever. `kind`: js or css."""
    return hashlib.sha256((script() if kind == "js" else style()).encode()).hexdigest()[:10]
