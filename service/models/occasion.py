"""Occasions: a questionnaire due on a day; and timers that wait for a patient's word."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base
from service.models.patient import Patient


class Occasion(Base):
    """A questionnaire due on one local day. `status` is a `workflows.occasions.OccasionStatus`.

    `next_due_at` is the one timer of the row: opening, reminder, late or missed, whichever comes next; NULL
    when it is over.
    `item` is the question that is open in a text conversation.
    """

    __tablename__ = "occasion"
    __table_args__ = (
        UniqueConstraint("patient_id", "questionnaire", "for_date"),
        Index("ix_occasion_due", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL"),
              sqlite_where=text("next_due_at IS NOT NULL")),
        Index("ix_occasion_site_date", "site_id", "for_date"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    questionnaire: Mapped[str]
    for_date: Mapped[date]
    opens_at: Mapped[datetime]
    late_at: Mapped[datetime]
    missed_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="upcoming")
    next_due_at: Mapped[datetime | None]
    reminders_sent: Mapped[int] = mapped_column(default=0)
    item: Mapped[str | None]
    explained: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None]
    version_id: Mapped[int] = mapped_column(default=1)

    patient: Mapped[Patient] = relationship()

    __mapper_args__ = {"version_id_col": version_id}


class Timer(Base):
    """Waits for a patient's word: a recheck, or silence after a question that must not stay silent.

    `kind`: recheck | recheck_silence | fever_silence | help_silence | advice_silence. Done when answered or handled.
    """

    __tablename__ = "timer"
    __table_args__ = (
        Index("ix_timer_due", "due_at", postgresql_where=text("done_at IS NULL"),
              sqlite_where=text("done_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    kind: Mapped[str]
    due_at: Mapped[datetime]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    reason: Mapped[str | None]
