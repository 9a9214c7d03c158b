"""Whether a text is about yesterday: the reading that is told with it, or the answer that was just given.

"desde ontem" and "since yesterday" are about now. A text that speaks of today as well is about today.
"""

from __future__ import annotations

import re

from workflows.words import plain, words_of

_YESTERDAY = re.compile(
    r"(?<!desde )(?<!since )(?<!from )(?<!igual a )(?<!como )\b(?:ontem|onte|yesterdays?)\b"
    r"(?! (?:pra|para|ate|to|until)\b)"
)
_TODAY = re.compile(r"\b(?:hoje|agora|today|now|desde|since|ainda|still|continu\w*)\b")
_SMALL = frozenset(
    "isso isto essa esse esta este a o as os era eram foi e eh de da do dia para pra resposta numero valor"
    " temperatura desculpa desculpe ops errei na verdade ontem onte"
    " that this it was is its were for from the of answer number one sorry oops actually yesterday yesterdays s"
    " i meant".split()
)


def is_about_yesterday(text: str) -> bool:
    """Whether what the text says was yesterday: "ontem 37,2", "36.9 yesterday evening"."""
    line = plain(text)
    return bool(_YESTERDAY.search(line)) and not _TODAY.search(line)


def takes_back(text: str) -> bool:
    """Whether the text says, and says nothing else, that the answer before it was yesterday's: "era de ontem"."""
    line = plain(text)
    words = words_of(line)
    return is_about_yesterday(text) and len(words) >= 2 and not any(map(str.isdigit, line)) and set(words) <= _SMALL


__all__ = ["is_about_yesterday", "takes_back"]
