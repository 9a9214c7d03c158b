"""Plain text: what a patient typed, without accents, capitals, odd spaces or odd digits.

Everything that reads a text starts here, so that `FEBRE`, `fébre` and fullwidth letters are one word. All
functions
are total (any `str`) and take linear time.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_DEGREE = {"º": "°", "˚": "°", "℃": "°c", "℉": "°f", "‚": ",", "’": "'", "‘": "'", "´": "'", "`": "'"}
NO_DIGIT = "¤"  # stands for a digit of another alphabet, a superscript, a fraction: never read as a number
_SPACES = re.compile(r"\s+")
_WORD = re.compile(r"[a-z]+")


@lru_cache(maxsize=4096)
def _plain_char(char: str) -> str:
    if char in _DEGREE:
        return _DEGREE[char]
    category = unicodedata.category(char)
    if category == "Nd" and "\uff10" <= char <= "\uff19":  # fullwidth digits, from Asian keyboards
        return chr(ord(char) - 0xFF10 + ord("0"))
    if category.startswith("N"):
        return NO_DIGIT
    if category in ("Cf", "Cs") or 0xFE00 <= ord(char) <= 0xFE0F:
        return ""
    if category == "Cc":
        return " "
    decomposed = unicodedata.normalize("NFKD", char)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def plain(text: str) -> str:
    """Lower case, no accents, single spaces; digits are ASCII (fullwidth ones converted, all others blanked
    out).
    """
    if text.isascii():
        lowered = text.lower()
    else:
        lowered = "".join(
            char.lower() if char.isascii() else _plain_char(char)
            for char in unicodedata.normalize("NFC", text)
        )
    return _SPACES.sub(" ", lowered).strip()


def words_of(plain_text: str) -> list[str]:
    """The words (letters only) of a plain text, in order."""
    return _WORD.findall(plain_text)
