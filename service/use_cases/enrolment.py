"""Enrolment: a patient, the whole calendar, and everything that hangs on it, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.catalog import FieldTooLong, check_field
from service.errors import Conflict
from service.models import AnchorDate, Patient, Site, Study
from service.security import new_token
from service.use_cases import audit, bulk, calendar, held, outbox, patients, studies
from service.use_cases.calendar_rows import VisitRow
from workflows.decisions import RuleViolation
from workflows.enrolment import PatientStatus

LONGEST_BACK = timedelta(days=366)
LONGEST_AHEAD = timedelta(days=366)


@dataclass(frozen=True)
class NewPatient:
    """What enrolment needs. `phone` in any form that the site's country writes, `enrolled_on` a local date."""

    study: Study
    site: Site
    code: str
    phone: str
    language: str
    timezone: str
    enrolled_on: date
    weight_kg: Any = None
    channel: str = "sms"
    next_of_kin: str | None = None


def enrol_patient(session: Session, new: NewPatient, *, actor: str, now: datetime) -> Patient:
    """The patient with calendar, reminders, questionnaires, a welcome text and audit entries.

    RuleViolation names the field that is wrong; Conflict for a code twice, or a study that has not started.
    """
    if new.study.status != studies.ACTIVE or new.study.version_id is None:
        raise Conflict(f"{new.study.code} is {new.study.status}: confirm and activate it first", field="study")
    if new.site.study_id != new.study.id:
        raise RuleViolation("site", new.site.code, f"is not a site of {new.study.code}")
    code = _checked_code(session, new)
    values = patients.checked(
        {
            "phone": new.phone, "language": new.language, "timezone": new.timezone, "channel": new.channel,
            "weight_kg": new.weight_kg, "next_of_kin": new.next_of_kin,
        },
        country=new.site.country,
    )  # fmt: skip
    today = now.astimezone(ZoneInfo(values["timezone"])).date()
    if not today - LONGEST_BACK <= new.enrolled_on <= today + LONGEST_AHEAD:
        raise RuleViolation("enrolled_on", new.enrolled_on, f"within a year of today, {today}")
    patient = Patient(
        study_id=new.study.id,
        site_id=new.site.id,
        study_version_id=new.study.version_id,
        code=code,
        status=PatientStatus.ENROLLED.value,
        enrolled_on=new.enrolled_on,
        feed_token=new_token(),
        created_at=now,
        revision=0,
        **values,
    )
    session.add(patient)
    session.flush()
    session.add(
        AnchorDate(
            patient_id=patient.id, name=held.ENROLMENT, actual_date=new.enrolled_on, recorded_at=now, recorded_by=actor
        )
    )
    session.flush()

    planned: dict[str, VisitRow] = {}

    def settle(writes: bulk.Writes, visits: Mapping[str, VisitRow]) -> None:
        planned.update(visits)
        own = visits.get(held.code_of(studies.design_for(session, patient), held.ENROLMENT) or "")
        if own is not None and new.enrolled_on <= today:
            held.complete(writes, own, new.enrolled_on, reason="enrolled", actor=actor, now=now)

    calendar.refresh(session, patient, now=now, settle=settle, is_new=True)
    outbox.enqueue(
        session, now=now, kind="reply", template="welcome", patient=patient, lane=outbox.BULK,
        dedupe=f"welcome:{patient.id}",
    )  # fmt: skip
    audit.record(
        session, "patient:enrol", actor=actor, now=now, subject_id=patient.id, patient_id=patient.id,
        detail={
            "code": code, "site": new.site.code, "enrolled_on": new.enrolled_on, "protocol": new.study.version_id,
            "visits": len(planned),
        },
    )  # fmt: skip
    audit.record(
        session, "calendar:plan", actor=actor, now=now, subject_id=patient.id, patient_id=patient.id,
        detail={"visits": {code: visit.date for code, visit in planned.items()}},
    )  # fmt: skip
    return patient


def _checked_code(session: Session, new: NewPatient) -> str:
    code = new.code.strip()
    if not code or not code.isascii() or not code.isprintable() or " " in code:
        raise RuleViolation("code", new.code, "letters, digits and signs without spaces, e.g. P-001")
    try:
        check_field("patient", code)
    except FieldTooLong as error:
        raise RuleViolation("code", new.code, str(error)) from None
    if session.scalars(select(Patient.id).where(Patient.study_id == new.study.id, Patient.code == code)).first():
        raise Conflict(f"{new.study.code} has a patient {code} already", field="code", value=code)
    return code
