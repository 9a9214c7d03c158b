"""The words the ear listens for, and how a misspelt one is brought back to its right spelling.

`KEYWORDS` are the words whose misspellings are forgiven: one slip (a letter missing, added, changed or two
swapped) in words of five to nine letters, two in longer ones. `LOOKALIKES` are ordinary words that lie so
near to a keyword that they would be taken for it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from workflows.words import plain

KEYWORDS: tuple[str, ...] = tuple(
    "febre febril febrao febrinha fever feverish calafrio calafrios tremendo tremedeira tremores"
    " shivering shivers"
    " chills respirar respiracao respirando breathe breathing breath sufocando sufocado falta dispneia"
    " tontura tonto"
    " tonta dizzy dizziness faint fainted fainting desmaio desmaiei desmaiar desmaiando desmaiou"
    " sangramento sangrando"
    " sangrar sangrou sangue sangrei bleeding bleed blood hemorragia hemorrhage confuso confusa"
    " confusao confused"
    " confusion vomito vomitos vomitei vomitando vomitar vomiting vomited socorro ambulancia ambulance"
    " emergencia"
    " emergency urgente urgent convulsao seizure manchas mancha articulacoes articulacao juntas"
    " petequias diarreia"
    " temperatura temperature inconsciente unconscious desacordado passando piorando piorei morrendo"
    " dying ajuda"
    " peito chest nauseas throwing".split()
)

LOOKALIKES: frozenset[str] = frozenset(
    "afebril afebrile acuda aguda aint alta ambulante argent articulada articuladas articulado"
    " articulados articulando"
    " articulates aspiracao assando blend blending blond bloom bloop bloor breach breaching breadth"
    " breather breed breeding brood cest cheat chess chet chiles chill chilli chilly confuses consciente"
    " conscious conta conto contusao contusion correndo crest deito desabando desacordo desafiando"
    " destacando desviando dever ding djing dming doing drying dyeing dyin emergence esmagando esperando"
    " espiando ever expiracao fabril fain fainter fait fala falha falsa faltar faltas falte fanta farta"
    " fata feder feint feirinha feito fere ferrao ferver fewer fiver fizzy flint flood gangue hills"
    " horrendo inspiracao inspirando izzy jeito junta juntam juntar juntos justas lancha lanchas langue"
    " lebre leed leito lever lizzy lying macha malta manca manchar manche manchu mangue manha manhas"
    " marcha marchas matcha monta monto mordendo never onto paint painted painting passado passeando peido"
    " peitao perito perto pesto piore piores pirando pirei pito pleito ponta ponto remendo reparacao"
    " reparando respeitando retirando rever revirando sacramento sagrar sagrou saint salta saneamento"
    " sever slivers socorre socorros subconscious suspirando taint tainted tanta tanto temendo temores"
    " temperate tenta tento tinta tinto tintura tona tonga tonho tonya torta torto tortura tosta toto"
    " tremenda tremors trepadeira tying vying wreath yalta ying".split()
)

# Written "short=whole": what people type on a phone.
SHORT_FORMS: dict[str, str] = dict(
    pair.split("=")
    for pair in (
        "n=nao nn=nao naum=nao nao=nao cannot=cant can't=cant don't=dont hasn't=hasnt haven't=havent"
        " won't=wont"
        " didn't=didnt doesn't=doesnt couldn't=cant couldnt=cant isn't=isnt wasn't=wasnt aint=isnt"
        " tou=estou toh=estou"
        " tow=estou tah=esta ta=esta c=com c/=com s/=sem q=que mt=muito mto=muito mta=muita mtu=muito vc=voce"
        " pq=porque w/=with w/o=without i'm=im hlp=help sos=socorro samu=ambulancia pls=please plz=please"
        " d=de"
        " feaver=fever fevah=fever fevr=fever fevver=fever febri=febre fiebre=febre ayuda=ajuda"
        " sufoco=sufocando"
        " tremor=tremores convulsion=seizure dont=dont wont=wont"
    ).split()
)

# Written "emoji=word".
EMOJI: dict[str, str] = dict(
    pair.split("=")
    for pair in (
        "\U0001f912=febre \U0001fa78=sangramento \U0001f976=calafrio \U0001f92e=vomito \U0001f635=tontura"
        " \U0001f198=socorro \U0001f691=ambulancia \U0001f6a8=socorro"
        " \U0001f975=quente"
    ).split()
)

_GLUED_FEVER = re.compile(r"(?<=[a-z])(?=febre)")
_NUM = re.compile(r"\bnum(?= (?:consigo|to|tou|estou|tenho|tive|para|parou|sei|aguento|respiro|passa|ta)\b)")
_DOTTED = re.compile(r"(?<![a-z])(?:[a-z]\.){2,}[a-z]?(?![a-z])")
_SPELT_OUT = re.compile(r"(?:[a-z] ){3,}[a-z]")
_REPEATED = re.compile(r"([a-z])\1{2,}")
_TOKEN = re.compile(r"[a-z]+'[a-z]+|[cs]/(?=[ a-z])|w/o?(?= )|[a-z]+|[0-9]+(?:[.,][0-9]+)*|[.,;!?]")


def _shorter(word: str, slips: int) -> frozenset[str]:
    """The word and everything that is left of it after up to so many letters were taken out."""
    words = {word}
    for _ in range(slips):
        words |= {w[:i] + w[i + 1 :] for w in words for i in range(len(w))}
    return frozenset(words)


def _slips_allowed(word: str) -> int:
    return 2 if len(word) >= 10 else 1 if len(word) >= 5 else 0


_NEAR: dict[str, list[str]] = {}
for _keyword in KEYWORDS:
    for _part in _shorter(_keyword, _slips_allowed(_keyword)):
        _NEAR.setdefault(_part, []).append(_keyword)


def slips_between(a: str, b: str) -> int:
    """How many letters must be put in, taken out, changed or swapped with their neighbour to get from a to
    b.
    """
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row, older = row, [i], before
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


@lru_cache(maxsize=8192)
def right_spelling(word: str) -> str:
    """The keyword that a misspelt word stands for; the word itself where it stands for none."""
    if not 4 <= len(word) <= 20 or word in _IS_KEYWORD or word in LOOKALIKES:
        return word
    near = {
        keyword
        for part in _shorter(word, min(2, _slips_allowed(word) + 1))
        for keyword in _NEAR.get(part, ())
    }
    best = min(((slips_between(word, keyword), keyword) for keyword in near), default=(9, ""))
    return best[1] if best[0] <= _slips_allowed(best[1]) else word


_IS_KEYWORD = frozenset(KEYWORDS)


def spoken(text: str) -> str:
    """The text as a row of plain, rightly spelt words and marks, one space between each: what the ear
    listens to.
    """
    if not text.isascii():
        for emoji, word in EMOJI.items():
            text = text.replace(emoji, f" {word} ")
    line = _GLUED_FEVER.sub(" ", _REPEATED.sub(r"\1", plain(text)))
    line = _NUM.sub("nao", _DOTTED.sub(lambda match: match[0].replace(".", ""), line))
    if _SPELT_OUT.fullmatch(line):
        line = line.replace(" ", "")
    tokens = (SHORT_FORMS.get(token) or right_spelling(token) for token in _TOKEN.findall(line))
    return " ".join(tokens)
