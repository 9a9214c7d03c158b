"""Messages out and in, their attempts and receipts, and the links that messages carry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base

READY = text("status = 'ready'")
CLAIMED = text("status = 'claimed'")
UNKNOWN = text("status = 'unknown'")
OF_CASE = text("alert_id IS NOT NULL")
OF_OCCASION = text("status = 'ready' AND occasion_id IS NOT NULL")
OF_VISIT = text("status = 'ready' AND visit_id IS NOT NULL")


class Message(Base):
    """One message to one address. It waits in `status` ready until `send_at`; every row ends in a named state
    (`notifications.message.DeliveryStatus`) with its `reason`.

    `lane`: pages | bulk. `kind`: question | reminder | reply | safety | page | notice. `wanted_while` names
    the check made just before
    sending (see `use_cases/wanted.py`). `fields` fill the template; a `url` that begins with "/" is put
    under the public URL.
    `dedupe` is unique: the same cause never writes two rows. `lease_until` is machine time: the end of the claim, and
    while `unknown` the next look-up at the carrier; `unknown_since` is when it became so, machine time too.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_ready", "lane", "send_at", postgresql_where=READY, sqlite_where=READY),
        Index("ix_message_claimed", "lease_until", postgresql_where=CLAIMED, sqlite_where=CLAIMED),
        Index("ix_message_unknown", "lease_until", postgresql_where=UNKNOWN, sqlite_where=UNKNOWN),
        Index("ix_message_patient", "patient_id", "created_at"),
        Index("ix_message_alert_id", "alert_id", postgresql_where=OF_CASE, sqlite_where=OF_CASE),
        Index("ix_message_ready_occasion_id", "occasion_id", postgresql_where=OF_OCCASION, sqlite_where=OF_OCCASION),
        Index("ix_message_ready_visit_id", "visit_id", postgresql_where=OF_VISIT, sqlite_where=OF_VISIT),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    occasion_id: Mapped[int | None] = mapped_column(ForeignKey("occasion.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"))
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    kind: Mapped[str]
    lane: Mapped[str]
    channel: Mapped[str]
    address: Mapped[str]
    language: Mapped[str]
    profile: Mapped[str] = mapped_column(default="full")
    template: Mapped[str]
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    wanted_while: Mapped[str] = mapped_column(default="")
    send_at: Mapped[datetime]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(default="ready")
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    claimer: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    unknown_since: Mapped[datetime | None]
    provider_id: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    dedupe: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class Attempt(Base):
    """One call to a carrier for one message. `claimed_at` and `recorded_at` are machine time."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("message_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    number: Mapped[int]
    claimer: Mapped[str]
    claimed_at: Mapped[datetime]
    recorded_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(default="claimed")
    provider_id: Mapped[str | None] = mapped_column(index=True)
    error_code: Mapped[str | None]
    error: Mapped[str | None]


class SenderNumber(Base):
    """One of our numbers and how far it is used up: see `notifications/pace.py`. `next_at` is machine time."""

    __tablename__ = "sender_number"

    number: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime | None]


class Receipt(Base):
    """A carrier's callback, kept whatever it says. `applied`: whether it raised the message's rank."""

    __tablename__ = "receipt"

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempt.id"))
    provider_id: Mapped[str | None]
    status: Mapped[str]
    error_code: Mapped[str | None]
    form: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]
    applied: Mapped[bool]


class Inbound(Base):
    """A text (or a call's digits) as it came, stored before it is read. `provider_id` is the carrier's id, unique.

    `status`: new -> handled | poisoned. A poisoned one stays visible, is tried again and alarms a human.
    """

    __tablename__ = "inbound"
    __table_args__ = (
        Index("ix_inbound_new", "next_try_at", postgresql_where=text("status <> 'handled'"),
              sqlite_where=text("status <> 'handled'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[str]
    from_address: Mapped[str] = mapped_column(index=True)
    to_address: Mapped[str]
    body: Mapped[str]
    media: Mapped[list[Any]] = mapped_column(default=list)
    form: Mapped[dict[str, Any]]
    found_by: Mapped[str] = mapped_column(default="webhook")
    carrier_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="new")
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    error: Mapped[str | None]
    heard: Mapped[dict[str, Any]] = mapped_column(default=dict)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    handled_at: Mapped[datetime | None]


class Link(Base):
    """A link that a message carries: a random token kept as a digest. `kind`: page | questions | feed.

    A `page` link is used once for a POST; a GET changes nothing.
    """

    __tablename__ = "link"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"))
    occasion_id: Mapped[int | None] = mapped_column(ForeignKey("occasion.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
