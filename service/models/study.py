"""Study, its protocol versions, and its sites."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base


class Study(Base):
    """A study. `status`: draft -> confirmed (a named investigator stands for the defaults) -> active.

    `version_id` is the version that new patients get; without a foreign key, which would close a circle.
    """

    __tablename__ = "study"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    version_id: Mapped[int | None]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    activated_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class StudyVersion(Base):
    """One protocol version, as its file's text. Patients are pinned to one."""

    __tablename__ = "study_version"
    __table_args__ = (UniqueConstraint("study_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    version: Mapped[str]
    source: Mapped[str]
    sha256: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Site(Base):
    """Where patients are seen. Its telephone, emergency number, place and clinic hour go into messages.

    `whatsapp_templates`: the texts approved for its sender, as `notifications.whatsapp.parse_approved` reads them;
    "": those of the installation.
    """

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("study_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"), index=True)
    code: Mapped[str]
    name: Mapped[str]
    telephone: Mapped[str]
    emergency_number: Mapped[str] = mapped_column(default="192")
    place: Mapped[str]
    clinic_hour: Mapped[str] = mapped_column(default="09:00")
    timezone: Mapped[str] = mapped_column(default="America/Sao_Paulo")
    country: Mapped[str] = mapped_column(default="BR")
    subdivision: Mapped[str | None] = mapped_column(default="SP")
    closed_days: Mapped[list[str]] = mapped_column(default=list)
    daily_capacity: Mapped[int | None]
    feed_token: Mapped[str | None] = mapped_column(unique=True)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    whatsapp_templates: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime]

    study: Mapped[Study] = relationship()
