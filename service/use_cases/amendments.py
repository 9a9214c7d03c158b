"""A protocol amendment: patients move to the new version, one by one or together, each seen before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.errors import Conflict, NotFound, Problem
from service.models import Occasion, Patient, Study, StudyVersion
from service.use_cases import anchors, audit, calendar, calendar_frame, occasions, studies
from workflows.amendments import Sentence, compare_designs
from workflows.decisions import RuleViolation
from workflows.enrolment import PatientStatus
from workflows.occasions import ANSWERABLE


@dataclass(frozen=True)
class Move:
    """What became, or would become, of one patient: the diff of the calendar, or why not."""

    patient: Patient
    from_version: str
    diff: dict[str, Any] | None
    refused: str = ""


def version_of(session: Session, study: Study, version: str) -> StudyVersion:
    """A version of a study by what its file calls it; NotFound."""
    row = session.scalars(
        select(StudyVersion).where(StudyVersion.study_id == study.id, StudyVersion.version == version)
    ).one_or_none()
    if row is None:
        raise NotFound(f"{study.code} has no version {version!r}", field="version", value=version)
    return row


def in_use(session: Session, study: Study, *, site_id: int | None = None) -> dict[int, int]:
    """How many enrolled patients are on each version, by its id; of one site, or of all."""
    where = [Patient.study_id == study.id, Patient.status == PatientStatus.ENROLLED]
    if site_id is not None:
        where.append(Patient.site_id == site_id)
    rows = session.execute(
        select(Patient.study_version_id, func.count()).where(*where).group_by(Patient.study_version_id)
    )
    return {version_id: count for version_id, count in rows}


def waiting(
    session: Session, version: StudyVersion, *, site_id: int | None, limit: int | None = None
) -> list[Patient]:
    """Enrolled patients who are on another version than this one, by code."""
    query = select(Patient).where(
        Patient.study_id == version.study_id,
        Patient.study_version_id != version.id,
        Patient.status == PatientStatus.ENROLLED,
    )
    if site_id is not None:
        query = query.where(Patient.site_id == site_id)
    return list(session.scalars(query.order_by(Patient.code, Patient.id).limit(limit)))


def compare(session: Session, old: StudyVersion, new: StudyVersion) -> tuple[Sentence, ...]:
    """What changed between two versions, one sentence each."""
    return compare_designs(studies.design_of(session, old.id), studies.design_of(session, new.id))


def sentences(session: Session, patient: Patient, version: StudyVersion) -> tuple[Sentence, ...]:
    """What the new version changes for a patient on the old one, one sentence each."""
    return compare(session, session.get_one(StudyVersion, patient.study_version_id), version)


def preview(session: Session, patient: Patient, version: StudyVersion, *, now: datetime) -> dict[str, Any]:
    """What `migrate` would do: the very same code, in a savepoint that is rolled back."""
    _check(patient, version)
    savepoint = session.begin_nested()
    try:
        return _move(session, patient, version, reason="preview", now=now)
    finally:
        savepoint.rollback()
        session.expire_all()


def migrate(
    session: Session, patient: Patient, version: StudyVersion, *, reason: str, actor: str, now: datetime
) -> dict[str, Any]:
    """Pin the patient to `version` and bring the calendar in line; undone like any revision of the
    calendar.

    RuleViolation without a reason; Conflict for a version of another study, the patient's own, one whose
    defaults nobody has confirmed, or a patient who has left.
    """
    if not reason.strip():
        raise RuleViolation("reason", reason, "say why")
    _check(patient, version)
    _check_confirmed(session, version)
    calendar_frame.lock(session, patient)
    _check(patient, version)
    before = {"study_version_id": patient.study_version_id}
    diff = _move(session, patient, version, reason=f"protocol version {version.version}", now=now)
    change = {"protocol": version.version}
    revision = anchors.keep(
        session, patient, change, before, diff, reason=reason.strip(), actor=actor, now=now
    )
    audit.record(
        session, "patient:amend", actor=actor, now=now, subject_id=revision.id, patient_id=patient.id,
        detail={**change, "before": before, "reason": reason.strip(), "moved": diff["moved"]},
    )  # fmt: skip
    return diff | {"revision": revision.number}


def migrate_many(
    session: Session,
    patients: Sequence[Patient],
    version: StudyVersion,
    *,
    reason: str = "",
    dry_run: bool = False,
    actor: str,
    now: datetime,
) -> list[Move]:
    """Several patients, in order of number; one who cannot move is told of and does not stop the others."""
    if not dry_run:
        if not reason.strip():
            raise RuleViolation("reason", reason, "say why")
        _check_confirmed(session, version)
    moves = []
    for patient in sorted(patients, key=lambda one: one.id):
        old = session.get_one(StudyVersion, patient.study_version_id).version
        savepoint = session.begin_nested()
        try:
            if dry_run:
                diff = preview(session, patient, version, now=now)
            else:
                diff = migrate(session, patient, version, reason=reason, actor=actor, now=now)
            savepoint.commit()
            moves.append(Move(patient, old, diff))
        except (Problem, RuleViolation) as error:
            savepoint.rollback()
            session.refresh(patient)
            why = error.detail if isinstance(error, Problem) else str(error)
            moves.append(Move(patient, old, None, why))
    return moves


def _move(
    session: Session, patient: Patient, version: StudyVersion, *, reason: str, now: datetime
) -> dict[str, Any]:
    patient.study_version_id = version.id
    session.flush()
    session.expire(patient, ["study_version"])
    asked = {one.key for one in studies.design_of(session, version.id).questionnaires if one.schedule is not None}
    open_now = select(Occasion).where(
        Occasion.patient_id == patient.id, Occasion.status.in_([one.value for one in ANSWERABLE])
    )
    for occasion in session.scalars(open_now):
        if occasion.questionnaire not in asked:
            occasions.stop_for_good(session, occasion, reason=reason, now=now)
    return calendar.refresh(session, patient, now=now)


def _check(patient: Patient, version: StudyVersion) -> None:
    if version.study_id != patient.study_id:
        raise Conflict("that protocol version is of another study", field="version", value=version.version)
    if patient.status != PatientStatus.ENROLLED:
        raise Conflict(f"the patient is {patient.status}: the calendar is closed", field="patient")
    if version.id == patient.study_version_id:
        raise Conflict("the patient is on that version already", field="version", value=version.version)


def _check_confirmed(session: Session, version: StudyVersion) -> None:
    study = session.get_one(Study, version.study_id)
    if study.version_id == version.id and study.confirmed_by is None:
        raise Conflict(
            f"an investigator must confirm version {version.version} first", field="version", value=version.version
        )
