"""A protocol amendment: patients move to the new version one by one, each seen before it is done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.errors import Conflict
from service.models import Patient, StudyVersion
from service.use_cases import anchors, audit, calendar, studies
from workflows.amendments import compare_designs
from workflows.decisions import RuleViolation


def sentences(session: Session, patient: Patient, version: StudyVersion) -> tuple[str, ...]:
    """What the new version changes for a patient on the old one, one sentence each."""
    return compare_designs(studies.design_for(session, patient), studies.design_of(session, version.id))


def preview(session: Session, patient: Patient, version: StudyVersion, *, now: datetime) -> dict[str, Any]:
    """What `migrate` would do to the visits; nothing is changed."""
    _check(patient, version)
    design = studies.design_of(session, version.id)
    return calendar.as_dict(calendar.difference(session, patient, now=now, design=design))


def migrate(
    session: Session, patient: Patient, version: StudyVersion, *, reason: str, actor: str, now: datetime
) -> dict[str, Any]:
    """Pin the patient to `version` and bring the calendar in line; undone like any revision of the
    calendar.

    RuleViolation without a reason; Conflict for a version of another study, or the patient's own.
    """
    if not reason.strip():
        raise RuleViolation("reason", reason, "say why")
    _check(patient, version)
    calendar.lock(session, patient)
    before = {"study_version_id": patient.study_version_id}
    patient.study_version_id = version.id
    session.flush()
    diff = calendar.refresh(session, patient, now=now)
    change = {"protocol": version.version}
    revision = anchors.keep(
        session, patient, change, before, diff, reason=reason.strip(), actor=actor, now=now
    )
    audit.record(
        session, "patient:amend", actor=actor, now=now, subject_id=revision.id, patient_id=patient.id,
        detail={**change, "before": before, "reason": reason.strip(), "moved": diff["moved"]},
    )  # fmt: skip
    return diff | {"revision": revision.number}


def _check(patient: Patient, version: StudyVersion) -> None:
    if version.study_id != patient.study_id:
        raise Conflict("that protocol version is of another study", field="version", value=version.version)
    if version.id == patient.study_version_id:
        raise Conflict("the patient is on that version already", field="version", value=version.version)
