"""FHIR R4: questionnaires out, responses in and out. Errors are OperationOutcomes.

https://hl7.org/fhir/R4/http.html. Bearer tokens as in `/api/v1`; one questionnaire of one study's newest version a key.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from service import access, runtime
from service.access import allow
from service.api.fields import is_clean
from service.errors import Conflict, NotFound, Problem
from service.models import Occasion, Patient
from service.runtime import Runtime
from service.security import Role
from service.use_cases import fhir, lists, patients, studies
from workflows import fhir_questionnaire, fhir_response
from workflows.decisions import RuleViolation
from workflows.protocol import Questionnaire

blp = Blueprint("fhir", __name__, url_prefix="/fhir")

MEDIA_TYPE = "application/fhir+json"
MOST = 200
ISSUES = {404: "not-found", 401: "login", 403: "forbidden", 409: "conflict", 415: "not-supported", 422: "invalid"}
READERS = (Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR)
CARERS = (Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR)


def _answer(body: dict[str, Any], status: int = 200, **headers: str) -> Response:
    response = Response(json.dumps(body), status=status, content_type=MEDIA_TYPE)
    response.headers.extend({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def _outcome(status: int, text: str, expression: str = "") -> Response:
    issue: dict[str, Any] = {"severity": "error", "code": ISSUES.get(status, "processing"), "diagnostics": text}
    if expression:
        issue["expression"] = [f"QuestionnaireResponse.{expression}"]
    response = _answer({"resourceType": "OperationOutcome", "issue": [issue]}, status)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="vigilia"'
    return response


def _from_http(error: HTTPException) -> Response:
    return _outcome(error.code or 500, error.description or error.name)


blp.register_error_handler(Problem, lambda error: _outcome(int(error.status), error.detail, error.field))
blp.register_error_handler(RuleViolation, lambda error: _outcome(422, f"{error.field}: {error.message}", error.field))
blp.register_error_handler(HTTPException, _from_http)
blp.register_error_handler(IntegrityError, lambda error: _outcome(409, "it came twice at once: send it again"))


def _url(running: Runtime, key: str) -> str:
    return f"{running.config.public_url.rstrip('/')}/fhir/Questionnaire/{key}"


def _language() -> str:
    """The `_language` parameter, else what the caller accepts among ours."""
    wanted = request.args.get("_language", "")
    return wanted if wanted in ("en", "pt-BR") else request.accept_languages.best_match(["en", "pt-BR"]) or "en"


def _questionnaire(session: Session, patient: Patient, key: str) -> Questionnaire:
    try:
        return studies.design_for(session, patient).questionnaire(key)
    except KeyError:
        raise NotFound("no such questionnaire", field="questionnaire", value=key) from None


@blp.get("/Questionnaire/<key>")
@allow(*READERS, patient=True)
def get_questionnaire(key: str) -> Response:
    """A questionnaire of the studies that run here, newest version; `study` says which where several have it."""
    running = runtime.current()
    with running.db.reading() as session:
        found = fhir.questionnaire(session, key, request.args.get("study"))
    resource = fhir_questionnaire.to_fhir(found, url=_url(running, key), language=_language())
    return _answer(resource)


@blp.post("/QuestionnaireResponse")
@allow(*CARERS, patient=True)
def take_response() -> Response:
    """Answers of the occasion that is open. The identifier makes it idempotent: the same again gets the same answer."""
    body = request.get_json(force=True)
    _check(body)
    handed = fhir_response.read_header(body)
    running = runtime.current()
    now = running.clock.now()
    with running.db.unit_of_work() as session:
        patient = patients.get(session, handed.patient)
        access.check_patient(patient)
        form = _questionnaire(session, patient, handed.questionnaire)
        answers = fhir_response.read_answers(form, handed)
        taken = fhir.take(session, patient, form, handed, answers, now=now)
        location = f"/fhir/QuestionnaireResponse/{taken.occasion_id}" if taken.occasion_id else ""
    if not taken.counts:
        raise Conflict(f"no {handed.questionnaire} is open for this patient; a fever in it was heard", field="authored")
    text = f"level {taken.level}"
    done = {"severity": "information", "code": "informational", "diagnostics": text}
    return _answer({"resourceType": "OperationOutcome", "issue": [done]}, 201, Location=location)


@blp.get("/QuestionnaireResponse/<int:number>")
@allow(*READERS, patient=True)
def get_response(number: int) -> Response:
    """The answers of one occasion."""
    running = runtime.current()
    with running.db.reading() as session:
        occasion = lists.find(session, Occasion, number)
        access.check_patient(occasion.patient)
        resource = _resource(running, session, occasion)
    return _answer(resource)


@blp.get("/QuestionnaireResponse")
@allow(*READERS, patient=True)
def search_responses() -> Response:
    """A patient's answered occasions as a searchset: `subject` (Patient/12) and, if wanted, `questionnaire` (a key)."""
    number = request.args.get("subject", "").rpartition("Patient/")[2]
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Problem("say whose, as Patient/12", field="subject")
    key = request.args.get("questionnaire", "").partition("|")[0].rpartition("/")[2] or None
    running = runtime.current()
    with running.db.reading() as session:
        patient = patients.get(session, int(number))
        access.check_patient(patient)
        rows = fhir.answered(session, patient, key, limit=MOST)
        entries = [{"resource": _resource(running, session, row)} for row in rows]
    return _answer({"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries})


def _resource(running: Runtime, session: Session, occasion: Occasion) -> dict[str, Any]:
    form = _questionnaire(session, occasion.patient, occasion.questionnaire)
    answers = fhir.answers_of(session, occasion)
    if not answers.values:
        raise NotFound("this occasion has no answers", field="id", value=occasion.id)
    return fhir_response.to_fhir(
        form,
        answers.values,
        response_id=occasion.id,
        url=_url(running, form.key),
        patient=occasion.patient_id,
        authored=answers.authored,
        by_staff=answers.by_staff,
        language=_language(),
    )


def _check(value: Any, depth: int = 0) -> None:
    """Problem for strings that no column can hold, and for nesting that nobody means."""
    if depth > 30:
        raise Problem("is nested too deep", field="item")
    if isinstance(value, str) and (len(value) > 5000 or not is_clean(value, lines=True)):
        raise Problem("control signs are not allowed", field="item")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _check(part, depth + 1)
