"""Laboratory values as rows: kept in their test's unit, corrected by a new row, never rewritten."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from service.errors import Conflict, NotFound
from service.models import Observation, Patient, Visit
from service.use_cases import audit
from workflows import labs
from workflows.decisions import RuleViolation
from workflows.enrolment import PatientStatus
from workflows.protocol import StudyDesign


def record(
    session: Session,
    patient: Patient,
    *,
    code: str,
    value: Decimal,
    unit: str,
    drawn_on: date | None = None,
    drawn_at: datetime | None = None,
    last_dose_at: datetime | None = None,
    visit: Visit | None = None,
    corrects_id: int | None = None,
    reason: str | None = None,
    actor: str,
    now: datetime,
) -> Observation:
    """One value. `drawn_on` is the patient's local day; `drawn_at` (aware) gives it where only that is known.

    RuleViolation for an unknown test, a unit that cannot be meant, an implausible value, a time that cannot be and a
    correction without its reason; NotFound and Conflict for a correction of what is not there or was corrected.
    """
    read = labs.read_value(code, value, unit)
    zone = ZoneInfo(patient.timezone)
    if drawn_on is None:
        if drawn_at is None:
            raise RuleViolation("drawn_on", None, "say on which day it was drawn")
        drawn_on = drawn_at.astimezone(zone).date()
    if drawn_at is not None and drawn_at.astimezone(zone).date() != drawn_on:
        raise RuleViolation("drawn_at", drawn_at, f"is not on {drawn_on} in {patient.timezone}")
    if drawn_on > now.astimezone(zone).date() or (drawn_at is not None and drawn_at > now):
        raise RuleViolation("drawn_on", drawn_on, "cannot be in the future")
    if last_dose_at is not None and (drawn_at is None or last_dose_at > drawn_at):
        raise RuleViolation("last_dose_at", last_dose_at, "needs a drawn_at after it")
    if corrects_id is not None:
        _check_correction(session, patient, corrects_id, code, reason)
    row = Observation(
        patient_id=patient.id,
        visit_id=visit.id if visit else None,
        code=read.code,
        value=plain(read.value),
        unit=read.unit,
        drawn_on=drawn_on,
        drawn_at=drawn_at,
        last_dose_at=last_dose_at,
        recorded_by=actor,
        recorded_at=now,
        corrects_id=corrects_id,
        reason=(reason or "").strip() or None,
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        "observation:correct" if corrects_id else "observation:record",
        actor=actor,
        now=now,
        subject_id=row.id,
        patient_id=patient.id,
        detail={"code": row.code, "value": row.value, "unit": row.unit, "corrects": corrects_id, "reason": row.reason},
    )
    return row


def _check_correction(session: Session, patient: Patient, corrects_id: int, code: str, reason: str | None) -> None:
    if not (reason or "").strip():
        raise RuleViolation("reason", reason, "a correction needs its reason")
    old = session.get(Observation, corrects_id)
    if old is None or old.patient_id != patient.id:
        raise NotFound("this patient has no such value", field="corrects", value=corrects_id)
    if old.code != code:
        raise RuleViolation("code", code, f"the corrected value is of {old.code}")
    if session.scalar(select(Observation.id).where(Observation.corrects_id == corrects_id)):
        raise Conflict("this value was corrected already; correct the newest one", field="corrects", value=corrects_id)


def listed(
    session: Session, patient: Patient, *, code: str | None = None, after: int = 0, limit: int = 50
) -> list[Observation]:
    """Values by number, corrected ones too; one more than `limit` where there are more."""
    query = select(Observation).where(Observation.patient_id == patient.id, Observation.id > after)
    if code is not None:
        query = query.where(Observation.code == code)
    return list(session.scalars(query.order_by(Observation.id).limit(limit + 1)))


def current(session: Session, patient: Patient, *, code: str | None = None) -> list[Observation]:
    """The values that stand (no later row corrects them), by the day they were drawn."""
    query = select(Observation).where(Observation.patient_id == patient.id)
    if code is not None:
        query = query.where(Observation.code == code)
    rows = list(session.scalars(query.order_by(Observation.drawn_on, Observation.id)))
    corrected = {row.corrects_id for row in rows}
    return [row for row in rows if row.id not in corrected]


def band_of(design: StudyDesign) -> tuple[Decimal, Decimal] | None:
    """The target of the cyclosporine level in ng/mL, both ends inside; None where the protocol has none."""
    low, high = design.settings.get("csa_level_low"), design.settings.get("csa_level_high")
    return None if low is None or high is None else (Decimal(str(low)), Decimal(str(high)))


def newest_levels(session: Session, site_id: int, *, since: date) -> list[tuple[Patient, Observation]]:
    """The newest cyclosporine level that stands of each enrolled patient of a site, drawn on `since` or later, with its
    patient: of both no more than a row of the worklist shows.
    """
    rows = session.execute(
        select(Patient, Observation)
        .join(Observation, Observation.patient_id == Patient.id)
        .where(
            Patient.site_id == site_id,
            Patient.status == PatientStatus.ENROLLED,
            Observation.code == "csa",
            Observation.drawn_on >= since,
        )
        .options(
            load_only(Patient.code, Patient.study_version_id, Patient.timezone),
            load_only(
                Observation.patient_id, Observation.code, Observation.value, Observation.unit, Observation.drawn_on,
                Observation.corrects_id,
            ),
        )
        .order_by(Observation.drawn_on, Observation.id)
    ).all()
    corrected = {row.corrects_id for _patient, row in rows}
    newest = {row.patient_id: (patient, row) for patient, row in rows if row.id not in corrected}
    return [newest[key] for key in sorted(newest)]


def plain(value: Decimal) -> str:
    """Decimal text without an exponent and without trailing zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
