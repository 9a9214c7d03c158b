"""Laboratory values and other measurements."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Observation(Base):
    """One value (decimal text, in `unit`) of one test on one day; a correction is a new row pointing at the old."""

    __tablename__ = "observation"
    __table_args__ = (Index("ix_observation_patient_code", "patient_id", "code", "drawn_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    code: Mapped[str]
    value: Mapped[str]
    unit: Mapped[str]
    drawn_on: Mapped[date]
    drawn_at: Mapped[datetime | None]
    last_dose_at: Mapped[datetime | None]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("observation.id"))
    reason: Mapped[str | None]
