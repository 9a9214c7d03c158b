"""Visits, what reminds of them, and deviations."""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base
from service.models.patient import Patient

NOT_OVER = text("status IN ('planned', 'booked')")


class Visit(Base):
    """An encounter with one patient. Its identity is (patient, code) whatever moves; late and due are derived.

    `status` is a `workflows.visits.VisitStatus`. `merged_into` names the visit of the same day that it is held with.
    """

    __tablename__ = "visit"
    __table_args__ = (
        UniqueConstraint("patient_id", "code"),
        Index("ix_visit_site_date", "site_id", "date"),
        Index("ix_visit_open", "site_id", "date", postgresql_where=NOT_OVER, sqlite_where=NOT_OVER),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str]
    label: Mapped[dict[str, Any]]
    anchor: Mapped[str]
    setting: Mapped[str]
    status: Mapped[str] = mapped_column(default="planned")
    date: Mapped[dt.date]
    window_start: Mapped[dt.date]
    window_end: Mapped[dt.date]
    projected: Mapped[bool] = mapped_column(default=True)
    merged_into: Mapped[str | None]
    flags: Mapped[list[str]] = mapped_column(default=list)
    booked_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    completed_on: Mapped[dt.date | None]
    sequence: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime]
    version_id: Mapped[int] = mapped_column(default=1)

    patient: Mapped[Patient] = relationship()

    __mapper_args__ = {"version_id_col": version_id}


class Reminder(Base):
    """A message that hangs on a visit and waits: `pending` -> `sent` | `cancelled` | `skipped`, with its reason."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("visit_id", "key"),
        Index("ix_reminder_due", "due_at", postgresql_where=text("status = 'pending'"),
              sqlite_where=text("status = 'pending'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    key: Mapped[str]
    template: Mapped[str]
    due_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="pending")
    reason: Mapped[str | None]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))

    visit: Mapped[Visit] = relationship()


class Deviation(Base):
    """A visit moved or held outside its window, with the reason given."""

    __tablename__ = "deviation"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    kind: Mapped[str]
    days_outside: Mapped[int]
    reason: Mapped[str]
    actor: Mapped[str]
    created_at: Mapped[datetime]
