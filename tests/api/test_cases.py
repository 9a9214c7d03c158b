"""Cases, tasks, messages and laboratory values over the API."""

from __future__ import annotations

from typing import Any

import pytest

from service.models import AlertLog, Patient, Staff
from service.security import Role
from service.use_cases import alerts, tasks


@pytest.fixture
def case(world: Any, patient: Any) -> int:
    """A red report of the patient, paged."""
    with world.runtime.db.unit_of_work() as session:
        row = session.get_one(Patient, patient["id"])
        now = world.runtime.clock.now()
        alert = alerts.open_or_join(
            session, row, source="test:1", level="red", hits=["T-RED"], reported_at=now, summary={}, now=now
        )
        number = alert.id
    world.settle()
    return number


def test_an_open_case_is_listed_taken_and_closed(api: Any, patient: Any, case: int, world: Any) -> None:
    listed = api.get("/alerts?status=open")["items"]
    assert [(row["id"], row["patient"]) for row in listed] == [(case, {"id": patient["id"], "code": "P-010"})]
    staff = {row["name"]: row["id"] for row in api.get("/staff")["items"]}
    taken = api.post(f"/alerts/{case}/acknowledge", {"staff": staff["Dr. Reis"]})
    assert taken["first"] and taken["by"]["name"] == "Dr. Reis" and taken["status"] == "acknowledged"
    second = api.post(f"/alerts/{case}/acknowledge", {"staff": staff["Dr. Lima"]})
    assert not second["first"] and second["by"]["name"] == "Dr. Reis" and second["at"] == taken["at"]
    assert api.get("/alerts?status=open")["items"] == []
    shown = api.get(f"/alerts/{case}")
    assert shown["acknowledged_via"] == "api" and shown["acknowledged_by"]["name"] == "Dr. Reis"
    assert any(line["event"].startswith("ack") for line in shown["log"])
    closed = api.post(f"/alerts/{case}/outcome", {"outcome": "sent_to_er", "staff": staff["Dr. Reis"]})
    assert closed["status"] == "closed" and closed["outcome"] == "sent_to_er" and closed["closed_at"]
    world.advance(hours=1)
    assert api.get(f"/messages?alert={case}&status=ready")["items"] == []


def test_without_a_name_the_tokens_own_person_takes_it(api: Any, case: int, world: Any) -> None:
    first = api.client.post(f"/api/v1/alerts/{case}/acknowledge", headers={"Authorization": f"Bearer {api.token}"})
    assert first.status_code == 200 and first.get_json()["by"]["name"] == "test"
    assert api.post(f"/alerts/{case}/outcome", {"outcome": "other", "text": "seen"})["status"] == "closed"
    with world.runtime.db.reading() as session:
        person = session.query(Staff).filter_by(name="test").one()
        assert not person.active and person.password_hash is None
        assert session.query(AlertLog).filter_by(alert_id=case, actor=f"staff:{person.id}").count()


def test_a_case_is_passed_on(api: Any, case: int) -> None:
    staff = {row["name"]: row["id"] for row in api.get("/staff")["items"]}
    assert api.post(f"/alerts/{case}/pass-on", {"staff": staff["Dr. Reis"]})["status"] == "open"


def test_a_case_is_handed_over_noted_and_opened_again(api: Any, case: int, world: Any) -> None:
    staff = {row["name"]: row["id"] for row in api.get("/staff")["items"]}
    api.post(f"/alerts/{case}/acknowledge", {"staff": staff["Dr. Reis"]})
    nobody = api.post(f"/alerts/{case}/hand-over", {"staff": staff["Dr. Reis"], "to": staff["Dr. Reis"]}, status=422)
    assert nobody["field"] == "to"
    offered = api.post(f"/alerts/{case}/hand-over", {"staff": staff["Dr. Reis"], "to": staff["Dr. Prado"]})
    assert offered["status"] == "open"
    world.settle()
    world.phone("Dr. Prado").expects(offered["case"])
    assert api.post(f"/alerts/{case}/acknowledge", {"staff": staff["Dr. Prado"]})["first"]
    noted = api.post(f"/alerts/{case}/notes", {"staff": staff["Dr. Prado"], "text": "on the way"})
    assert noted["log"][-1]["event"] == "note" and noted["log"][-1]["detail"] == {"note": "on the way"}
    assert api.post(f"/alerts/{case}/reopen", {})["status"] == "open"
    api.post(f"/alerts/{case}/reopen", {}, status=422)
    world.settle()
    world.phone("Dr. Reis").expects(offered["case"])


@pytest.mark.parametrize(
    ("body", "field", "status"),
    [
        ({"outcome": "cured"}, "outcome", 422),
        ({}, "outcome", 422),
        ({"outcome": "other"}, "text", 422),
        ({"outcome": "other", "text": "x", "staff": 999999}, "staff", 404),
        ({"outcome": "other", "text": "x", "staff": "me"}, "staff", 422),
        ({"outcome": "other", "text": "x", "staff": 2**64}, "staff", 422),
    ],
)
def test_an_outcome_that_cannot_be(api: Any, case: int, body: dict[str, Any], field: str, status: int) -> None:
    assert api.post(f"/alerts/{case}/outcome", body, status)["field"] == field


@pytest.mark.parametrize("number", ["0", "77", str(2**63)])
def test_a_case_that_is_not_there(api: Any, number: str) -> None:
    api.get(f"/alerts/{number}", 404)
    api.post(f"/alerts/{number}/acknowledge", status=404)
    api.post(f"/alerts/{number}/outcome", {"outcome": "sent_to_er"}, 404)


def test_a_monitor_and_another_site_take_nothing(caller: Any, case: int) -> None:
    monitor = caller(Role.MONITOR)
    assert monitor.get(f"/alerts/{case}")["status"] == "open"
    monitor.post(f"/alerts/{case}/acknowledge", status=403)
    caller(Role.ADMIN, site=None).post(
        "/sites",
        {"study": "NCT01297972", "code": "SP", "name": "Sao Paulo", "telephone": "(11) 3061-0000", "place": "Clinica"},
        201,
    )
    other = caller(Role.CLINICIAN, site="SP")
    other.get(f"/alerts/{case}", 403)
    other.post(f"/alerts/{case}/acknowledge", status=403)
    assert other.get("/alerts")["items"] == [] and other.get("/messages")["items"] == []


def test_what_was_sent_has_a_state_and_no_text(api: Any, patient: Any, case: int) -> None:
    rows = api.get(f"/messages?patient={patient['id']}")["items"]
    assert {"welcome", "red"} <= {row["template"] for row in rows}
    assert rows == api.get("/messages?patient=P-010")["items"]
    for row in rows:
        assert "body" not in row and "fields" not in row
        assert "220010" not in row["address"] and row["address"].endswith("10")
    pages = api.get(f"/messages?alert={case}")["items"]
    assert any(row["kind"] == "page" and row["status"] in ("sent", "delivered", "accepted") for row in pages)
    assert api.get("/messages?patient=P-999", 404)["field"] == "patient"
    assert api.get("/messages?patient=" + "9" * 25, 404)["field"] == "patient"
    assert api.get("/messages?status=gone", 422)["field"] == "status"


def test_tasks_are_listed(api: Any, patient: Any, world: Any) -> None:
    with world.runtime.db.unit_of_work() as session:
        row = session.get_one(Patient, patient["id"])
        now = world.runtime.clock.now()
        tasks.open_task(session, kind="call", level="amber", now=now, patient=row, dedupe="x", rules=("T-NONE",))
    found = api.get(f"/tasks?status=open&patient={patient['id']}")["items"]
    assert [(one["kind"], one["rules"], one["status"]) for one in found] == [("call", ["T-NONE"], "open")]
    assert api.get("/tasks?status=done")["items"] == []


CSA = {"code": "csa", "value": "412", "unit": "ng/mL", "drawn_on": "2026-03-02"}


@pytest.fixture
def labs(patient: Any) -> str:
    return f"/patients/{patient['id']}/observations"


@pytest.mark.parametrize(
    ("given", "value", "unit"),
    [
        ({}, "412", "ng/mL"),
        ({"unit": "ug/L"}, "412", "ng/mL"),
        ({"value": 180.5}, "180.5", "ng/mL"),
        ({"code": "hb", "value": "85", "unit": "g/L"}, "8.5", "g/dL"),
        ({"code": "anc", "value": "0.21", "unit": "10^9/L"}, "210", "/mm3"),
        ({"code": "platelets", "value": 21000, "unit": "/mm³"}, "21000", "/mm3"),
    ],
)
def test_a_value_is_kept_in_its_tests_unit(api: Any, labs: str, given: dict[str, Any], value: str, unit: str) -> None:
    row = api.post(labs, CSA | given, 201)
    assert (row["value"], row["unit"]) == (value, unit)
    assert api.get(f"{labs}?code={row['code']}")["items"] == [row]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"unit": "mg/dL"}, "unit"),
        ({"unit": "ng"}, "unit"),
        ({"value": "5"}, "value"),
        ({"value": "5000"}, "value"),
        ({"value": "-1"}, "value"),
        ({"value": "NaN"}, "value"),
        ({"value": "1e400"}, "value"),
        ({"value": "４１２"}, "value"),
        ({"value": True}, "value"),
        ({"code": "love"}, "code"),
        ({"drawn_on": None}, "drawn_on"),
        ({"drawn_on": "2026-03-03"}, "drawn_on"),
        ({"drawn_at": "2026-03-01T08:00:00-03:00"}, "drawn_at"),
        ({"last_dose_at": "2026-03-01T20:00:00-03:00"}, "last_dose_at"),
        ({"corrects": 5, "reason": " "}, "reason"),
    ],
)
def test_a_value_that_cannot_be_names_its_field(api: Any, labs: str, change: dict[str, Any], field: str) -> None:
    assert api.post(labs, CSA | change, 422)["field"] == field
    assert api.get(labs)["items"] == []


def test_a_trough_is_drawn_eleven_to_thirteen_hours_after_the_dose(api: Any, labs: str) -> None:
    times = {"drawn_at": "2026-03-02T07:30:00-03:00", "last_dose_at": "2026-03-01T19:30:00-03:00"}
    assert api.post(labs, CSA | times, 201)["is_trough"] is True
    assert api.post(labs, CSA | times | {"last_dose_at": "2026-03-02T06:00:00-03:00"}, 201)["is_trough"] is False
    assert api.post(labs, CSA, 201)["is_trough"] is None


def test_a_correction_is_a_new_row_with_its_reason(api: Any, labs: str) -> None:
    wrong = api.post(labs, CSA, 201)
    fix = CSA | {"value": "212", "corrects": wrong["id"]}
    assert api.post(labs, fix, 422)["field"] == "reason"
    right = api.post(labs, fix | {"reason": "typing error"}, 201)
    assert right["corrects"] == wrong["id"]
    assert [row["value"] for row in api.get(labs)["items"]] == ["412", "212"]
    assert api.post(labs, fix | {"reason": "again"}, 409)["field"] == "corrects"
    assert api.post(labs, fix | {"corrects": 9999, "reason": "x"}, 404)["field"] == "corrects"


def test_a_value_belongs_to_a_visit(api: Any, labs: str) -> None:
    assert api.post(labs, CSA | {"visit": "ENR"}, 201)["id"]
    assert api.post(labs, CSA | {"visit": "W99"}, 404)["field"] == "visit"
