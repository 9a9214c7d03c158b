"""Patients: enrolled, listed, changed; their calendar and their status."""

from __future__ import annotations

from typing import Any

from service import access
from service.access import allow
from service.api import edge
from service.api import patient_schemas as s
from service.api import shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.models import Patient, Study
from service.security import Role
from service.use_cases import calendar, compliance, enrolment, feeds, lists, patients

blp = Blueprint("patients", __name__, description="Patients, their calendar and their status")

READERS = (Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR)
CARERS = (Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR)


def found(work: Work, patient_id: int) -> Patient:
    """The patient, if who asks may know of them."""
    patient = patients.get(work.session, patient_id)
    access.check_patient(patient)
    return patient


def asked_site(work: Work, code: str | None, study: Study | None = None) -> int | None:
    """The site that a list is about: the one asked for, else the token's; None: every site."""
    if code is None:
        return work.actor.site_id
    site = lists.site_by_code(work.session, code, study)
    access.check_site(site.id)
    return site.id


@blp.on("POST", "/patients")
@allow(Role.COORDINATOR, Role.INVESTIGATOR)
@blp.takes(s.NewPatientSchema)
@edge.writes(blp, s.EnrolledSchema, 201, headers={"Location": {"schema": {"type": "string"}}})
def enrol_patient(work: Work, given: dict[str, Any]) -> dict[str, Any]:
    """Enrol a patient: calendar, reminders and questionnaires are planned in the same transaction."""
    study = lists.study_by_code(work.session, given["study"])
    site = lists.site_by_code(work.session, given["site"], study)
    access.check_site(site.id)
    new = enrolment.NewPatient(
        study=study,
        site=site,
        code=given["code"],
        phone=given["phone"],
        language=given["language"],
        timezone=given["timezone"] or site.timezone,
        enrolled_on=given["enrolled_on"],
        weight_kg=given.get("weight_kg"),
        channel=given["channel"],
        next_of_kin=given["next_of_kin"],
    )
    patient = enrolment.enrol_patient(work.session, new, actor=work.name, now=work.now)
    work.headers["Location"] = f"/api/v1/patients/{patient.id}"
    return {
        "id": patient.id,
        "code": patient.code,
        "calendar": calendar.as_rows(work.session, patient),
        "feed": feeds.address_of(patient.feed_token),
    }


@blp.on("GET", "/patients")
@allow(*READERS, patient=True)
@blp.asks(s.PatientQuery)
@edge.reads(blp, s.PatientPage)
def list_patients(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """Patients of the token's site, oldest first."""
    study = lists.study_by_code(work.session, query["study"]) if query["study"] else None
    rows = lists.patients(
        work.session,
        site_id=asked_site(work, query["site"], study),
        study_id=study.id if study else None,
        status=query["status"],
        code=query["code"],
        only=work.actor.patient_id,
        after=edge.after(query["cursor"]),
        limit=query["limit"],
    )
    return edge.page(rows, query["limit"], shapes.patient)


@blp.on("GET", "/patients/<int:patient_id>")
@allow(*READERS, patient=True)
@edge.reads(blp, s.PatientSchema)
def get_patient(work: Work, patient_id: int) -> dict[str, Any]:
    """One patient."""
    return shapes.patient(found(work, patient_id))


@blp.on("PATCH", "/patients/<int:patient_id>")
@allow(*CARERS)
@blp.takes(s.PatientChangeSchema)
@edge.writes(blp, s.PatientSchema)
def change_patient(work: Work, given: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """Change a telephone, a channel, a consent, an opt-out or the next of kin, with the reason."""
    patient = found(work, patient_id)
    changes = {name: value for name, value in given.items() if name != "reason"}
    patients.update(work.session, patient, reason=given["reason"], actor=work.name, now=work.now, **changes)
    return shapes.patient(patient)


@blp.on("POST", "/patients/<int:patient_id>/status")
@allow(*CARERS)
@blp.takes(s.StatusSchema)
@edge.writes(blp, s.PatientSchema)
def set_status(work: Work, given: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """Admitted, discharged, withdrawn, died or completed. What must stop, stops before the next send."""
    patient = found(work, patient_id)
    patients.set_status(
        work.session,
        patient,
        status=given["status"],
        on=given["on"],
        reason=given["reason"],
        actor=work.name,
        now=work.now,
    )
    return shapes.patient(patient)


@blp.on("GET", "/patients/<int:patient_id>/calendar")
@allow(*READERS, patient=True)
@edge.reads(blp, s.VisitSchema(many=True))
def get_calendar(work: Work, patient_id: int) -> list[dict[str, Any]]:
    """Every visit, by date, with how far it is."""
    return calendar.as_rows(work.session, found(work, patient_id))


@blp.on("GET", "/patients/<int:patient_id>/compliance")
@allow(*READERS)
@edge.reads(blp, s.ComplianceSchema(many=True))
def get_compliance(work: Work, patient_id: int) -> list[dict[str, Any]]:
    """Occasions due, answered, late and missed, by questionnaire. Missing never means normal."""
    return [vars(one) for one in compliance.of_patient(work.session, found(work, patient_id))]
