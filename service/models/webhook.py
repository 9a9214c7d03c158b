"""Who outside is told of events, and what each was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base

WAITING = text("status = 'waiting'")


class WebhookEndpoint(Base):
    """One address that is told of a study's events. `events` [] means all.

    Its secret is stored nowhere: it follows from the service's own key and `salt`. After a change the secret of
    `old_salt` signs too until `old_until`. `seal_number` is how far the audit chain was read for it. `lease_until` is
    machine time: one worker at a time sends to an endpoint.
    """

    __tablename__ = "webhook_endpoint"

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), index=True)
    url: Mapped[str]
    events: Mapped[list[Any]] = mapped_column(default=list)
    salt: Mapped[str]
    old_salt: Mapped[str | None]
    old_until: Mapped[datetime | None]
    seal_number: Mapped[int]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    next_try_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]


class WebhookDelivery(Base):
    """One event for one endpoint: `status` waiting -> delivered | failed | cancelled. `key` is unique within the
    endpoint: the same event is written once. `body` holds ids and states, never a word about health. `message_id` is
    what the receiver tells doubles by."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "key"),
        Index("ix_webhook_delivery_waiting", "endpoint_id", "send_at", postgresql_where=WAITING, sqlite_where=WAITING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoint.id"))
    key: Mapped[str]
    message_id: Mapped[str] = mapped_column(unique=True)
    event: Mapped[str]
    body: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    send_at: Mapped[datetime]
    last_answer: Mapped[str] = mapped_column(default="")
    delivered_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
