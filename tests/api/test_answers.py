"""Answers and tasks over the API: read, corrected, seen, done."""

from __future__ import annotations

from typing import Any

import pytest

from service.models import Patient
from service.security import Role
from service.use_cases import tasks

BODY = {
    "client_id": "a-1",
    "phone_at": "2026-03-09T08:30:00-03:00",
    "answers": {"temp": "36,5", "temp_site": "1", "signs": ["N"], "doses": "1", "well": "2"},
}


@pytest.fixture
def number(api: Any, world: Any) -> int:
    """A patient who answered the first daily questions by the app."""
    found: int = world.enrol("P-001")
    world.advance_to_local(8, 30, days=7)
    (row,) = api.get(f"/patients/{found}/occasions?status=open")["items"]
    api.post(f"/occasions/{row['id']}/responses", BODY, 201)
    return found


def test_answers_are_read_as_typed_and_as_understood(api: Any, number: int) -> None:
    rows = {row["item"]: row for row in api.get(f"/patients/{number}/responses")["items"]}
    assert (rows["temp"]["raw"], rows["temp"]["value"]) == ("36,5", "36.5")
    assert rows["signs"]["value"] == ["none"] and rows["doses"]["value"] == "all"
    assert rows["temp"]["phone_at"] == "2026-03-09T11:30:00Z" and rows["temp"]["corrects"] is None
    assert api.get(f"/patients/{number}/responses?occasion={rows['temp']['occasion']}&limit=2")["next"]
    assert api.get(f"/patients/{number}/responses?occasion=999999")["items"] == []


def test_a_correction_is_a_new_row_and_is_triaged(api: Any, number: int, world: Any) -> None:
    old = next(row for row in api.get(f"/patients/{number}/responses")["items"] if row["item"] == "temp")
    path = f"/responses/{old['id']}/correction"
    assert api.post(path, {"value": "38,9"}, 422)["field"] == "reason"
    assert api.post(path, {"value": "hot", "reason": "typing error"}, 422)["field"] == "temp"
    new = api.post(path, {"value": "38,9", "reason": "typing error"}, 201)
    assert (new["corrects"], new["value"], new["reason"]) == (old["id"], "38.9", "typing error")
    assert new["typed_by"].startswith("token:")
    world.settle()
    world.phone("Dr. Reis").expects("P-001")
    api.post(path, {"value": "37", "reason": "again"}, 409)
    api.post(f"/responses/{2**62}/correction", {"value": "37", "reason": "x"}, 404)


def test_a_monitor_corrects_nothing(caller: Any, api: Any, number: int) -> None:
    old = api.get(f"/patients/{number}/responses")["items"][0]
    caller(Role.MONITOR).post(f"/responses/{old['id']}/correction", {"value": "37", "reason": "x"}, 403)


def test_compliance_of_the_site(api: Any, number: int) -> None:
    site = api.get("/sites")["items"][0]["id"]
    daily = next(row for row in api.get(f"/sites/{site}/compliance") if row["questionnaire"] == "daily")
    assert (daily["answered"], daily["missed"], daily["percent"]) == (1, 0, 100.0)


def test_a_task_is_seen_and_done_once(api: Any, patient: Any, world: Any) -> None:
    with world.runtime.db.unit_of_work() as session:
        row = session.get_one(Patient, patient["id"])
        now = world.runtime.clock.now()
        number = tasks.open_task(session, kind="call", level="amber", now=now, patient=row, dedupe="x").id
    assert [one["kind"] for one in api.get(f"/tasks?status=open&patient={patient['id']}")["items"]] == ["call"]
    assert api.post(f"/tasks/{number}/seen")["status"] == "seen"
    done = api.post(f"/tasks/{number}/done", {"note": "called, she is well"})
    assert (done["status"], done["note"]) == ("done", "called, she is well")
    assert api.post(f"/tasks/{number}/done", {}, 409)["detail"].startswith("done already")
    api.post("/tasks/999/seen", status=404)
