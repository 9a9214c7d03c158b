"""A new protocol version over the API: compared, seen for a patient, carried out for one or many, taken back."""

from __future__ import annotations

from typing import Any

import pytest

from service.security import Role
from tests.api.conftest import NEW
from tests.workflows.calendar_case import STUDY_FILE

STUDY = "/studies/NCT01297972"


def second() -> str:
    """Version 2: ATG is projected a day later."""
    text = STUDY_FILE.read_text(encoding="utf-8")
    for old, new in (
        ('version: "1"', 'version: "2"'),
        ("default: {anchor: enrolment, offset: 7}", "default: {anchor: enrolment, offset: 8}"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def loaded(caller: Any, patient: Any) -> Any:
    """Version 2, loaded, confirmed and started, by a token of every site."""
    whole = caller(Role.INVESTIGATOR, site=None)
    whole.post("/studies", {"protocol": second()}, 201)
    whole.post(STUDY + "/confirm", {"by": "Dr. Prado"})
    whole.post(STUDY + "/activate")
    return whole


def atg(api: Any, number: int) -> str:
    rows = api.get(f"/patients/{number}/calendar")
    return str(next(row["date"] for row in rows if row["code"] == "ATG1"))


def test_the_versions_and_what_changed_between_them(api: Any, loaded: Any) -> None:
    versions = api.get(STUDY + "/versions")
    assert [(one["version"], one["patients"], one["newest"]) for one in versions] == [
        ("1", 1, False), ("2", 0, True),
    ]  # fmt: skip
    told = api.get(STUDY + "/compare?old=1&new=2")
    assert told["sentences"] == [
        "Version 1 became version 2.",
        "Anchor atg_start was projected enrolment +7 days; now enrolment +8 days.",
    ]
    assert api.get(STUDY + "/compare?old=1&new=9", 404)["field"] == "version"


def test_one_patient_sees_moves_and_goes_back(api: Any, loaded: Any, patient: Any) -> None:
    path, number = f"/patients/{patient['id']}", patient["id"]
    shown = api.post(path + "/amendments", {"version": "2", "dry_run": True})
    assert {"code": "ATG1", "from": "2026-03-09", "to": "2026-03-10"} in shown["moved"]
    assert atg(api, number) == "2026-03-09"
    assert api.post(path + "/amendments", {"version": "2"}, 422)["field"] == "reason"
    done = api.post(path + "/amendments", {"version": "2", "reason": "amendment 1"})
    assert done.pop("revision") == 1 and done == shown
    assert atg(api, number) == "2026-03-10"
    api.post(path + "/amendments", {"version": "2", "reason": "again"}, 409)
    assert api.post(path + "/anchors/undo")["moved"]
    assert atg(api, number) == "2026-03-09"


def test_all_patients_move_together(api: Any, patient: Any, loaded: Any) -> None:
    shown = api.post(STUDY + "/amendments", {"version": "2", "dry_run": True})
    assert [move["code"] for move in shown["moves"]] == [NEW["code"]]
    done = api.post(STUDY + "/amendments", {"version": "2", "reason": "amendment 1"})
    assert done["moves"][0]["from_version"] == "1" and done["moves"][0]["diff"]["revision"] == 1
    assert api.post(STUDY + "/amendments", {"version": "2", "reason": "again"})["moves"] == []
    again = api.post(STUDY + "/amendments", {"version": "2", "reason": "again", "patients": [patient["id"]]})
    assert "already" in again["moves"][0]["refused"] and again["moves"][0]["diff"] is None
    assert [one["patients"] for one in api.get(STUDY + "/versions")] == [0, 1]


def test_a_version_that_nobody_confirmed_can_be_seen_only(api: Any, caller: Any, patient: Any) -> None:
    caller(Role.INVESTIGATOR, site=None).post("/studies", {"protocol": second()}, 201)
    path = f"/patients/{patient['id']}/amendments"
    assert api.post(path, {"version": "2", "dry_run": True})["moved"]
    assert "confirm" in api.post(path, {"version": "2", "reason": "now"}, 409)["detail"]


def test_a_monitor_sees_and_moves_nobody(caller: Any, loaded: Any, patient: Any) -> None:
    monitor = caller(Role.MONITOR)
    assert monitor.get(STUDY + "/compare?old=1&new=2")["sentences"]
    monitor.post(f"/patients/{patient['id']}/amendments", {"version": "2", "reason": "x"}, 403)
    monitor.post(STUDY + "/amendments", {"version": "2", "reason": "x"}, 403)
