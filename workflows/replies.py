"""What a text message wants, from whom it came and what was asked.

Whatever a patient's text is, it is *heard* first (`Reply.heard`): a fever in the middle of another question,
after STOP, from a withdrawn patient. Only then come answers and keywords. Never raises on any `str`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from workflows.answers import Answer, Wrong, read_answer
from workflows.ear import Heard, hear, hears_distress
from workflows.facts import Facts
from workflows.protocol import Item, Questionnaire
from workflows.questionnaires import read_all
from workflows.reply_codes import CodeReply, read_codes
from workflows.words import plain
from workflows.words_measures import FILLERS, TEMPERATURE_STEMS

__all__ = ["Intent", "Reply", "hears_distress", "read_reply"]

Sender = Literal["patient", "staff", "unknown"]


class Intent(StrEnum):
    DISTRESS = "distress"
    READING = "reading"
    CORRECTION = "correction"
    ANSWERS = "answers"
    OPT_OUT = "opt_out"
    START = "start"
    CALL_ME = "call_me"
    CONFIRM_VISIT = "confirm_visit"
    CHANGE_VISIT = "change_visit"
    CODE = "code"
    BARE_OK = "bare_ok"
    THANKS = "thanks"
    NOT_MINE = "not_mine"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reply:
    """A text, understood. `intents` are in the order in which they are to be handled.

    `answers` by item key; `wrong` when the open question was not answered; `opt_out` is "", "reminders" or
    "all"; `codes` are the codes of a person on call.
    """

    intents: tuple[Intent, ...]
    heard: Heard
    answers: Mapping[str, Answer] = field(default_factory=dict)
    wrong: Wrong | None = None
    opt_out: str = ""
    codes: tuple[CodeReply, ...] = ()


_STOP = re.compile(
    r"(?:por favor |please )?(?:stop|stopall|parar|pare|parem|sair|descadastrar|unsubscribe|cancelar|"
    r"cancela|quit|end"
    r"|cancel|remover|remove me)(?: (?:tudo|all|mensagens|messages|sms|de mandar|"
    r"as mensagens))*(?: por favor| please)?"
    r"|nao quero (?:mais|receber)(?: .{0,60})?|(?:i )?(?:dont|do not|don't) want (?:any )?more.{0,60}"
    r"|(?:pare|parem|para|stop) (?:de|com)? ?(?:me )?(?:mandar|enviar|sending|texting|messaging).{0,60}"
)
_STOP_WORDS = frozenset(
    "stop stopall parar pare parem sair descadastrar unsubscribe cancelar cancela quit end cancel remover".split()
)
_STOP_REMINDERS = re.compile(
    r"(?:stop|parar|pare|sem|no more|nao quero (?:mais )?(?:receber )?) ?(?:os |as |the )?(?:lembretes?|"
    r"reminders?)"
)
_START = re.compile(r"(?:start|unstop|voltar|iniciar|inicio|comecar|quero voltar(?: .{0,40})?|resume)")
_CALL = re.compile(
    r"(?:ligar|liga|ligue|call|call me|me liga|me ligue|me ligar|pode(?:m)? me ligar|quero que (?:me )?liguem"
    r"|please call(?: me)?|me liguem|call me please)(?: por favor| please)?"
)
_OK = re.compile(
    r"(?:ok|okay|okey|oks|confirmo|confirmado|confirmada|confirm|confirmed|sim confirmo|ok confirmo)"
)
_CHANGE = re.compile(
    r"(?:mudar|change|remarcar|reschedule|trocar|quero mudar|quero remarcar|preciso remarcar|preciso mudar"
    r"|need to change|i need to change|change please)(?: .{0,60})?"
)
_THANKS = re.compile(
    r"(?:(?:muito )?obrigad[oa]|obg|brigad[oa]|valeu|thanks|thank you|thx|ok obrigad[oa]|ok thanks|"
    r"de nada|bom dia"
    r"|boa tarde|boa noite|ate (?:amanha|logo|mais)|see you|good (?:morning|night)|amem|tudo bem|certo|"
    r"combinado|blz"
    r"|beleza|sim|yes|ta bom|entendi|got it|great|(?:obrigad[oa]|thanks) (?:ate|see) .{0,30})"
)
_NOT_MINE = re.compile(
    r".{0,40}\b(?:numero errado|wrong number|wrong person|pessoa errada|nao sou (?:o |a )?(?:paciente|"
    r"essa pessoa|ele|ela)"
    r"|nao conheco (?:essa|esta|esse|este) .{0,30}|este numero nao e (?:dele|dela|desse|dessa).{0,20}).{0,60}"
)
_CORRECTS = re.compile(
    r"^(?:errei|erro|errado|digitei errado|corrigindo|correcao|corrijo|na verdade|desculpa|desculpe|ops|"
    r"opa|oops|wrong"
    r"|correction|correct|sorry|i meant|my mistake|mistake|quis dizer|queria dizer)\b"
)
_INNER = re.compile(r"[^a-z0-9']+")
# STOP beside words of distress: the word alone, not a verb with its object ("stop bleeding", "parar o remedio").
_STOP_FIRST = re.compile(
    r"\s*(?:stop|stopall|pare|parem|parar|unsubscribe|descadastrar)(?:\s*[.,;:!\n]\s*|\s+"
    r"(?!(?:de|do|da|dos|das|o|a|os|as|com|no|na|em|para|meu|minha|esse|essa|este|esta|isso|se|me|"
    r"the|my|this|that|it|taking|to)\b|sangr|dor|vomit|tom|respir|\w+ing\b))"
)
_STOP_LAST = re.compile(r"[.,;!\n]\s*(?:stop|stopall|pare|parem|parar|sair|unsubscribe|descadastrar)[\s.!]*$")


def read_reply(
    text: str,
    *,
    sender: Sender,
    language: str = "",
    open_item: Item | None = None,
    questionnaire: Questionnaire | None = None,
    facts: Facts | None = None,
) -> Reply:
    """What the text wants.

    `open_item` is the question that was asked and not answered; with `questionnaire` and `facts`, an answer
    to the whole form in one message is read as well.
    """
    if sender == "staff":
        return _staff(text, language)
    heard = hear(text, language)
    line = _INNER.sub(" ", plain(text)).strip()
    intents: list[Intent] = [Intent.DISTRESS] if heard.distress else []
    if heard.temperature is not None:
        intents.append(Intent.CORRECTION if _CORRECTS.match(line) else Intent.READING)
    opt_out = _opt_out(line) or (_opt_out(_beside_the_number(line)) if heard.temperature is not None else "")
    if not opt_out and heard.distress and _stops_beside_distress(plain(text)):
        opt_out = "all"
    answers, wrong = _answers(text, language, open_item, questionnaire, facts)
    if opt_out and not heard.distress:
        return Reply((*intents, Intent.OPT_OUT), heard, opt_out=opt_out)
    if answers:
        intents += [Intent.ANSWERS, Intent.OPT_OUT] if opt_out else [Intent.ANSWERS]
        return Reply(tuple(intents), heard, answers=answers, opt_out=opt_out)
    intents += [intent for intent, pattern in _KEYWORDS if pattern.fullmatch(line)]
    if opt_out:
        intents.append(Intent.OPT_OUT)
    return Reply(tuple(intents) or (Intent.UNKNOWN,), heard, wrong=wrong, opt_out=opt_out)


_KEYWORDS = (
    (Intent.START, _START),
    (Intent.CALL_ME, _CALL),
    (Intent.CONFIRM_VISIT, _OK),
    (Intent.CHANGE_VISIT, _CHANGE),
    (Intent.THANKS, _THANKS),
    (Intent.NOT_MINE, _NOT_MINE),
)


def _staff(text: str, language: str) -> Reply:
    """A person on call: a code, a bare ok (which decides nothing by itself), STOP."""
    codes = read_codes(text)
    line = _INNER.sub(" ", plain(text)).strip()
    heard = Heard()
    if codes:
        return Reply((Intent.CODE,), heard, codes=codes)
    if _opt_out(line):
        return Reply((Intent.OPT_OUT,), heard, opt_out="all")
    if _OK.fullmatch(line) or line in ("sim", "yes", "4"):
        return Reply((Intent.BARE_OK,), heard)
    return Reply((Intent.START,) if _START.fullmatch(line) else (Intent.UNKNOWN,), heard)


def _opt_out(line: str) -> str:
    if _STOP_REMINDERS.fullmatch(line):
        return "reminders"
    return "all" if _STOP.fullmatch(line) else ""


def _stops_beside_distress(written: str) -> bool:
    """Whether a cry for help also says STOP, as its first word or after a sign at its end."""
    return bool(_STOP_FIRST.match(written) or _STOP_LAST.search(written))


def _beside_the_number(line: str) -> str:
    """What is left of a line without its temperature and the small words around it: "parar estou com 38 9"."""
    words = [word for word in line.split() if word in _STOP_WORDS or not _is_about_the_number(word)]
    return " ".join(words)


def _is_about_the_number(word: str) -> bool:
    return word[0].isdigit() or word in FILLERS or word.startswith(TEMPERATURE_STEMS)


def _answers(
    text: str, language: str, open_item: Item | None, questionnaire: Questionnaire | None, facts: Facts | None
) -> tuple[dict[str, Answer], Wrong | None]:
    if questionnaire is not None and facts is not None:
        answers = read_all(questionnaire, text, language, facts)
        if answers:
            return answers, None
    if open_item is None:
        return {}, None
    found = read_answer(open_item, text, language)
    return ({open_item.key: found}, None) if isinstance(found, Answer) else ({}, found)
