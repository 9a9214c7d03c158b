"""The audit trail: append-only by database triggers, chained by the sealer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class AuditEntry(Base):
    """Who did what to which row, written in the transaction it describes. `action` is "subject:verb"."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject_id: Mapped[int | None]
    patient_id: Mapped[int | None] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]


class AuditSeal(Base):
    """One link of the chain: hash = sha256(previous hash + the entry's canonical form)."""

    __tablename__ = "audit_seal"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(ForeignKey("audit_entry.id"), unique=True)
    hash: Mapped[str]
    sealed_at: Mapped[datetime]
