"""Attempts of which nobody knows whether the carrier took them: looked up first, then sent again or given up.

A page or a safety message is sent again: doubled it does no harm, lost it does. Anything else expires and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from notifications.message import DeliveryStatus, may_move
from service.models import Attempt, Message
from service.use_cases import outbox_failures
from service.use_cases.outbox import wake
from service.use_cases.outbox_failures import URGENT, Failure

LOOK_AGAIN = timedelta(seconds=2)
GIVE_UP_AFTER = {True: timedelta(seconds=6), False: timedelta(seconds=60)}  # urgent or not; machine time since unknown
SKEW = timedelta(minutes=2)
NEVER_SENT = frozenset({"email", "webpush"})  # no list to look them up in


@dataclass(frozen=True)
class Unknown:
    """What to look for at the carrier: an attempt to `address`, made at `since` or later."""

    message_id: int
    attempt_id: int
    number: int
    kind: str
    channel: str
    address: str
    language: str
    profile: str
    template: str
    fields: dict[str, object]
    since: datetime


def lose_leases(session: Session, *, machine_now: datetime, dead: Sequence[str] = (), limit: int = 200) -> int:
    """Mark as unknown what was claimed by senders whose lease ran out, or that are known to be `dead`; how many."""
    over = Message.lease_until <= machine_now
    if dead:
        over = over | Message.claimer.in_(list(dead))
    rows = session.scalars(
        select(Message)
        .where(text("message.status = 'claimed'"), over)
        .order_by(Message.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    for message in rows:
        attempt = _latest(session, message)
        attempt.status = message.status = DeliveryStatus.UNKNOWN.value
        attempt.error = message.reason = "its sender is gone" if message.claimer in dead else "the claim ran out"
        message.claimer, message.lease_until, message.unknown_since = None, machine_now, machine_now
    session.flush()
    return len(rows)


def _latest(session: Session, message: Message) -> Attempt:
    return session.scalars(
        select(Attempt).where(Attempt.message_id == message.id, Attempt.number == message.attempts)
    ).one()


def to_look_up(session: Session, *, machine_now: datetime, limit: int = 50) -> list[Unknown]:
    """The unknown messages whose next look-up is due, each put off a little so that no other process does the same."""
    rows = session.scalars(
        select(Message)
        .where(text("message.status = 'unknown'"), Message.lease_until <= machine_now)
        .order_by(Message.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    found = []
    for message in rows:
        attempt = _latest(session, message)
        message.lease_until = machine_now + LOOK_AGAIN
        found.append(
            Unknown(
                message.id, attempt.id, attempt.number, message.kind, message.channel, message.address,
                message.language, message.profile, message.template, message.fields, attempt.claimed_at - SKEW,
            )
        )  # fmt: skip
    session.flush()
    return found


def of_other_attempts(session: Session, one: Unknown, provider_ids: Sequence[str]) -> set[str]:
    """Which of these ids the carrier gave to other attempts than this one."""
    found = session.scalars(
        select(Attempt.provider_id).where(Attempt.provider_id.in_(provider_ids), Attempt.id != one.attempt_id)
    )
    return {provider_id for provider_id in found if provider_id}


def settle(
    session: Session,
    one: Unknown,
    *,
    provider_id: str | None,
    status: DeliveryStatus = DeliveryStatus.ACCEPTED,
    looked: bool = True,
    now: datetime,
    machine_now: datetime,
) -> bool:
    """Decide about one unknown message after the look-up; whether it is decided.

    `provider_id`: what the carrier has under this attempt, None: nothing. `looked`: False when the list could not be
    read: then a routine message waits on, an urgent one is sent again when its time is up all the same.
    """
    message = session.get(Message, one.message_id, with_for_update={"key_share": True}, populate_existing=True)
    attempt = session.get(Attempt, one.attempt_id, populate_existing=True)
    if message is None or attempt is None or message.status != DeliveryStatus.UNKNOWN or message.attempts != one.number:
        return False
    if provider_id is not None:
        if session.scalar(select(Attempt.id).where(Attempt.provider_id == provider_id, Attempt.id != attempt.id)):
            return False  # it was found for a twin of this message a moment ago
        attempt.provider_id = message.provider_id = provider_id
        if may_move(DeliveryStatus(attempt.status), status):
            attempt.status = status.value
        message.status, message.sent_at = status.value, message.sent_at or now
        message.reason, message.lease_until = "found in the carrier's list", None
        return True
    urgent = message.kind in URGENT
    since = message.unknown_since or machine_now
    if machine_now - since < GIVE_UP_AFTER[urgent] and one.channel not in NEVER_SENT:
        return False
    if not urgent and not looked:
        return False
    attempt.recorded_at = machine_now
    message.lease_until = message.unknown_since = None
    if urgent:
        message.status, message.send_at = DeliveryStatus.READY.value, now
        message.reason = f"attempt {one.number} may or may not have left; sent again, since a lost one does harm"
        wake(session, message.lane)
    else:
        why = f"attempt {one.number} may or may not have left; not sent again, so that nobody gets it twice"
        outbox_failures.end(session, message, Failure(DeliveryStatus.EXPIRED, "", why), now=now)
    session.flush()
    return True
