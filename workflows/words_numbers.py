"""Numbers written as words, in Portuguese and English, turned into digits: only those that can be a
temperature.

A number that was not written in plain digits is marked with `~`: it is used, but the patient is asked to
confirm it.
"""

from __future__ import annotations

import re

_PT = "um|dois|tres|quatro|cinco|seis|sete|oito|nove"
_EN = "one|two|three|four|five|six|seven|eight|nine"
_UNITS = {"zero": 0, "oh": 0}
_UNITS |= {word: number for names in (_PT, _EN) for number, word in enumerate(names.split("|"), 1)}
_TENS = {"trinta": 30, "quarenta": 40, "noventa": 90, "thirty": 30, "forty": 40, "ninety": 90}
_TAIL_PT = rf"(?: graus?)?(?: (?:e )?(?P<half>mei[oa])| (?:e|virgula|ponto|,) (?P<tenth>zero|{_PT}))?"
_TAIL_EN = rf"(?: degrees?)?(?: (?:and )?(?:a )?(?P<half>half)| (?:point|dot) (?P<tenth>oh|zero|{_EN}))?"
_PORTUGUESE = re.compile(
    rf"\b(?:(?P<tens>trinta|quarenta|noventa)(?: (?:e|i))?(?: (?P<unit>{_PT}))?"
    rf"|(?P<hundred>cem|cento)(?: e(?: (?P<over>{_PT})))?){_TAIL_PT}\b"
)
_ENGLISH = re.compile(
    rf"\b(?:(?P<tens>thirty|forty|ninety)(?:[ -](?P<unit>{_EN}))?"
    rf"|(?P<hundred>(?:one |a )?hundred|one oh?(?= (?:{_EN})\b))(?:(?: and)? (?P<over>{_EN}))?){_TAIL_EN}\b"
)
_SMALL = "|".join(_UNITS)
_HALF = re.compile(r"\b(\d{2,3})(?: ?(?:graus?|degrees?|°))? (?:e mei[oa]|meio|and (?:a )?half)\b")
_SPOKEN = re.compile(
    rf"\b(\d{{2,3}})(?: ?(?:graus?|degrees?|°))? (?:e|virgula|ponto|point|dot) (\d|{_SMALL})\b(?![.,:/]?\d)"
)


def _digits(match: re.Match[str]) -> str:
    parts = match.groupdict()
    whole = 100 + _UNITS.get(parts["over"] or "", 0)
    if parts["tens"]:
        whole = _TENS[parts["tens"]] + _UNITS.get(parts["unit"] or "", 0)
    if parts["half"]:
        return f"~{whole}.5"
    return f"~{whole}.{_UNITS[parts['tenth']]}" if parts["tenth"] else f"~{whole}"


def digits_for_words(text: str) -> str:
    """The plain text with `trinta e oito e meio`, `38 e meio`, `a hundred and one point four` as `~38.5` and
    so on.
    """
    text = _PORTUGUESE.sub(_digits, text)
    text = _ENGLISH.sub(_digits, text)
    text = _HALF.sub(r"\1.5", text)
    return _SPOKEN.sub(lambda m: f"~{m[1]}.{m[2] if m[2].isdigit() else _UNITS[m[2]]}", text)
