"""What waits to be sent or to be looked after, one instant each: asked at every look of a tick and of a sender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text

from service.models import Message
from service.prepared import Prepared, Within
from service.use_cases.outbox import BULK, PAGES, ready

# One query for each partial index.
WAITS = (
    ready(select(func.min(Message.send_at)), PAGES),
    ready(select(func.min(Message.send_at)), BULK),
    select(func.min(Message.lease_until)).where(text("message.status = 'claimed'")),
    select(func.min(Message.lease_until)).where(text("message.status = 'unknown'")),
)
LOOK = Prepared(select(*(one.scalar_subquery() for one in WAITS)))


@dataclass(frozen=True)
class Waits:
    """When the next message of each lane may leave (study time), when the next lease ends, and when the next unknown
    message is to be looked up (machine time)."""

    pages: datetime | None
    bulk: datetime | None
    leased_until: datetime | None
    look_up: datetime | None

    @property
    def send_at(self) -> datetime | None:
        return _first(self.pages, self.bulk)

    @property
    def check(self) -> datetime | None:
        """When (machine time) somebody must look after a claimed or an unknown message."""
        return _first(self.leased_until, self.look_up)

    def lanes(self, now: datetime) -> Sequence[str]:
        """The lanes that have something to send at `now`."""
        return [lane for lane, at in ((PAGES, self.pages), (BULK, self.bulk)) if at is not None and at <= now]


def look(within: Within) -> Waits:
    """What waits now."""
    return Waits(*LOOK.all(within)[0])


def _first(*instants: datetime | None) -> datetime | None:
    return min((one for one in instants if one is not None), default=None)
