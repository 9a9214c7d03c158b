"""A message on its way out, and the states one attempt to send it goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

Lane = Literal["pages", "bulk"]


class Channel(StrEnum):
    SMS = "sms"
    WHATSAPP = "whatsapp"
    VOICE = "voice"
    EMAIL = "email"
    WEBPUSH = "webpush"


class DeliveryStatus(StrEnum):
    """The state of one attempt. `UNKNOWN`: the claim ran out or the answer was lost; look it up before
    sending again."""

    READY = "ready"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED_TEMPORARY = "failed_temporary"
    FAILED_PERMANENT = "failed_permanent"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


# A total order, also among the ends: two receipts that contradict each other give the same end in either
# order.
RANK: Mapping[DeliveryStatus, int] = MappingProxyType(
    {
        DeliveryStatus.READY: 0,
        DeliveryStatus.CLAIMED: 1,
        DeliveryStatus.UNKNOWN: 2,
        DeliveryStatus.ACCEPTED: 3,
        DeliveryStatus.SENDING: 4,
        DeliveryStatus.SENT: 5,
        DeliveryStatus.CANCELLED: 6,
        DeliveryStatus.EXPIRED: 7,
        DeliveryStatus.FAILED_TEMPORARY: 8,
        DeliveryStatus.FAILED_PERMANENT: 9,
        DeliveryStatus.UNDELIVERED: 10,
        DeliveryStatus.DELIVERED: 11,
    }
)

FINAL: frozenset[DeliveryStatus] = frozenset(
    {
        DeliveryStatus.DELIVERED,
        DeliveryStatus.UNDELIVERED,
        DeliveryStatus.FAILED_TEMPORARY,
        DeliveryStatus.FAILED_PERMANENT,
        DeliveryStatus.EXPIRED,
        DeliveryStatus.CANCELLED,
    }
)

_OURS = frozenset({DeliveryStatus.EXPIRED, DeliveryStatus.CANCELLED})
_NOT_HANDED_OVER = frozenset({DeliveryStatus.READY, DeliveryStatus.CLAIMED, DeliveryStatus.UNKNOWN})


def may_move(old: DeliveryStatus, new: DeliveryStatus) -> bool:
    """Whether a report of `new` changes an attempt in state `old`: only when the rank rises.

    Any order of the same receipts, doubled or not, therefore ends in the same state. We give up (`expired`,
    `cancelled`) only what the carrier has not taken; a carrier's final receipt still tells the truth
    afterwards.
    """
    if new in _OURS and old not in _NOT_HANDED_OVER:
        return False
    return RANK[new] > RANK[old]


@dataclass(frozen=True)
class OutboundMessage:
    """What a carrier is handed.

    `key` is our attempt's id. `to` is E.164 (sms, whatsapp, voice), an address (email) or empty (webpush,
    whose
    subscription is in `payload`). `callback_url` is where receipts go; it already carries the attempt's id.
    `voice`, for calls, is the URL that answers with TwiML, or TwiML itself. `payload` holds what one channel
    alone needs: `content_sid`/`content_variables` (WhatsApp), `subscription`/`url`/`tag` (webpush).
    """

    key: str
    channel: Channel
    to: str
    text: str
    sender_lane: Lane = "bulk"
    subject: str = ""
    language: str = "en"
    callback_url: str = ""
    voice: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)
