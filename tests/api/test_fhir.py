"""FHIR over HTTP: a questionnaire out, a response in and out, judged by fhir.resources."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.questionnaire import Questionnaire
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from service.models import Response
from service.security import Role

HERE = "/fhir/QuestionnaireResponse"


def filled(patient: int, value: float = 36.5, identifier: str = "f-1", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": "https://vigilia.test/fhir/Questionnaire/daily|1",
        "identifier": {"value": identifier},
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "authored": "2026-03-09T08:20:00-03:00",
        "item": [
            {"linkId": "temp", "answer": [{"valueQuantity": {"value": value, "code": "Cel"}}]},
            {"linkId": "temp_site", "answer": [{"valueCoding": {"code": "armpit"}}]},
        ],
    } | changes


@pytest.fixture
def number(world: Any) -> int:
    """A patient on the morning of the first daily questions."""
    found: int = world.enrol("P-001")
    world.advance_to_local(8, 30, days=7)
    return found


def test_a_questionnaire_goes_out_in_the_language_asked_for(api: Any) -> None:
    answer = api.call("GET", "/fhir/Questionnaire/daily?_language=pt-BR", 200)
    assert answer.content_type == "application/fhir+json"
    read = Questionnaire(**answer.get_json())
    assert read.url == "https://vigilia.test/fhir/Questionnaire/daily" and read.language == "pt-BR"
    missing = api.call("GET", "/fhir/Questionnaire/none", 404)
    assert OperationOutcome(**missing.get_json()).issue[0].code == "not-found"


def test_a_response_comes_in_once_and_goes_out_again(api: Any, number: int, world: Any) -> None:
    first = api.call("POST", HERE, 201, json=filled(number))
    again = api.call("POST", HERE, 201, json=filled(number))
    assert again.headers["Location"] == first.headers["Location"]
    with world.runtime.db.reading() as session:
        assert session.query(Response).count() == 2
    out = api.call("GET", first.headers["Location"], 200).get_json()
    read = QuestionnaireResponse(**out)
    assert read.subject.reference == f"Patient/{number}"
    assert out["item"][0]["answer"] == [
        {"valueQuantity": {"value": 36.5, "unit": "Cel", "system": "http://unitsofmeasure.org", "code": "Cel"}}
    ]
    found = api.call("GET", f"{HERE}?subject=Patient/{number}&questionnaire=daily", 200).get_json()
    assert Bundle(**found).total == 1 and found["entry"][0]["resource"] == out
    assert api.call("GET", f"{HERE}?subject=Patient/{number}&questionnaire=weekly", 200).get_json()["total"] == 0


def test_a_fever_in_fhir_pages_like_any_other(api: Any, number: int, world: Any) -> None:
    answer = api.call("POST", HERE, 201, json=filled(number, 38.9))
    assert "red" in answer.get_json()["issue"][0]["diagnostics"]
    world.settle()
    world.phone("Dr. Reis").expects("P-001")


def test_with_no_occasion_open_a_fever_is_heard_and_the_sender_is_told(api: Any, world: Any) -> None:
    patient = world.enrol("P-001")
    body = filled(patient, 39.0, authored="2026-03-02T07:50:00-03:00")
    api.call("POST", HERE, 409, json=body)
    api.call("POST", HERE, 409, json=body)
    world.settle()
    world.phone("Dr. Reis").expects("P-001")
    assert len(world.alerts("P-001")) == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"status": "in-progress"}, 422),
        ({"questionnaire": "https://vigilia.test/fhir/Questionnaire/none"}, 404),
        ({"subject": {"reference": "Patient/999"}}, 404),
        ({"subject": {"reference": "Patient/" + "9" * 18}}, 404),
        ({"identifier": {"value": "a\x00"}}, 422),
        ({"item": [{"linkId": "shoe", "answer": [{"valueString": "42"}]}]}, 422),
        ({"item": [{"linkId": "temp", "answer": [{"valueQuantity": {"value": 310, "code": "K"}}]}]}, 422),
        ({"item": [{"linkId": "temp", "answer": [{"valueQuantity": {"value": 99, "code": "Cel"}}]}]}, 422),
        ({"item": []}, 422),
    ],
)
def test_a_response_that_cannot_be_is_an_operation_outcome(
    api: Any, number: int, change: dict[str, Any], status: int
) -> None:
    answer = api.call("POST", HERE, status, json=filled(number) | change)
    assert OperationOutcome(**answer.get_json()).issue[0].severity == "error"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff"])
def test_a_body_that_is_no_resource(api: Any, body: bytes) -> None:
    answer = api.call("POST", HERE, data=body, content_type="application/fhir+json")
    assert answer.status_code in (400, 422) and OperationOutcome(**answer.get_json())


def test_fhir_needs_a_token_and_the_right_site(caller: Any, number: int) -> None:
    nobody = caller(None)
    assert nobody.call("GET", "/fhir/Questionnaire/daily", 401).headers["WWW-Authenticate"]
    nobody.call("POST", HERE, 401, json=filled(number))
    caller(Role.MONITOR).call("POST", HERE, 403, json=filled(number))
    caller(Role.MONITOR).call("GET", f"{HERE}/{10**17}", 404)
    caller(Role.MONITOR).call("GET", f"{HERE}?subject=me", 422)
