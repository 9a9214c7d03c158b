"""The shipped questionnaires as FHIR R4, judged by fhir.resources, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire as FhirQuestionnaire
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from workflows import fhir_response
from workflows.decisions import RuleViolation
from workflows.fhir_questionnaire import ASKED_WHEN, to_fhir
from workflows.protocol import ItemType, Questionnaire, StudyDesign
from workflows.protocol_file import read_design

URL = "https://vigilia.test/fhir/Questionnaire/daily"


@pytest.fixture(scope="module")
def design() -> StudyDesign:
    return read_design(Path(__file__).parents[2] / "workflows" / "protocols" / "nct01297972.yaml")


@pytest.fixture(scope="module")
def daily(design: StudyDesign) -> Questionnaire:
    return design.questionnaire("daily")


@pytest.mark.parametrize("key", ["daily", "weekly"])
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_fhir_resources_accepts_every_shipped_questionnaire(design: StudyDesign, key: str, language: str) -> None:
    resource = to_fhir(design.questionnaire(key), url=URL, language=language)
    read = FhirQuestionnaire(**resource)
    assert read.status == "active"
    keys = [item.linkId for item in read.item or []]
    assert [item.key for item in design.questionnaire(key).items] == [one for one in keys if not one.endswith(".none")]


def test_wording_is_in_the_language_asked_for(daily: Questionnaire) -> None:
    assert to_fhir(daily, url=URL, language="pt-BR")["item"][0]["text"] == "Qual é a sua temperatura agora?"
    assert to_fhir(daily, url=URL, language="xx")["item"][0]["text"] == "What is your temperature now?"


def by_link(daily: Questionnaire) -> dict[str, dict[str, Any]]:
    return {item["linkId"]: item for item in to_fhir(daily, url=URL)["item"]}


def test_a_condition_that_fhir_can_say_becomes_enable_when(daily: Questionnaire) -> None:
    items = by_link(daily)
    assert items["bleeding"]["enableWhen"] == [
        {"question": "signs", "operator": "=", "answerCoding": {"system": f"{URL}#signs", "code": "D"}}
    ]
    assert items["bleeding"]["required"]
    pills = items["antipyretic"]
    assert pills["enableBehavior"] == "any"
    assert {test["question"] for test in pills["enableWhen"]} == {"temp", "signs"}
    assert pills["enableWhen"][0]["answerQuantity"]["value"] == 37.0


def test_a_condition_that_fhir_cannot_say_is_kept_beside_an_item_that_is_not_required(daily: Questionnaire) -> None:
    where = by_link(daily)["temp_site"]
    assert "enableWhen" not in where and where["required"] is False
    assert [one["url"] for one in where["extension"]] == [ASKED_WHEN]


def response(**changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": URL + "|1",
        "subject": {"reference": "Patient/12"},
        "identifier": {"value": "phone-1"},
        "authored": "2026-03-20T08:10:00-03:00",
        "item": [{"linkId": "temp", "answer": [{"valueQuantity": {"value": 37.8, "code": "Cel"}}]}],
    } | changes


def test_the_header_says_whose_it_is() -> None:
    handed = fhir_response.read_header(response())
    assert (handed.questionnaire, handed.patient, handed.identifier) == ("daily", 12, "phone-1")
    assert handed.authored == datetime(2026, 3, 20, 11, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"resourceType": "Observation"}, "resourceType"),
        ({"status": "in-progress"}, "status"),
        ({"questionnaire": None}, "questionnaire"),
        ({"subject": {"reference": "Group/1"}}, "subject"),
        ({"subject": None}, "subject"),
        ({"identifier": None}, "identifier"),
        ({"authored": "2026-03-20"}, "authored"),
        ({"authored": None}, "authored"),
        ({"item": None}, "item"),
        ({"item": [{"answer": []}]}, "item.linkId"),
    ],
)
def test_a_header_that_is_wrong_names_its_element(change: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        fhir_response.read_header(response(**change))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("item", "typed"),
    [
        ({"linkId": "temp", "answer": [{"valueQuantity": {"value": 37.8, "code": "Cel"}}]}, {"temp": "37.8C"}),
        ({"linkId": "temp", "answer": [{"valueQuantity": {"value": 100.4, "code": "[degF]"}}]}, {"temp": "100.4F"}),
        ({"linkId": "temp", "answer": [{"valueDecimal": 38}]}, {"temp": "38"}),
        ({"linkId": "temp.none", "answer": [{"valueCoding": {"code": "no_thermometer"}}]}, {"temp": "NO"}),
        (
            {"linkId": "signs", "answer": [{"valueCoding": {"code": "A"}}, {"valueCoding": {"code": "D"}}]},
            {"signs": "A D"},
        ),
        ({"linkId": "doses", "answer": [{"valueCoding": {"code": "none"}}]}, {"doses": "3"}),
        ({"linkId": "group", "item": [{"linkId": "well", "answer": [{"valueCoding": {"code": "4"}}]}]}, {"well": "4"}),
    ],
)
def test_answers_become_what_a_patient_would_have_typed(
    daily: Questionnaire, item: dict[str, Any], typed: dict[str, str]
) -> None:
    handed = fhir_response.read_header(response(item=[item]))
    assert fhir_response.read_answers(daily, handed) == typed


@pytest.mark.parametrize(
    "item",
    [
        {"linkId": "nothing", "answer": [{"valueString": "x"}]},
        {"linkId": "temp", "answer": [{"valueQuantity": {"value": 310, "code": "K"}}]},
        {"linkId": "temp", "answer": [{"valueDecimal": True}]},
        {"linkId": "temp", "answer": [{"valueDecimal": float("nan")}]},
        {"linkId": "doses", "answer": [{"valueCoding": {"code": "some of them"}}]},
        {"linkId": "doses", "answer": [{"valueString": "all"}]},
        {"linkId": "doses"},
    ],
)
def test_answers_that_fit_no_question_are_refused(daily: Questionnaire, item: dict[str, Any]) -> None:
    handed = fhir_response.read_header(response(item=[item]))
    with pytest.raises(RuleViolation):
        fhir_response.read_answers(daily, handed)


def test_stored_answers_go_out_and_come_back(daily: Questionnaire) -> None:
    stored = [("temp", Decimal("37.8")), ("signs", ["A", "none"]), ("doses", "some"), ("unknown", "x")]
    resource = fhir_response.to_fhir(
        daily,
        stored,
        response_id=7,
        url=URL,
        patient=12,
        authored=datetime(2026, 3, 20, 11, 10, tzinfo=UTC),
    )
    QuestionnaireResponse(**resource)
    handed = fhir_response.read_header(resource | {"identifier": {"value": "x"}})
    assert fhir_response.read_answers(daily, handed) == {"temp": "37.8C", "signs": "A N", "doses": "2"}


def test_no_thermometer_goes_out_as_the_choice_beside_the_question(daily: Questionnaire) -> None:
    resource = fhir_response.to_fhir(
        daily,
        [("temp", "no_thermometer")],
        response_id=7,
        url=URL,
        patient=12,
        authored=datetime(2026, 3, 20, tzinfo=UTC),
        by_staff=True,
    )
    QuestionnaireResponse(**resource)
    assert resource["item"][0]["linkId"] == "temp.none"
    assert resource["source"] == {"display": "care team"}


@pytest.mark.parametrize("key", ["daily", "weekly"])
def test_every_answer_of_a_whole_form_goes_out_and_comes_back(design: StudyDesign, key: str) -> None:
    form = design.questionnaire(key)
    plain = {ItemType.TEMPERATURE: Decimal("36.9"), ItemType.NUMBER: Decimal(40), ItemType.TEXT: "chá de boldo"}
    stored = [
        (item.key, plain.get(item.type, [item.choices[0].value] if item.type is ItemType.LETTERS else None)
         or item.choices[0].value)
        for item in form.items
    ]  # fmt: skip
    resource = fhir_response.to_fhir(
        form, stored, response_id=7, url=URL.replace("daily", key), patient=12,
        authored=datetime(2026, 3, 20, 11, 10, tzinfo=UTC),
    )  # fmt: skip
    QuestionnaireResponse(**resource)
    handed = fhir_response.read_header(resource | {"identifier": {"value": "x"}})
    typed = fhir_response.read_answers(form, handed)
    assert set(typed) == {item.key for item in form.items}
    for item in form.items:
        expected = plain.get(item.type, item.choices[0].code if item.choices else None)
        back = typed[item.key].removesuffix("C") if item.type is ItemType.TEMPERATURE else typed[item.key]
        assert (Decimal(back) if isinstance(expected, Decimal) else back) == expected, item.key
