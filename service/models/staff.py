"""Staff, the ways to reach them, and API tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Staff(Base):
    """A person of the care team. `role` is a `service.security.Role`; `site_id` None: every site."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    role: Mapped[str]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    language: Mapped[str] = mapped_column(default="pt-BR")
    active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    session_epoch: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]


class ContactMethod(Base):
    """One way to reach a person: `channel` sms | voice | email | webpush, `address` E.164 or e-mail or a
    subscription."""

    __tablename__ = "contact_method"
    __table_args__ = (UniqueConstraint("staff_id", "channel", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    channel: Mapped[str]
    address: Mapped[str] = mapped_column(index=True)
    verified_at: Mapped[datetime | None]
    code_digest: Mapped[str | None]
    code_expires_at: Mapped[datetime | None]
    last_delivered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]  # refused for good: the ladder passes it over for a while
    undelivered_at: Mapped[datetime | None]  # off, or out of reach: told, and tried again all the same
    opted_out_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class ApiToken(Base):
    """A bearer token of the API, kept as a digest. A patient's phone has one too (`patient_id`).

    `staff_id` is the person who stands for the token where a named person must act.
    """

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
