"""Enrolment, lists, status and changes over the API."""

from __future__ import annotations

from typing import Any

import pytest

from service.models import AuditEntry, Patient
from service.security import Role
from tests.api.conftest import NEW


def test_enrolment_answers_the_whole_calendar(api: Any, patient: Any) -> None:
    calendar = patient["calendar"]
    codes = [visit["code"] for visit in calendar]
    assert codes[0] == "ENR" and {"BASE", "ATG1", "INF1", "W01", "W26", "EOS"} <= set(codes)
    infusion = next(visit for visit in calendar if visit["code"] == "INF1")
    assert infusion["date"] == "2026-03-16" and infusion["projected"] is True and infusion["status"] == "planned"
    assert set(infusion) >= {"label", "anchor", "window_start", "window_end", "merged_into", "flags"}
    assert calendar == sorted(calendar, key=lambda visit: visit["date"])
    assert api.get(f"/patients/{patient['id']}/calendar") == calendar


def test_enrolment_answers_where_the_patient_is(api: Any) -> None:
    response = api.call("POST", "/patients", 201, json=NEW)
    assert api.get(response.headers["Location"])["code"] == "P-010"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"phone": "+5516992220010\x00"}, "phone"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"enrolled_on": "2026-02-30"}, "enrolled_on"),
        ({"enrolled_on": "1999-01-01"}, "enrolled_on"),
        ({"enrolled_on": "9999-12-31"}, "enrolled_on"),
        ({"enrolled_on": 20260302}, "enrolled_on"),
        ({"code": ""}, "code"),
        ({"code": "a\x00b"}, "code"),
        ({"code": "\ud800"}, "code"),
        ({"code": "P" * 99}, "code"),
        ({"weight_kg": "heavy"}, "weight_kg"),
        ({"weight_kg": 5000}, "weight_kg"),
        ({"language": "tlh"}, "language"),
        ({"channel": "pigeon"}, "channel"),
        ({"unknown": 1}, "unknown"),
        ({"phone": None}, "phone"),
    ],
)
def test_what_is_wrong_is_named(api: Any, change: dict[str, Any], field: str) -> None:
    problem = api.post("/patients", NEW | change, 422)
    assert problem["field"] == field, problem
    assert api.get("/patients")["items"] == []


def test_every_missing_field_is_named_at_once(api: Any) -> None:
    problem = api.post("/patients", {}, 422)
    assert {error["field"] for error in problem["errors"]} >= {"study", "site", "code", "phone", "enrolled_on"}


def test_a_code_twice_is_a_conflict_that_names_the_code(api: Any, patient: Any) -> None:
    problem = api.post("/patients", NEW | {"phone": "+5516992220011"}, 409)
    assert problem["field"] == "code" and problem["value"] == "P-010"


@pytest.mark.parametrize(("change", "field"), [({"study": "NCT0"}, "study"), ({"site": "XX"}, "site")])
def test_an_unknown_study_or_site_is_not_found(api: Any, change: dict[str, Any], field: str) -> None:
    assert api.post("/patients", NEW | change, 404)["field"] == field


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"code": NaN}'])
def test_a_body_that_is_no_object_is_refused(api: Any, body: bytes) -> None:
    response = api.call("POST", "/patients", data=body, content_type="application/json")
    assert response.status_code in (400, 422)


def test_another_media_type_is_refused(api: Any) -> None:
    assert api.call("POST", "/patients", data=b"<a/>", content_type="text/xml").status_code in (415, 422)


def test_the_list_goes_on_by_its_cursor(api: Any) -> None:
    for number in range(3):
        api.post("/patients", NEW | {"code": f"P-1{number}", "phone": f"+551699222010{number}"}, 201)
    first = api.get("/patients?limit=2")
    assert [row["code"] for row in first["items"]] == ["P-10", "P-11"] and first["next"]
    second = api.get(f"/patients?limit=2&cursor={first['next']}")
    assert [row["code"] for row in second["items"]] == ["P-12"] and second["next"] is None


WRONG = ["limit=0", "limit=201", "limit=x", "cursor=!!", "cursor=LTU", "status=gone", "stauts=enrolled"]


@pytest.mark.parametrize("query", WRONG)
def test_a_query_that_is_wrong_is_named(api: Any, query: str) -> None:
    assert api.get(f"/patients?{query}", 422)["field"] == query.partition("=")[0]


def test_a_list_is_narrowed(api: Any, patient: Any) -> None:
    for query in ("site=RP", "study=NCT01297972", "status=enrolled", "code=P-010", "site=RP&code=P-010"):
        assert [row["id"] for row in api.get(f"/patients?{query}")["items"]] == [patient["id"]]
    assert api.get("/patients?status=died")["items"] == []
    assert api.get("/patients?site=XX", 404)["field"] == "site"


@pytest.mark.parametrize("number", ["0", "999999", str(2**63 - 1), str(2**63), "9" * 60])
def test_a_number_that_no_patient_has_is_not_found(api: Any, number: str) -> None:
    for path in ("", "/calendar", "/occasions", "/observations"):
        assert api.get(f"/patients/{number}{path}", 404)["status"] == 404


def test_a_change_needs_its_reason_and_is_audited(api: Any, patient: Any, world: Any) -> None:
    path = f"/patients/{patient['id']}"
    assert api.patch(path, {"channel": "whatsapp"}, 422)["field"] == "reason"
    assert api.patch(path, {"reason": "because"}, 422)["detail"]
    changed = api.patch(path, {"channel": "whatsapp", "opted_out": "reminders", "reason": "asked on the phone"})
    assert (changed["channel"], changed["opted_out"]) == ("whatsapp", "reminders")
    with world.runtime.db.reading() as session:
        entry = session.query(AuditEntry).filter_by(action="patient:change").one()
    assert entry.actor.startswith("token:") and entry.detail["reason"] == "asked on the phone"


def test_a_bad_phone_in_a_change_is_named_and_nothing_changes(api: Any, patient: Any) -> None:
    path = f"/patients/{patient['id']}"
    assert api.patch(path, {"phone": "123", "reason": "new phone"}, 422)["field"] == "phone"
    assert api.get(path)["phone"] == NEW["phone"]


def test_withdrawal_cancels_what_is_to_come(api: Any, patient: Any) -> None:
    path = f"/patients/{patient['id']}"
    assert api.post(path + "/status", {"status": "withdrawn", "on": "2026-03-02"}, 422)["field"] == "reason"
    body = {"status": "withdrawn", "on": "2026-03-02", "reason": "moved away"}
    assert api.post(path + "/status", body)["status"] == "withdrawn"
    statuses = {visit["code"]: visit["status"] for visit in api.get(path + "/calendar")}
    assert statuses["W01"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "gone", "on": "2026-03-02", "reason": "x"}, "status"),
        ({"status": "died", "on": "2027-01-01", "reason": "x"}, "on"),
        ({"status": "died", "on": "2025-01-01", "reason": "x"}, "on"),
        ({"status": "died", "on": "2026-13-01", "reason": "x"}, "on"),
    ],
)
def test_a_status_that_cannot_be_names_its_field(api: Any, patient: Any, body: dict[str, str], field: str) -> None:
    assert api.post(f"/patients/{patient['id']}/status", body, 422)["field"] == field


def test_admission_and_discharge(api: Any, patient: Any) -> None:
    path = f"/patients/{patient['id']}/status"
    assert api.post(path, {"status": "admitted", "on": "2026-03-02"})["admitted_at"] == "2026-03-02T11:00:00Z"
    assert api.post(path, {"status": "discharged", "on": "2026-03-02"})["admitted_at"] is None


def test_a_monitor_sees_no_telephone_number_and_changes_nothing(caller: Any, patient: Any) -> None:
    monitor = caller(Role.MONITOR)
    shown = monitor.get(f"/patients/{patient['id']}")
    assert shown["phone"] is None and shown["code"] == "P-010"
    monitor.patch(f"/patients/{patient['id']}", {"channel": "sms", "reason": "x"}, 403)


def test_another_sites_token_sees_and_enrols_nobody(caller: Any, patient: Any, world: Any) -> None:
    everywhere = caller(Role.ADMIN, site=None)
    everywhere.post(
        "/sites",
        {"study": "NCT01297972", "code": "SP", "name": "Sao Paulo", "telephone": "(11) 3061-0000", "place": "Clinica"},
        201,
    )
    other = caller(Role.COORDINATOR, site="SP")
    assert other.get("/patients")["items"] == []
    for path in ("", "/calendar", "/occasions", "/observations", "/revisions", "/compliance"):
        other.get(f"/patients/{patient['id']}{path}", 403)
    other.post("/patients", NEW | {"code": "P-011"}, 403)
    other.post(f"/patients/{patient['id']}/status", {"status": "died", "on": "2026-03-02", "reason": "x"}, 403)
    with world.runtime.db.reading() as session:
        assert session.query(Patient).count() == 1
