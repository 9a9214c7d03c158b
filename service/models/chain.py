"""Tests that the paging chain makes of itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base

RUNNING = text("status IN ('waiting', 'sent')")


class ChainTest(Base):
    """One test: `kind` page (every day, to operations) | contact (every month, each way to reach somebody).

    `status`: waiting -> sent -> seen | missed | dropped. `due_at` is when it is sent, then when it must have been seen.
    `key` is unique: two workers plan the same test once. It belongs to no patient and to no case.
    """

    __tablename__ = "chain_test"
    __table_args__ = (Index("ix_chain_test_due", "due_at", postgresql_where=RUNNING, sqlite_where=RUNNING),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact_method.id"), index=True)
    status: Mapped[str] = mapped_column(default="waiting")
    due_at: Mapped[datetime]
    messages: Mapped[list[Any]] = mapped_column(default=list)
    why: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
