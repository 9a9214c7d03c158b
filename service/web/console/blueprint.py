"""The console's blueprint, who may see it and who may change things."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy.orm import Session

from service.access import allow, check_patient, check_site
from service.errors import NotFound
from service.models import Patient, Task, Visit
from service.security import Role
from service.use_cases import patients
from service.web import words
from service.web.base import page

console = page(Blueprint("console", __name__))
console.add_app_template_global(words.term, "term")

readers = allow(Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR)
workers = allow(Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR)
planners = allow(Role.COORDINATOR, Role.INVESTIGATOR)


def patient_of(session: Session, patient_id: int) -> Patient:
    """The patient, of one's own site; NotFound or Forbidden."""
    found = patients.get(session, patient_id)
    check_patient(found)
    return found


def visit_of(session: Session, visit_id: int) -> Visit:
    """The visit, of one's own site; NotFound or Forbidden."""
    found = session.get(Visit, visit_id)
    if found is None:
        raise NotFound("there is no such visit")
    check_patient(found.patient)
    return found


def task_of(session: Session, task_id: int) -> Task:
    """The task, of one's own site; NotFound or Forbidden."""
    found = session.get(Task, task_id)
    if found is None:
        raise NotFound("there is no such task")
    check_site(found.site_id)
    return found
