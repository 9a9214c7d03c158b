"""Rotas: who is on call when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Rota(Base):
    """A rota of a site. `layers`: [{"name","every":"week"|"day","handover":"08:00","weekday":0,"start":"2026-03-02",
    "members":[staff ids]}], the first layer is on call, the second backup."""

    __tablename__ = "rota"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str]
    timezone: Mapped[str]
    layers: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    version_id: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version_id}


class Shift(Base):
    """A fixed stretch of duty, half open: [start_at, end_at). Goes before the layer's rotation."""

    __tablename__ = "shift"

    id: Mapped[int] = mapped_column(primary_key=True)
    rota_id: Mapped[int] = mapped_column(ForeignKey("rota.id"), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    layer: Mapped[str] = mapped_column(default="on_call")
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]


class Override(Base):
    """Somebody in somebody's place for a stretch; a swap is two of them. Goes before everything."""

    __tablename__ = "override"

    id: Mapped[int] = mapped_column(primary_key=True)
    rota_id: Mapped[int] = mapped_column(ForeignKey("rota.id"), index=True)
    layer: Mapped[str] = mapped_column(default="on_call")
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    instead_of_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    reason: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
