"""Generated texts with a known truth: whatever is typed around a fever, nobody hears "no fever".

VIGILIA_TEST_TEXTS says how many texts the long run makes (`make soak`); the ordinary run makes 5,000.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

import pytest

from workflows.ear import Heard, hear
from workflows.protocol_file import load_design
from workflows.readings import Ambiguous, Reading, Unreadable, read_temperature
from workflows.replies import Intent, read_reply

ORDINARY, LONG = 5_000, int(os.environ.get("VIGILIA_TEST_TEXTS", "1000000"))
SEED = 38
LIMIT = Decimal("37.8")
DESIGN = load_design(files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8"))
ITEMS = (None, *DESIGN.questionnaire("daily").items)
BEFORE = (
    "", "oi ", "bom dia ", "Oi, doutora! ", "estou com ", "to com ", "febre de ", "Febre ", "temp ", "Temperatura: ",
    "minha temperatura deu ", "termometro marcou ", "medi agora ", "acordei com ", "a febre subiu pra ", "hi ",
    "hello, ", "my temp is ", "fever of ", "Fever ", "temperature ", "it is now ", "i have ", "thermometer says ",
    "now at ", "errei, ",
)  # fmt: skip
AFTER = (
    "", ".", "!", "!!!", " ", "\n", " graus", " graus agora", " de febre", " agora", " hoje", " na axila",
    " obrigado", " degrees", " this morning", " thanks", " today", " ????", " muito mal", " e tremendo",
    " desde ontem", " please call",
)  # fmt: skip
SICK, THERMOMETER, TEARS, HEART = "\U0001f912", "\U0001f321\ufe0f", "\U0001f62d\U0001f62d", "\u2764"
NOISE = ("", "", "", SICK, THERMOMETER, TEARS, HEART, " :(", "...", "\u200b", " \u00a0", "~")
WORDS = {
    "pt": "estou com febre|to com febre alta|febre|a febre voltou|tive febre a noite|muita febre|acho que é febre"
    "|estou febril",
    "en": "i have a fever|fever|high fever|the fever is back|i had a fever last night|i think it is a fever|feverish",
}
DENIED = ("sem febre", "nao tenho febre", "não tive febre", "no fever", "i have no fever")
SLIPS = {"febre": ("febre", "febri", "febree", "fevre", "fébre", "FEBRE", "febr", "Febre"),
         "fever": ("fever", "feever", "fevre", "FEVER", "fevver", "Fever")}  # fmt: skip
UNREADABLE = ("3o9", "trinta e muitos", "39x", "x9", "alta demais", "38/39/40", "4O", "٣٩", "quase no fim", "")
ALPHABET = "abcdefghijklmnopqrstuvwxyz ABCN0123456789,.;:!?/-+()'\"\n\t°ºáãçéíõúñ\u200d\U0001f600\u0661\uff13\x00\ud800"


@dataclass(frozen=True)
class Told:
    """A generated text and what it says: a temperature, a fever in words, no fever, or nothing that is known."""

    text: str
    celsius: Decimal | None = None
    fever: bool = False
    denied: bool = False


def number(pick: random.Random) -> Told:
    """A temperature as people write it, with something before and after it."""
    celsius = Decimal(pick.randint(350, 425)) / 10
    typed = str(celsius).replace(".", pick.choice(",."))
    if pick.random() < 0.2:
        fahrenheit = Decimal(pick.randint(970, 1085)) / 10
        celsius, typed = (fahrenheit - 32) * 5 / 9, f"{fahrenheit}{pick.choice(('F', ' F', 'f', '°F'))}"
        celsius = Decimal(int(celsius * 10 + Decimal("0.5"))) / 10
    elif pick.random() < 0.2:
        typed += pick.choice(("C", " C", "ºC", " °C", "c"))
    elif pick.random() < 0.1:
        typed = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in typed)
    text = pick.choice(BEFORE) + typed + pick.choice(AFTER) + pick.choice(NOISE)
    return Told(cased(pick, text), celsius, fever=celsius >= LIMIT)


def words(pick: random.Random) -> Told:
    """A fever in words, misspelt, with a number that cannot be read or none."""
    said = pick.choice(WORDS[pick.choice(("pt", "en"))].split("|"))
    for right, wrong in SLIPS.items():
        said = said.replace(right, pick.choice(wrong))
    text = f"{pick.choice(('', 'oi ', 'hi ', 'bom dia '))}{said} {pick.choice(UNREADABLE)}{pick.choice(NOISE)}"
    return Told(cased(pick, text), fever=True)


def denial(pick: random.Random) -> Told:
    """A plain denial."""
    return Told(pick.choice(("", "oi ", "hi ")) + pick.choice(DENIED) + pick.choice(("", ".", "!", " ")), denied=True)


def rubbish(pick: random.Random) -> Told:
    """Anything at all: it must not raise."""
    return Told("".join(pick.choices(ALPHABET, k=pick.randint(0, 60))))


def cased(pick: random.Random, text: str) -> str:
    return pick.choice((str, str, str, str.upper, str.lower))(text)


KINDS: tuple[Callable[[random.Random], Told], ...] = (number, number, words, words, denial, rubbish)


def fault(told: Told, place: int) -> str:
    """What was heard otherwise than it was said; "" when nothing was."""
    heard, found = hear(told.text), read_temperature(told.text)
    item = ITEMS[place % len(ITEMS)]
    reply = read_reply(told.text, sender="patient", language=("pt-BR", "en")[place % 2], open_item=item)
    highest = found.highest if isinstance(found, Ambiguous) else found.celsius if isinstance(found, Reading) else None
    if reply.heard.highest != heard.highest or heard.highest != highest:
        return f"heard {heard.highest} and {reply.heard.highest}, read {highest}"
    if told.celsius is not None and highest is not None and (highest >= LIMIT) != told.fever:
        return f"read {highest}, not {told.celsius}"
    if told.celsius is not None and highest is None:
        return f"not read: {told.celsius}"
    if told.fever and highest is None and not heard.fever_without_number:
        return "a fever was not heard"
    if told.fever and reply.intents[0] not in (Intent.DISTRESS, Intent.READING, Intent.CORRECTION):
        return f"a fever is handled as {reply.intents}"
    if told.denied and (heard.distress or not isinstance(found, Unreadable)):
        return "a denial is an alarm"
    return ""


def faults(texts: int) -> dict[str, str]:
    """The first twenty texts that are misheard, each with why."""
    pick, found = random.Random(SEED), {}
    for place in range(texts):
        told = KINDS[place % len(KINDS)](pick)
        why = fault(told, place)
        if why:
            found[told.text] = why
            if len(found) == 20:
                break
    return found


def test_generated_texts_are_heard_as_they_were_meant() -> None:
    assert faults(ORDINARY) == {}


@pytest.mark.soak
def test_a_million_generated_texts_are_heard_as_they_were_meant() -> None:
    assert faults(LONG) == {}


def test_a_deaf_ear_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.read_temperature", lambda text: Unreadable())
    monkeypatch.setattr(f"{__name__}.hear", lambda text: Heard())
    assert faults(60)
