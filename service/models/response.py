"""What patients said: responses, readings, and what triage made of them. Rows are added, never rewritten."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.db import Base


class Response(Base):
    """One answer to one item. `value` is JSON (a string, a list of letters, a number as text), `raw` the words.

    `channel`: sms | web | phone | app | whatsapp. `typed_by`: "patient" or a staff member. A correction is
    a new row whose
    `corrects_id` points at the old one, with a reason.
    """

    __tablename__ = "response"
    __table_args__ = (
        UniqueConstraint("patient_id", "client_id"),
        Index("ix_response_patient_received", "patient_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    occasion_id: Mapped[int | None] = mapped_column(ForeignKey("occasion.id"), index=True)
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound.id"))
    questionnaire: Mapped[str | None]
    item: Mapped[str]
    value: Mapped[dict[str, Any]]
    raw: Mapped[str]
    channel: Mapped[str]
    typed_by: Mapped[str] = mapped_column(default="patient")
    phone_at: Mapped[datetime | None]
    carrier_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("response.id"))
    reason: Mapped[str | None]
    client_id: Mapped[str | None]


class Reading(Base):
    """A temperature in Celsius to 0.1, as decimal text. Kept for ever with its raw words and its times."""

    __tablename__ = "reading"
    __table_args__ = (Index("ix_reading_patient_taken", "patient_id", "taken_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    response_id: Mapped[int | None] = mapped_column(ForeignKey("response.id"), index=True)
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound.id"))
    celsius: Mapped[str]
    unit: Mapped[str]
    site: Mapped[str] = mapped_column(default="unknown")
    raw: Mapped[str]
    confirmed: Mapped[bool] = mapped_column(default=True)
    recheck: Mapped[bool] = mapped_column(default=False)
    taken_at: Mapped[datetime]
    received_at: Mapped[datetime]
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("reading.id"))
    reason: Mapped[str | None]


class TriageHit(Base):
    """A rule that fired, with its id and version. `findings`: what it fired on (`workflows.findings.Finding`), as
    `{"kind", "value", "detail"}` each. `why` is what older rows said instead, in English.
    """

    __tablename__ = "triage_hit"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    response_id: Mapped[int | None] = mapped_column(ForeignKey("response.id"))
    reading_id: Mapped[int | None] = mapped_column(ForeignKey("reading.id"))
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound.id"))
    occasion_id: Mapped[int | None] = mapped_column(ForeignKey("occasion.id"), index=True)
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"))
    rule_id: Mapped[str]
    rule_version: Mapped[str]
    level: Mapped[str]
    why: Mapped[str] = mapped_column(default="")
    findings: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
