"""Patient, the dates of the protocol's anchors, and every revision of the calendar."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base
from service.models.study import Site, Study, StudyVersion


class Patient(Base):
    """A person in the study. `status` is a `workflows.enrolment.PatientStatus`; admission is apart.

    `opted_out`: None, "reminders" or "all". `temp_site` is where they measure, once they have said it.
    `admitted_at` set and `discharged_at` None: in hospital, daily questions are paused.
    """

    __tablename__ = "patient"
    __table_args__ = (UniqueConstraint("study_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("study.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    study_version_id: Mapped[int] = mapped_column(ForeignKey("study_version.id"))
    code: Mapped[str]
    phone: Mapped[str] = mapped_column(index=True)
    next_of_kin: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="pt-BR")
    timezone: Mapped[str]
    channel: Mapped[str] = mapped_column(default="sms")
    status: Mapped[str] = mapped_column(default="enrolled")
    enrolled_on: Mapped[date]
    weight_kg: Mapped[str | None]
    temp_site: Mapped[str | None]
    consented: Mapped[bool] = mapped_column(default=True)
    opted_out: Mapped[str | None]
    opted_out_at: Mapped[datetime | None]
    opted_out_by_carrier: Mapped[bool] = mapped_column(default=False)
    unreachable_at: Mapped[datetime | None]
    admitted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    whatsapp_seen_at: Mapped[datetime | None]
    push_subscription: Mapped[dict[str, Any] | None]
    feed_token: Mapped[str] = mapped_column(unique=True)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    version_id: Mapped[int] = mapped_column(default=1)

    study: Mapped[Study] = relationship()
    site: Mapped[Site] = relationship()
    study_version: Mapped[StudyVersion] = relationship()

    __mapper_args__ = {"version_id_col": version_id}


class AnchorDate(Base):
    """An anchor's dates with one patient: planned by hand, or actual. No row: projected from the protocol."""

    __tablename__ = "anchor_date"
    __table_args__ = (UniqueConstraint("patient_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    name: Mapped[str]
    planned_date: Mapped[date | None]
    actual_date: Mapped[date | None]
    actual_time: Mapped[str | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]


class CalendarRevision(Base):
    """One committed change of a calendar: what changed, why, by whom, and what it was before (for the undo)."""

    __tablename__ = "calendar_revision"
    __table_args__ = (UniqueConstraint("patient_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    number: Mapped[int]
    change: Mapped[dict[str, Any]]
    before: Mapped[dict[str, Any]]
    diff: Mapped[dict[str, Any]]
    reason: Mapped[str]
    actor: Mapped[str]
    created_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
