"""Outgoing webhooks: who is told, what waits to be told, and what became of it.

At least once, as every message here: an event is a row first, its try is recorded afterwards, and a receiver tells
doubles by `webhook-id`. Pages and texts have their own senders, which this never holds up.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from service.models import AuditEntry, AuditSeal, Study, WebhookDelivery, WebhookEndpoint
from service.security import new_token
from service.use_cases import audit, hook_events
from service.use_cases.hook_events import Event, Told
from workflows.decisions import RuleViolation

READ_AT_ONCE, SENT_AT_ONCE = 500, 20
LEASE = timedelta(minutes=5)  # longer than a round of slow answers
OLD_SECRET_FOR = timedelta(hours=24)
# How long after each failed try of one event; then it is given up and shows as failed.
AGAIN = tuple(timedelta(seconds=each) for each in (5, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
LONGEST_PAUSE = timedelta(minutes=30)  # of an endpoint that takes nothing: new events try it again
HERE = ("localhost", "127.0.0.1", "::1")


def add(
    session: Session, study: Study, *, url: str, events: Sequence[str], actor: str, now: datetime
) -> WebhookEndpoint:
    """A new endpoint, told of what happens from now on. RuleViolation for an address that is no https one."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise RuleViolation("url", url, "an https:// address") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE) or not parts.hostname:
        raise RuleViolation("url", url, "an https:// address")
    if parts.username or parts.password or parts.fragment:
        raise RuleViolation("url", url, "without a name, a password or a #fragment")
    unknown = sorted(set(events) - set(Event))
    if unknown:
        raise RuleViolation("events", unknown[0], "one of " + ", ".join(Event))
    newest = session.scalar(select(func.max(AuditSeal.number))) or 0
    row = WebhookEndpoint(
        study_id=study.id, url=url, events=sorted(set(events)), salt=new_token(32), seal_number=newest, next_try_at=now,
        created_by=actor, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(
        session, "webhook:add", actor=actor, now=now, subject_id=row.id,
        detail={"study": study.code, "host": parts.hostname},
    )  # fmt: skip
    return row


def secret(key: str, salt: str) -> bytes:
    """The signing secret: it follows from the service's key, so that a stolen database signs nothing."""
    return hmac.new(key.encode(), f"webhook {salt}".encode(), hashlib.sha256).digest()


def secrets_of(row: WebhookEndpoint, key: str, now: datetime) -> list[bytes]:
    """The secrets that sign now, the newest first."""
    old = [row.old_salt] if row.old_salt and row.old_until and row.old_until > now else []
    return [secret(key, salt) for salt in (row.salt, *old)]


def rotate(session: Session, row: WebhookEndpoint, *, actor: str, now: datetime) -> None:
    """A new secret; for a day the old one signs too, so that the receiver can change without losing an event."""
    row.old_salt, row.old_until, row.salt = row.salt, now + OLD_SECRET_FOR, new_token(32)
    audit.record(session, "webhook:rotate", actor=actor, now=now, subject_id=row.id)


def end(session: Session, row: WebhookEndpoint, *, why: str, actor: str, now: datetime) -> None:
    """It is told nothing more; what waits is cancelled. The rows stay."""
    if row.ended_at is not None:
        return
    row.ended_at, row.ended_why = now, why
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == row.id, WebhookDelivery.status == "waiting")
        .values(status="cancelled")
    )
    audit.record(session, "webhook:end", actor=actor, now=now, subject_id=row.id, detail={"why": why})


def ping(session: Session, row: WebhookEndpoint, *, now: datetime) -> WebhookDelivery:
    """An event that means nothing, to see it arrive."""
    row.next_try_at = now
    told = Told(Event.TEST, f"test:{new_token(12)}", row.study_id, now, {"id": row.id})
    return _write(session, row, told, now)


def live(session: Session) -> list[WebhookEndpoint]:
    """Every endpoint that is told, oldest first."""
    return list(
        session.scalars(select(WebhookEndpoint).where(WebhookEndpoint.ended_at.is_(None)).order_by(WebhookEndpoint.id))
    )


def read_on(session: Session, endpoint_id: int, *, now: datetime) -> int:
    """Write the events of the next stretch of the audit chain for one endpoint; how many entries were read."""
    row = session.get_one(WebhookEndpoint, endpoint_id, with_for_update=True)
    entries = session.execute(
        select(AuditSeal.number, AuditEntry)
        .join(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
        .where(AuditSeal.number > row.seal_number)
        .order_by(AuditSeal.number)
        .limit(READ_AT_ONCE)
    ).all()
    for number, entry in entries:
        told = hook_events.of_entry(session, entry)
        if told is not None and told.study_id == row.study_id and (not row.events or told.event in row.events):
            _write(session, row, told, now)
        row.seal_number = number
    return len(entries)


def _write(session: Session, row: WebhookEndpoint, told: Told, now: datetime) -> WebhookDelivery:
    same = (WebhookDelivery.endpoint_id == row.id, WebhookDelivery.key == told.key)
    known = session.scalars(select(WebhookDelivery).where(*same)).first()
    if known is not None:
        return known
    body = {"type": str(told.event), "timestamp": told.at.isoformat(), "data": told.data}
    delivery = WebhookDelivery(
        endpoint_id=row.id, key=told.key, message_id=f"msg_{new_token(27)}", event=str(told.event), body=body,
        send_at=now, created_at=now,
    )  # fmt: skip
    session.add(delivery)
    session.flush()
    return delivery


@dataclass(frozen=True)
class Post:
    """One try to be made: everything that is needed without the database."""

    delivery_id: int
    message_id: str
    url: str
    body: dict[str, Any]
    secrets: tuple[bytes, ...]


def claim(session: Session, endpoint_id: int, *, key: str, now: datetime, machine_now: datetime) -> list[Post]:
    """What is due for one endpoint, which is this worker's for the length of the lease; [] where nothing is."""
    row = session.scalars(
        select(WebhookEndpoint)
        .where(
            WebhookEndpoint.id == endpoint_id, WebhookEndpoint.ended_at.is_(None), WebhookEndpoint.next_try_at <= now,
            or_(WebhookEndpoint.lease_until.is_(None), WebhookEndpoint.lease_until <= machine_now),
        )
        .with_for_update(skip_locked=True)
    ).first()  # fmt: skip
    if row is None:
        return []
    due = session.scalars(
        select(WebhookDelivery)
        .where(
            WebhookDelivery.endpoint_id == row.id, WebhookDelivery.status == "waiting", WebhookDelivery.send_at <= now
        )
        .order_by(WebhookDelivery.id)
        .limit(SENT_AT_ONCE)
    ).all()
    if due:
        row.lease_until = machine_now + LEASE
    signing = tuple(secrets_of(row, key, now))
    return [Post(one.id, one.message_id, row.url, one.body, signing) for one in due]


def record(session: Session, delivery_id: int, *, taken: bool, answer: str, now: datetime) -> None:
    """What became of one try. `answer` is the status or the fault, for the list of deliveries."""
    one = session.get_one(WebhookDelivery, delivery_id, with_for_update=True)
    row = session.get_one(WebhookEndpoint, one.endpoint_id, with_for_update=True)
    one.attempts, one.last_answer = one.attempts + 1, answer[:200]
    if taken:
        one.status, one.delivered_at = "delivered", now
        row.failures, row.failing_since, row.next_try_at = 0, None, now
        return
    row.failures, row.failing_since = row.failures + 1, row.failing_since or now
    row.next_try_at = now + min(AGAIN[min(row.failures, len(AGAIN)) - 1], LONGEST_PAUSE)
    if one.attempts > len(AGAIN):
        one.status = "failed"
    elif one.status == "waiting":
        one.send_at = now + AGAIN[one.attempts - 1]
    if answer == str(HTTPStatus.GONE.value):
        end(session, row, why="its receiver says that it is gone (410)", actor="system", now=now)


def release(session: Session, endpoint_id: int) -> None:
    """The round is over: another worker may send to it."""
    session.execute(update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id).values(lease_until=None))


def deliveries(session: Session, endpoint_id: int, *, after: int = 0, limit: int = 50) -> list[WebhookDelivery]:
    """What an endpoint was told, oldest first, one more than asked."""
    return list(
        session.scalars(
            select(WebhookDelivery)
            .where(WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.id > after)
            .order_by(WebhookDelivery.id)
            .limit(limit + 1)
        )
    )
