"""How well the ear hears: `python -m tests.corpora.report` reads the corpus and names every phrase it gets
wrong.

The phrases are our own, in Portuguese and English, typed as people type: misspelt, unaccented, with emoji,
denied, and ordinary chatter. Each row says what must be heard.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workflows.ear import hear, hears_distress

CORPUS = Path(__file__).with_name("fever.tsv")


@dataclass(frozen=True)
class Phrase:
    text: str
    language: str
    distress: bool
    celsius: str
    signs: frozenset[str]
    red_words: frozenset[str]
    alone: str  # "fever" without a number, "help" alone, or ""

    @property
    def faults(self) -> list[str]:
        """What is heard otherwise than it should be."""
        heard = hear(self.text, self.language)
        found = {
            "distress": (hears_distress(self.text, self.language), self.distress),
            "celsius": ("" if heard.highest is None else str(heard.highest), self.celsius),
            "signs": (heard.signs, self.signs),
            "red words": (heard.red_words, self.red_words),
            "else": (
                "fever" if heard.fever_without_number else "help" if heard.help_alone else "",
                self.alone,
            ),
        }
        return [f"{name}: {got}, not {wanted}" for name, (got, wanted) in found.items() if got != wanted]


def phrases() -> Iterator[Phrase]:
    """Every row of the corpus."""
    with CORPUS.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(list(file)[1:], delimiter="\t", quoting=csv.QUOTE_NONE):
            text, language, distress, celsius, signs, red_words, alone = row
            yield Phrase(
                text,
                language,
                distress == "yes",
                celsius,
                frozenset(signs.split()),
                frozenset(red_words.split()),
                alone,
            )


def main() -> int:
    """Print the report; 1 when anything is heard wrong."""
    wrong = 0
    count = {True: [0, 0], False: [0, 0]}
    for phrase in phrases():
        count[phrase.distress][0] += 1
        if phrase.faults:
            wrong += 1
            print(f"{phrase.text!r}: {'; '.join(phrase.faults)}")
        if hears_distress(phrase.text, phrase.language) == phrase.distress:
            count[phrase.distress][1] += 1
    print(f"distress heard: {count[True][1]} of {count[True][0]}")
    print(f"ordinary texts left alone: {count[False][1]} of {count[False][0]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
