"""A patient to plan for, on the seeded study; short words for what tests ask."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Patient, Reminder, Site, Study, Visit
from service.use_cases import enrolment

ACTOR = "staff:1"
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def at(day: str, hour: int = 12) -> datetime:
    """An instant in the study: 2026-DAY at that hour in Sao Paulo."""
    return datetime.combine(date.fromisoformat(f"2026-{day}"), time(hour), SAO_PAULO).astimezone(UTC)


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


def new(session: Session, code: str = "P-001", **changed: Any) -> enrolment.NewPatient:
    values: dict[str, Any] = {
        "study": session.scalars(select(Study)).one(),
        "site": session.scalars(select(Site)).one(),
        "code": code,
        "phone": "+5516991110001",
        "language": "pt-BR",
        "timezone": "America/Sao_Paulo",
        "enrolled_on": day("03-02"),
    }
    return enrolment.NewPatient(**(values | changed))


def enrol(session: Session, code: str = "P-001", **changed: Any) -> Patient:
    """Enrolled on Monday 2 March, so that ATG is projected for the 9th and infusion 1 for the 16th."""
    return enrolment.enrol_patient(session, new(session, code, **changed), actor=ACTOR, now=at("03-02", 8))


def visit(session: Session, patient: Patient, code: str) -> Visit:
    return session.scalars(select(Visit).where(Visit.patient_id == patient.id, Visit.code == code)).one()


def reminders(session: Session, patient: Patient, code: str) -> dict[str, Reminder]:
    rows = session.scalars(
        select(Reminder).join(Visit).where(Visit.patient_id == patient.id, Visit.code == code)
    )
    return {row.key: row for row in rows}
