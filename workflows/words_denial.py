"""Whether a word in a spoken line was denied: "sem febre", "no fever or chills", "nao tive calafrio nem
tontura".

Only a plain denial counts. A doubt ("nao sei se", "acho que nao", "not sure") is no denial, and a denial
does not reach over "mas", "e", "and" or a comma, except in a list that ends in "ou", "nem", "or" ("sem
febre, tosse ou dor").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Span = tuple[int, int, str]

_BETWEEN = (
    r"(?:tenho|tive|teve|tem|tendo|ter|estou|esta|estava|com|senti|sinto|sentindo|apresent\w+|houve|ha|"
    r"have|had|having|has"
    r"|got|get|getting|feel|feeling|felt|any|a|an|of|de|nenhum|nenhuma|qualquer|sinal|sinais|sintomas?|"
    r"signs?|symptoms?"
    r"|um|uma|o|os|as|hoje|today|ontem|yesterday|am|been|is|there|currently|e|preciso|precisa|need|"
    r"needed|it|its|to|me|eu"
    r"|muita|muito|more|nada|que|se|fui|foi|was|be|because|im|i|do|experienc\w+|really|at|all|now|agora|"
    r"right)"
)
_DENIES = re.compile(
    r"(?:^|[^\w])(?P<word>sem|nao|nada|negativ[oa] (?:para|pra)|nem|nunca|nenhum|nenhuma|nego|nega|not|"
    r"without|never|denies|deny|dont|didnt|havent"
    rf"|hasnt|isnt|wasnt|doesnt|nor|no|non|zero)(?: {_BETWEEN}){{0,5}} $"
)
_ENGLISH = re.compile(
    r"fever|chill|shiver|bleed|bled|blood|dizz|faint|vomit(?:ing|ed|s)?\b|rash|joint|short|trouble|"
    r"difficult|confus(?:ed|ion)"
    r"|chest|help|emergency|pain|seizure|nose|bruis|throw|temp|high|hives|light|breath|wheez|severe|"
    r"headache|jaw"
)
_IN_DOUBT = re.compile(
    r"\b(?:nao sei|sei la|acho|talvez|parece|sera|duvida|not sure|unsure|dont know|dunno|think|maybe|"
    r"perhaps|might|certeza)\b[^.;!?]*$"
)
_ANSWERED_NO = re.compile(
    r" (?:\? |, |: )?(?:nao|no|nenhuma?|negativ[oa]|none|(?:nao|nunca) (?:tive|tenho|senti|teve|deu))"
    r"(?: hoje| ontem)?(?: [.,;!]|$)"
)
_OR = re.compile(rf" (?:, )?(?:e |and )?(?:ou|nem|or|nor)(?: {_BETWEEN}){{0,3}} $")
_COMMA = re.compile(r" , $")
_IF = re.compile(r"\b(?:se|caso|if|quando|when|should)(?: \w+){0,4} $")
_PROMISE = re.compile(
    r"\b(?:ligo|ligarei|aviso|avisarei|vou (?:ligar|avisar|falar)|avisamos|ill (?:call|let|tell|text)|"
    r"i will (?:call|let|tell|text)"
    r"|(?:i'll) (?:call|let|tell|text)|let you know|can ligar|eu ligo|te ligo|te aviso)\b"
)


def denied(line: str, spans: Sequence[Span]) -> list[bool]:
    """For each span (start, end, meaning; sorted) of the line: whether it was denied."""
    promised = bool(_PROMISE.search(line))
    answers: list[bool] = []
    for i, (start, end, _) in enumerate(spans):
        own = _own_denial(line, start, end) or (
            promised and bool(_IF.search(line, max(0, start - 60), start))
        )
        answers.append(own or (i > 0 and answers[i - 1] and _listed(line, spans, i)))
    return answers


def _own_denial(line: str, start: int, end: int) -> bool:
    before = line[max(0, start - 80) : start]
    match = _DENIES.search(before)
    if match and (match["word"] != "no" or _ENGLISH.match(line, start)):
        return not _IN_DOUBT.search(before[: match.end("word")])
    return bool(_ANSWERED_NO.match(line, end)) and not _IN_DOUBT.search(before)


def _listed(line: str, spans: Sequence[Span], i: int) -> bool:
    """Whether span i stands in the same list as the denied span before it."""
    if spans[i][0] < spans[i - 1][1]:  # two meanings of one expression
        return True
    gap = line[spans[i - 1][1] : spans[i][0]]
    if _OR.fullmatch(gap):
        return True
    if not _COMMA.fullmatch(gap):
        return False
    for j in range(i + 1, min(i + 8, len(spans))):
        gap = line[spans[j - 1][1] : spans[j][0]]
        if _OR.fullmatch(gap):
            return True
        if not _COMMA.fullmatch(gap):
            return False
    return False
