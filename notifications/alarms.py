"""What the watchers say, in a person's language: their sentences are English, as `vigilia doctor` prints them.

A table, like the carrier's codes: a sentence that is not in it stays as it is, never hidden.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_PLACE = re.compile(r"\\\{(\w+)\\\}")

PORTUGUESE: Mapping[str, str] = {
    "{who} cannot be paged: {fault}": "{who} não pode ser chamado: {fault}",
    "{who}: nothing was delivered to that phone in 30 days; send a test code":
        "{who}: nada chegou a esse telefone em 30 dias; envie um código de teste",
    "{who}: the last message by {word} was refused; check the address":
        "{who}: a última mensagem por {word} foi recusada; confira o endereço",
    "{who}: the last message by {word} did not arrive; is the telephone on?":
        "{who}: a última mensagem por {word} não chegou; o telefone está ligado?",
    "site {site}: nobody has the role {word}, whom the ladder ends at":
        "centro {site}: ninguém tem a função {word}, onde a escada termina",
    "{who}: the monthly test by {word} did not arrive ({fault})":
        "{who}: o teste mensal por {word} não chegou ({fault})",
    "site {site}: nobody is {layer}, {start} to {end}": "centro {site}: ninguém {layer}, {start} a {end}",
    "{site}: nobody is {layer}, {start} to {end}": "{site}: ninguém {layer}, {start} a {end}",
    "case {case}: nobody is on call at {site}": "caso {case}: ninguém está de plantão em {site}",
    "case {case}: the whole ladder was paged and nobody took it":
        "caso {case}: todos foram chamados e ninguém assumiu",
    "case {case}: its ladder stands still": "caso {case}: a escada está parada",
    "{n} urgent messages wait to be sent": "{n} mensagens urgentes esperam o envio",
    "{n} texts cannot be read": "{n} mensagens não puderam ser lidas",
    "{n} texts are not handled": "{n} mensagens não foram tratadas",
    "no {part} is alive": "{part}: nenhum está vivo",
    "no {part} has ever been seen alive": "{part}: nenhum foi visto vivo até agora",
    "the daily test page was not seen: pages may not arrive":
        "o chamado diário de teste não foi visto: chamados podem não chegar",
    "the daily test page was not seen: {fault}": "o chamado diário de teste não foi visto: {fault}",
    "the carrier accepted {n} texts in 24 h and reported on none":
        "a operadora aceitou {n} mensagens em 24 h e não informou sobre nenhuma",
    "the database cannot be read ({fault})": "o banco de dados não pode ser lido ({fault})",
    "{who} sent STOP: texts to that on-call phone are blocked":
        "{who} enviou STOP: mensagens a esse telefone do plantão estão bloqueadas",
    "a text could not be read (inbound {n}): read it in the console":
        "uma mensagem não pôde ser lida (n. {n}): leia no console",
    "a cry for help from an unknown number: see text {n} in the console":
        "pedido de socorro de número desconhecido: veja a mensagem {n} no console",
    "study {site}: webhook {n} is not taken by its receiver":
        "estudo {site}: o webhook {n} não é aceito por quem o recebe",
    # why a carrier did not deliver
    "unknown carrier error": "falha desconhecida da operadora",
    "carrier refused our credentials": "a operadora recusou nossas credenciais",
    "too many requests": "pedidos demais à operadora",
    "not a telephone number": "não é um número de telefone",
    "region not enabled at the carrier": "região não habilitada na operadora",
    "opted out at the carrier": "bloqueou nossas mensagens na operadora",
    "the sender's queue is full": "a fila do remetente está cheia",
    "unreachable from this sender": "não alcançável por este remetente",
    "not a mobile number": "não é um celular",
    "queue overflow": "fila cheia na operadora",
    "our carrier account is suspended": "nossa conta na operadora está suspensa",
    "telephone off or out of reach": "telefone desligado ou fora de área",
    "blocked by the recipient or the carrier": "bloqueado por quem recebe ou pela operadora",
    "no such telephone": "esse telefone não existe",
    "landline or unreachable carrier": "telefone fixo ou operadora não alcançável",
    "filtered by the carrier": "filtrado pela operadora",
    "delivery failed, cause unknown to the carrier": "não entregue, a operadora não sabe por quê",
    "sender number not registered": "número do remetente não registrado",
    "validity ran out": "o prazo venceu",
    "not on this messaging channel": "não usa este canal de mensagens",
    "outside the 24 h window, needs a template": "fora da janela de 24 h, precisa de modelo",
    "channel rate limit": "limite do canal",
    "the number is not theirs": "o número não é dessa pessoa",
}  # fmt: skip
# values of the placeholders
PORTUGUESE_WORDS: Mapping[str, str] = {
    "on_call": "de plantão", "backup": "na retaguarda", "opted out": "recusou mensagens",
    "not verified": "não verificado", "not deliverable": "não entregável", "no telephone": "sem telefone",
    "investigator": "investigador", "monitor": "monitor médico", "operator": "operações",
    "sms": "SMS", "voice": "ligação", "email": "e-mail", "webpush": "notificação", "scheduler": "agendador",
    "lane:pages": "envio de chamados", "lane:bulk": "envio comum",
    "the call was taken and no key confirmed it": "a ligação foi atendida e nenhuma tecla a confirmou",
    "nobody of operations has a verified telephone": "ninguém de operações tem telefone verificado",
    "due and not done": "devido e não feito", "no longer in use": "fora de uso",
    "failed_permanent": "falhou", "undelivered": "não entregue", "expired": "venceu", "unknown": "desconhecido",
    "ready": "não enviado", "sent": "enviado, sem confirmação", "accepted": "aceito, sem confirmação",
}  # fmt: skip
TABLES: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {"pt": (PORTUGUESE, PORTUGUESE_WORDS)}


def in_language(sentence: str, language: str) -> str:
    """The sentence in `language` (BCP 47); as it is where the table does not know it."""
    tag = language.replace("_", "-").split("-")[0].lower()
    if tag not in TABLES:
        return sentence
    words = TABLES[tag][1]
    for pattern, said in _patterns(tag):
        if found := pattern.fullmatch(sentence):
            return said.format(**{name: _value(value, words) for name, value in found.groupdict().items()})
    return sentence


def _value(value: str, words: Mapping[str, str]) -> str:
    """A value in words; of several ("opted out, not verified", "undelivered: off") each."""
    if value in words:
        return words[value]
    return re.sub(r"[^,;:]+", lambda part: _kept(part[0], words), value)


def _kept(part: str, words: Mapping[str, str]) -> str:
    bare = part.strip()
    return part.replace(bare, words[bare]) if bare in words else part


@lru_cache(maxsize=4)
def _patterns(tag: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Longest first: the more a sentence says itself, the less its values may swallow."""
    table = TABLES[tag][0]
    return tuple(
        (re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(sentence)), re.DOTALL), table[sentence])
        for sentence in sorted(table, key=len, reverse=True)
    )
