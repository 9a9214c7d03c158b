"""Twilio's words and codes -> our states: tables, no ifs. Source: twilio.com/docs/api/errors and the API
description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from notifications.message import DeliveryStatus as S


@dataclass(frozen=True)
class Outcome:
    """What a status word and a code mean. `next_channel`: use the recipient's next channel now."""

    status: S
    next_channel: bool = False
    opted_out: bool = False
    not_mobile: bool = False
    reason: str = ""


UNKNOWN_CODE = Outcome(S.FAILED_TEMPORARY, next_channel=True, reason="unknown carrier error")

CODES: Mapping[int, Outcome] = MappingProxyType(
    {
        20003: Outcome(S.FAILED_TEMPORARY, True, reason="carrier refused our credentials"),
        20429: Outcome(S.FAILED_TEMPORARY, reason="too many requests"),
        21211: Outcome(S.FAILED_PERMANENT, True, not_mobile=True, reason="not a telephone number"),
        21217: Outcome(S.FAILED_PERMANENT, True, not_mobile=True, reason="not a telephone number"),
        21408: Outcome(S.FAILED_PERMANENT, True, reason="region not enabled at the carrier"),
        21610: Outcome(S.FAILED_PERMANENT, True, opted_out=True, reason="opted out at the carrier"),
        21611: Outcome(S.FAILED_TEMPORARY, reason="the sender's queue is full"),
        21612: Outcome(S.FAILED_PERMANENT, True, reason="unreachable from this sender"),
        21614: Outcome(S.FAILED_PERMANENT, True, not_mobile=True, reason="not a mobile number"),
        30001: Outcome(S.FAILED_TEMPORARY, reason="queue overflow"),
        30002: Outcome(S.FAILED_TEMPORARY, True, reason="our carrier account is suspended"),
        30003: Outcome(S.FAILED_TEMPORARY, True, reason="telephone off or out of reach"),
        30004: Outcome(S.FAILED_PERMANENT, True, reason="blocked by the recipient or the carrier"),
        30005: Outcome(S.FAILED_PERMANENT, True, reason="no such telephone"),
        30006: Outcome(S.FAILED_PERMANENT, True, not_mobile=True, reason="landline or unreachable carrier"),
        30007: Outcome(S.FAILED_TEMPORARY, True, reason="filtered by the carrier"),
        30008: Outcome(S.FAILED_TEMPORARY, True, reason="delivery failed, cause unknown to the carrier"),
        30034: Outcome(S.FAILED_PERMANENT, True, reason="sender number not registered"),
        30036: Outcome(S.UNDELIVERED, True, reason="validity ran out"),
        63003: Outcome(S.FAILED_PERMANENT, True, reason="not on this messaging channel"),
        63016: Outcome(S.FAILED_PERMANENT, True, reason="outside the 24 h window, needs a template"),
        63018: Outcome(S.FAILED_TEMPORARY, reason="channel rate limit"),
    }
)

WORDS: Mapping[str, S] = MappingProxyType(
    {
        "accepted": S.ACCEPTED,
        "scheduled": S.ACCEPTED,
        "queued": S.ACCEPTED,
        "initiated": S.ACCEPTED,
        "sending": S.SENDING,
        "ringing": S.SENDING,
        "sent": S.SENT,
        "partially_delivered": S.SENT,
        "answered": S.SENT,
        "in-progress": S.SENT,
        "delivered": S.DELIVERED,
        "read": S.DELIVERED,
        "completed": S.DELIVERED,
        "received": S.DELIVERED,
        "receiving": S.SENDING,
        "undelivered": S.UNDELIVERED,
        "busy": S.UNDELIVERED,
        "no-answer": S.UNDELIVERED,
        "canceled": S.UNDELIVERED,
        "failed": S.FAILED_TEMPORARY,
    }
)

_ENDED_BADLY = frozenset({"failed", "undelivered", "busy", "no-answer", "canceled"})


def classify(word: str, code: int | str | None = None) -> Outcome:
    """A receipt's status word and error code -> Outcome. Never raises: an unknown word is a temporary
    failure.

    The code refines only a word that says the message ended badly; `undelivered` stays `undelivered`.
    """
    word = word.strip().lower()
    if word not in WORDS:
        return UNKNOWN_CODE
    if word not in _ENDED_BADLY:
        return Outcome(WORDS[word])
    known = by_code(code)
    if word == "failed":
        return known
    reason = known.reason if code else word
    return Outcome(WORDS[word], True, known.opted_out, known.not_mobile, reason)


def by_code(code: int | str | None) -> Outcome:
    """An error code -> Outcome; what is not in the table counts as temporary and moves to the next
    channel."""
    try:
        return CODES.get(int(code or 0), UNKNOWN_CODE)
    except ValueError:
        return UNKNOWN_CODE
