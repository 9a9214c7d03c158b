"""What fits one SMS: folding to GSM-7 and counting segments."""

from __future__ import annotations

import string
import unicodedata
from functools import lru_cache

import smsutil

# What decomposition alone does not turn into plain letters.
_PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00ab": '"', "\u00bb": '"',
        "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2026": "...", "\u00b0": "", "\u00a0": " ",
        "\u00df": "ss", "\u00f8": "o", "\u00d8": "O", "\u00e6": "ae", "\u00c6": "AE", "\u0153": "oe",
    }
)  # fmt: skip

SHORT = 160
# One place each in GSM-7. Everything else is left to the library.
_SINGLE = frozenset("\n !\"#$%&'()*+,-./:;<=>?@_" + string.ascii_letters + string.digits)


def fold_gsm7(text: str) -> str:
    """`text` as one alphabet every carrier delivers: accents gone, typographic signs plain, the rest of
    Unicode "?".

    Also the Portuguese letters that GSM-7 has are folded, so that a text is plain throughout.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(map(_kept, plain))


@lru_cache(maxsize=4096)
def _kept(char: str) -> str:
    """What becomes of one character; remembered, since asking the table takes longer than sending does."""
    if unicodedata.combining(char):
        return ""
    return char if smsutil.is_valid_gsm(char) else "?"


def segments(text: str) -> int:
    """How many SMS `text` takes (160 GSM-7 characters, or 70 as soon as one character is outside GSM-7)."""
    if len(text) <= SHORT and _SINGLE.issuperset(text):
        return 1
    return max(1, len(smsutil.split(text).parts))
