"""The pace of our sender numbers, one row each, shared by every worker. Bulk waits for it; pages and replies never do,
but what they send counts where they share a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from notifications import pace
from notifications.message import Channel
from service.models import SenderNumber
from service.use_cases.wanted import Outgoing


@dataclass(frozen=True)
class Pace:
    """`rate` messages a second for each number; `bulk`, `pages`: channel -> the number that it leaves from."""

    rate: int
    bulk: Mapping[str, str]
    pages: Mapping[str, str]

    def number_of(self, message: Outgoing) -> str:
        """The number that `message` leaves from; "" for a channel without any."""
        return (self.pages if message.kind in ("page", "safety") else self.bulk).get(message.channel, "")


def pace_of(*, rate: int, from_: str, page_from: str, whatsapp_from: str) -> Pace | None:
    """None: no limit is set."""
    if not rate:
        return None
    whatsapp = {Channel.WHATSAPP.value: f"whatsapp:{whatsapp_from}"} if whatsapp_from else {}
    bulk, pages = ({Channel.SMS.value: one, Channel.VOICE.value: one} for one in (from_, page_from or from_))
    return Pace(rate, bulk | whatsapp, pages | whatsapp)


def room(session: Session, its: Pace, *, machine_now: datetime) -> dict[str, int]:
    """How many of the bulk may leave each number now. The rows stay locked until the claim's end; a number at which
    another worker claims at this moment has no room."""
    numbers = sorted(set(its.bulk.values()))
    found = _locked(session, numbers)
    if len(found) < len(numbers) and _add(session, numbers):
        found = _locked(session, numbers)
    return {
        number: pace.room(found[number], rate=its.rate, now=machine_now) if number in found else 0
        for number in numbers
    }


def count(session: Session, its: Pace, messages: Iterable[Outgoing], *, machine_now: datetime) -> None:
    """These leave, or have left. A row that another worker holds is not waited for."""
    sent = Counter(its.number_of(one) for one in messages)
    numbers = sorted(set(sent) & set(its.bulk.values()))
    for number, next_at in _locked(session, numbers).items() if numbers else ():
        moved = pace.after(next_at, sent[number], rate=its.rate, now=machine_now)
        session.execute(update(SenderNumber).where(SenderNumber.number == number).values(next_at=moved))


def _locked(session: Session, numbers: list[str]) -> dict[str, datetime]:
    rows = session.execute(
        select(SenderNumber.number, SenderNumber.next_at)
        .where(SenderNumber.number.in_(numbers))
        .order_by(SenderNumber.number)
        .with_for_update(skip_locked=True)
    )
    return {row.number: row.next_at for row in rows}


def _add(session: Session, numbers: list[str]) -> bool:
    """Whether a number had no row yet."""
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert
    known = set(session.scalars(select(SenderNumber.number).where(SenderNumber.number.in_(numbers))))
    for number in sorted(set(numbers) - known):
        session.execute(insert(SenderNumber).values(number=number, next_at=None).on_conflict_do_nothing())
    return len(known) < len(numbers)
