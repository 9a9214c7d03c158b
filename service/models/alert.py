"""Alerts (cases), their escalation runs and pages, reply codes, the log of each case, and tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.db import Base
from service.models.patient import Patient

OPEN = text("status <> 'closed'")


class Alert(Base):
    """A case: one open case a patient. `status` is a `workflows.escalation.AlertStatus`; `policy` is a snapshot.

    `case` is what people say ("7K"). `reported_at` is the time of the patient's words; `acknowledged_at` and
    `outcome_at` are study data.
    """

    __tablename__ = "alert"
    __table_args__ = (
        Index("uq_alert_open_patient", "patient_id", unique=True, postgresql_where=OPEN, sqlite_where=OPEN),
        Index("ix_alert_site_status", "site_id", "status"),
        Index("ix_alert_outcome_due", "outcome_due_at", postgresql_where=text("status = 'acknowledged'"),
              sqlite_where=text("status = 'acknowledged'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    case: Mapped[str]
    severity: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    policy: Mapped[dict[str, Any]]
    reported_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    acknowledged_via: Mapped[str | None]
    outcome: Mapped[str | None]
    outcome_text: Mapped[str | None]
    outcome_at: Mapped[datetime | None]
    outcome_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    outcome_due_at: Mapped[datetime | None]
    first_paged_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    version_id: Mapped[int] = mapped_column(default=1)

    patient: Mapped[Patient] = relationship()

    __mapper_args__ = {"version_id_col": version_id}


class AlertReport(Base):
    """What was said that opened or joined a case. `source` is unique: each red report belongs to exactly one alert."""

    __tablename__ = "alert_report"

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    source: Mapped[str] = mapped_column(unique=True)
    level: Mapped[str]
    rules: Mapped[list[str]]
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound.id"))
    reading_id: Mapped[int | None] = mapped_column(ForeignKey("reading.id"))
    summary: Mapped[dict[str, Any]]
    reported_at: Mapped[datetime]
    created_at: Mapped[datetime]


class EscalationRun(Base):
    """Where an alert's ladder stands. `due_at` NULL: nothing more is due (acknowledged or closed)."""

    __tablename__ = "escalation_run"
    __table_args__ = (
        Index("ix_escalation_run_due", "due_at", postgresql_where=text("due_at IS NOT NULL"),
              sqlite_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), unique=True)
    step: Mapped[int] = mapped_column(default=0)
    loop: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    exhausted_at: Mapped[datetime | None]
    repaged_at: Mapped[datetime | None]
    declined: Mapped[list[Any]] = mapped_column(default=list)
    version_id: Mapped[int] = mapped_column(default=1)

    alert: Mapped[Alert] = relationship()

    __mapper_args__ = {"version_id_col": version_id}


class Page(Base):
    """One page to one person by one channel; unique within its step and loop."""

    __tablename__ = "page"
    __table_args__ = (UniqueConstraint("alert_id", "step", "loop", "recipient", "channel"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    step: Mapped[int]
    loop: Mapped[int]
    recipient: Mapped[str]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    channel: Mapped[str]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    created_at: Mapped[datetime]


class ReplyCode(Base):
    """"7K" for one phone: 7K4 acknowledges, 7K5 passes on. Not reused for that phone within 7 days."""

    __tablename__ = "reply_code"
    __table_args__ = (UniqueConstraint("alert_id", "phone"), Index("ix_reply_code_phone", "phone", "code"))

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    phone: Mapped[str]
    code: Mapped[str]
    issued_at: Mapped[datetime]


class AlertLog(Base):
    """What happened in a case, in order. Append-only by database triggers."""

    __tablename__ = "alert_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    event: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Task(Base):
    """Something a coordinator must do. An amber one has a clock (`due_at`) and climbs when it runs out unseen.

    `status`: open -> seen -> done. `dedupe` keeps one task for one cause.
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("dedupe"),
        Index("ix_task_site_status", "site_id", "status"),
        Index("ix_task_due", "due_at", postgresql_where=text("status = 'open'"),
              sqlite_where=text("status = 'open'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), index=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"))
    inbound_id: Mapped[int | None] = mapped_column(ForeignKey("inbound.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    kind: Mapped[str]
    level: Mapped[str] = mapped_column(default="amber")
    rules: Mapped[list[str]] = mapped_column(default=list)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[str] = mapped_column(default="open")
    due_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[str | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None]
    note: Mapped[str | None]
    dedupe: Mapped[str]
    created_at: Mapped[datetime]
    version_id: Mapped[int] = mapped_column(default=1)

    patient: Mapped[Patient | None] = relationship()

    __mapper_args__ = {"version_id_col": version_id}
