"""Hears a fever, a sign or a cry for help in any text, Portuguese or English, whatever the patient's
language.

The ear errs to one side only. "Sem febre" and "no chills" are not alarms; but a denial that is itself in
doubt ("I don't think I have a fever", "no fever and chills") is heard. It never raises on any `str` and
takes linear time; a caller that meets an exception all the same gives the text to a human.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from workflows.readings import Ambiguous, Reading, Unreadable, read_temperature
from workflows.words_denial import denied
from workflows.words_ear import spoken
from workflows.words_signs import EVEN_NEGATIVE, FEVER, HELP, SAYINGS

LETTERS = frozenset("ABCDEFG")
# A word that is red by itself and a letter as well: the letter keeps the answer to the signs question
# complete.
LETTER_OF = {"fainting": "C", "blood_inside": "D", "bleeding_not_stopping": "D", "head": "", "stroke": "E"}
FEVER_FROM = Decimal("37.8")
LOW_BELOW = Decimal("35.0")

_ADMINISTRATIVE = re.compile(
    r"\b(?:remarca\w*|marcar|agenda\w*|consultas?|horarios?|enderecos?|links?|senha|aplicativo|app|site|"
    r"questionario"
    r"|carona|onibus|data|visitas?|exames?|receita|formulario|cadastro|appointments?|reschedul\w*|"
    r"schedul\w*|address"
    r"|login|password|forms?|ride|taxi|website|survey|transporte|telefone|mudar|trocar|responder|phone|"
    r"change)\b"
)
_THANKS = re.compile(
    r"\b(?:obrigad\w*|agradec\w*|valeu|grat[oa]|thanks?|thx|appreciate|grateful)\b|\b(?:ajudou|ajudaram|"
    r"helped|helpful|helps)\b"
)
_ASKS_FOR_HELP = re.compile(r"\b(?:ajud\w*|help\w*|urgent\w*|hospital|upa|ps|er|doctor|medico|wrong)$")


@dataclass(frozen=True)
class Heard:
    """What a text says about the patient's state.

    `signs` are letters of the daily question, `red_words` the names of what is red by itself (see
    `words_signs`). `fever_without_number`: a fever is spoken of and no temperature is given. `help_alone`:
    ill or asking for help, with nothing else said.
    """

    temperature: Reading | Ambiguous | None = None
    signs: frozenset[str] = frozenset()
    red_words: frozenset[str] = frozenset()
    fever_without_number: bool = False
    help_alone: bool = False

    @property
    def highest(self) -> Decimal | None:
        """The temperature that safety uses; None where none was given."""
        if isinstance(self.temperature, Ambiguous):
            return self.temperature.highest
        return None if self.temperature is None else self.temperature.celsius

    @property
    def distress(self) -> bool:
        """Whether the words alone ask for a human."""
        return bool(self.signs or self.red_words or self.fever_without_number or self.help_alone)


def hear(text: str, language: str = "") -> Heard:
    """Everything the text says. `language` is the patient's; both languages are heard whatever it is."""
    temperature = read_temperature(text)
    line = spoken(text)
    meanings = _meanings(line)
    signs = {meaning for meaning in meanings if meaning in LETTERS}
    red_words = meanings - LETTERS - {FEVER, HELP}
    signs |= {LETTER_OF[word] for word in red_words if LETTER_OF.get(word)}
    nothing_else = not signs and not red_words and FEVER not in meanings
    return Heard(
        temperature=None if isinstance(temperature, Unreadable) else temperature,
        signs=frozenset(signs),
        red_words=frozenset(red_words),
        fever_without_number=FEVER in meanings and isinstance(temperature, Unreadable),
        help_alone=HELP in meanings and nothing_else,
    )


def hears_distress(text: str, language: str = "") -> bool:
    """Whether a text must reach a human: a word of distress, or a temperature that is a fever or far too
    low.
    """
    heard = hear(text, language)
    highest = heard.highest
    return heard.distress or (highest is not None and (highest >= FEVER_FROM or highest < LOW_BELOW))


def _meanings(line: str) -> set[str]:
    """The meanings that are said in a spoken line and not denied."""
    found: set[str] = set()
    spans: list[tuple[int, int, str]] = []
    for meaning, pattern in EVEN_NEGATIVE.items():
        if pattern.search(line):
            found.add(meaning)
    for meaning, pattern in SAYINGS.items():
        for match in pattern.finditer(line):
            if meaning != HELP or _is_a_cry(line, match):
                spans.append((match.start(), match.end(), meaning))
    spans.sort()
    for span, is_denied in zip(spans, denied(line, spans), strict=True):
        if not is_denied:
            found.add(span[2])
    return found


def _is_a_cry(line: str, match: re.Match[str]) -> bool:
    """`help`, `ajuda` and `urgent` are a cry unless the text is a request about the study's business, or a
    thank-you.
    """
    if not _ASKS_FOR_HELP.search(match[0]):
        return True
    return not (_ADMINISTRATIVE.search(line) or _THANKS.search(line))
