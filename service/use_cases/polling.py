"""Texts that came while we could not be reached: found in the carrier's list, kept with their own time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.carriers.twilio import Inbound as Listed
from service.models import Inbound
from service.use_cases import inbox

BACK = timedelta(hours=24)
AT_ONCE = 500  # ids asked for in one query; a day may have tens of thousands


def since(now: datetime) -> datetime:
    """How far back the list is read: a day, which is longer than a night's outage."""
    return now - BACK


def missing(session: Session, listed: Sequence[Listed]) -> list[Listed]:
    """Those of the carrier's list that were never stored, oldest first."""
    ids, known = [one.provider_id for one in listed], set[str]()
    for place in range(0, len(ids), AT_ONCE):
        some = ids[place : place + AT_ONCE]
        known |= set(session.scalars(select(Inbound.provider_id).where(Inbound.provider_id.in_(some))))
    return [one for one in listed if one.provider_id not in known]


def store(session: Session, one: Listed, *, now: datetime) -> int | None:
    """Store a text that polling found, its id; None when the webhook was quicker after all."""
    return inbox.store(
        session, provider_id=one.provider_id, channel=one.channel.value, from_address=one.from_, to_address=one.to,
        body=_clean(one.text), media=[], form={"found": "poll"}, received_at=now, carrier_at=one.sent_at,
        found_by="poll",
    )  # fmt: skip


def _clean(text: str) -> str:
    """Without NUL and lone surrogates, which no database takes."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
