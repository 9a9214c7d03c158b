"""Re-anchoring, visits and calendar feeds over the API."""

from __future__ import annotations

from typing import Any

import pytest
import vobject
from icalendar import Calendar

from tests.api.conftest import NEW


@pytest.fixture
def path(patient: Any) -> str:
    return f"/patients/{patient['id']}"


def by_code(api: Any, path: str) -> dict[str, Any]:
    return {visit["code"]: visit for visit in api.get(path + "/calendar")}


MOVE = {"anchor": "atg_start", "date": "2026-03-20", "reason": "a bed is free later"}


def test_a_dry_run_answers_the_diff_and_changes_nothing(api: Any, path: str) -> None:
    before = api.get(path + "/calendar")
    diff = api.post(path + "/anchors", MOVE | {"dry_run": True})
    moved = {one["code"]: (one["from"], one["to"]) for one in diff["moved"]}
    assert moved["ATG1"] == ("2026-03-09", "2026-03-20")
    assert "revision" not in diff and "ENR" in diff["unchanged"]
    assert {"flagged", "messages_cancelled", "messages_retimed"} <= set(diff)
    assert api.get(path + "/calendar") == before
    assert api.get(path + "/revisions")["items"] == []


def test_a_commit_answers_the_same_diff_with_its_revision_and_can_be_taken_back(api: Any, path: str) -> None:
    before = by_code(api, path)
    preview = api.post(path + "/anchors", MOVE | {"dry_run": True})
    diff = api.post(path + "/anchors", MOVE)
    assert diff.pop("revision") >= 1
    assert diff == preview
    assert by_code(api, path)["ATG1"]["date"] == "2026-03-20"
    assert api.post(path + "/anchors/undo")["moved"]
    assert {code: visit["date"] for code, visit in by_code(api, path).items()} == {
        code: visit["date"] for code, visit in before.items()
    }
    revisions = api.get(path + "/revisions")["items"]
    assert revisions[0]["reason"] == MOVE["reason"] and revisions[0]["undone_at"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"anchor": "nothing"}, "anchor"),
        ({"anchor": None}, "anchor"),
        ({"date": "2026-02-29"}, "date"),
        ({"date": "soon"}, "date"),
        ({"time": "25:00"}, "time"),
        ({"reason": ""}, "reason"),
        ({"dry_run": "yes"}, "dry_run"),
    ],
)
def test_an_anchor_that_cannot_be_names_its_field(api: Any, path: str, change: dict[str, Any], field: str) -> None:
    assert api.post(path + "/anchors", MOVE | change, 422)["field"] == field


def test_an_infusion_before_the_last_atg_day_is_refused(api: Any, path: str) -> None:
    problem = api.post(path + "/anchors", {"anchor": "infusion_1", "date": "2026-03-10", "reason": "early"}, 422)
    assert problem["title"] == "The trial's rules refuse this" and problem["field"]


def test_nothing_to_undo_is_a_conflict(api: Any, path: str) -> None:
    assert api.post(path + "/anchors/undo", status=409)["detail"]


def test_a_visit_is_booked_and_its_tag_changes(api: Any, path: str) -> None:
    visit = by_code(api, path)["W01"]
    read = api.call("GET", f"/visits/{visit['id']}", 200)
    tag = read.headers["ETag"]
    assert tag == visit["etag"] == read.get_json()["etag"]
    body = {"booked_at": f"{visit['date']}T09:30:00-03:00"}
    booked = api.call("PATCH", f"/visits/{visit['id']}", 200, json=body, headers={"If-Match": tag})
    assert booked.get_json()["status"] == "booked"
    assert booked.get_json()["booked_at"] == f"{visit['date']}T12:30:00Z"
    assert booked.headers["ETag"] not in ("", tag)
    stale = api.patch(f"/visits/{visit['id']}", {"status": "planned"}, 412, headers={"If-Match": tag})
    assert stale["title"] == "Changed since you read it"
    assert by_code(api, path)["W01"]["booked_at"].startswith(f"{visit['date']}T12:30")


def test_a_booking_without_an_offset_is_local_to_the_patient(api: Any, path: str) -> None:
    visit = by_code(api, path)["W01"]
    booked = api.patch(f"/visits/{visit['id']}", {"booked_at": f"{visit['date']}T09:30"})
    assert booked["booked_at"] == f"{visit['date']}T12:30:00Z"


@pytest.mark.parametrize("tag", ["x", '"-1"', '"' + "9" * 40 + '"', "W/x"])
def test_a_tag_that_was_never_given_matches_nothing(api: Any, path: str, tag: str) -> None:
    visit = by_code(api, path)["W01"]
    api.patch(f"/visits/{visit['id']}", {"status": "cancelled", "reason": "x"}, 412, headers={"If-Match": tag})


def test_any_tag_will_do_for_a_star(api: Any, path: str) -> None:
    visit = by_code(api, path)["W01"]
    change = {"status": "cancelled", "reason": "away"}
    assert api.patch(f"/visits/{visit['id']}", change, headers={"If-Match": "*"})["status"] == "cancelled"


def test_outside_its_window_a_visit_moves_only_with_a_reason(api: Any, path: str) -> None:
    visit = by_code(api, path)["W01"]
    target = f"/visits/{visit['id']}"
    assert api.patch(target, {"date": "2026-04-02"}, 422)["field"] == "date"
    assert api.patch(target, {"date": "2026-04-02", "reason": "away"})["date"] == "2026-04-02"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"reason": "x"}, ""),
        ({"status": "lost"}, "status"),
        ({"booked_at": "tomorrow"}, "booked_at"),
        ({"completed_on": "2026-02-30"}, "completed_on"),
        ({"completed_on": "2026-12-30"}, "completed_on"),
    ],
)
def test_a_change_of_a_visit_that_cannot_be_is_named(
    api: Any, path: str, body: dict[str, Any], field: str
) -> None:
    visit = by_code(api, path)["W01"]
    assert api.patch(f"/visits/{visit['id']}", body, 422).get("field", "") == field


def test_an_unscheduled_visit_is_added(api: Any, path: str) -> None:
    added = api.post(path + "/visits", {"date": "2026-03-10", "reason": "felt ill"}, 201)
    assert added["code"].startswith("UNS")
    assert added["code"] in by_code(api, path)


def feed(api: Any, address: str) -> Any:
    response = api.client.get(address)
    assert response.status_code == 200 and response.mimetype == "text/calendar"
    return Calendar.from_ical(response.data)


def events(calendar: Any) -> dict[str, Any]:
    return {str(event["uid"]): event for event in calendar.walk("VEVENT")}


def test_the_patients_feed_names_no_procedure_and_is_read_by_another_library(api: Any, patient: Any) -> None:
    text = api.client.get(patient["feed"]).get_data(as_text=True)
    assert "MSC" not in text and "ATG" not in text and "Marrow" not in text and "P-010" not in text
    parsed = vobject.readOne(text)
    assert parsed.vtimezone.tzid.value == "America/Sao_Paulo"
    appointments = [visit for visit in patient["calendar"] if visit["merged_into"] is None]
    assert len(parsed.vevent_list) == len(appointments)
    assert {event.summary.value for event in parsed.vevent_list} == {"Visita do estudo"}


def test_a_moved_visit_keeps_its_uid_and_raises_its_sequence(api: Any, patient: Any, path: str) -> None:
    before = events(feed(api, patient["feed"]))
    visit = by_code(api, path)["ATG1"]
    api.post(path + "/anchors", MOVE)
    after = events(feed(api, patient["feed"]))
    uid = f"visit-{visit['id']}@vigilia"
    assert before[uid]["dtstart"].dt.isoformat() == "2026-03-09"
    assert after[uid]["dtstart"].dt.isoformat() == "2026-03-20"
    assert after[uid]["sequence"] > before[uid]["sequence"]


def test_a_booked_visit_has_its_hour_and_a_cancelled_one_says_so(api: Any, patient: Any, path: str) -> None:
    calendar = by_code(api, path)
    booked, gone = calendar["W01"], calendar["W03"]
    api.patch(f"/visits/{booked['id']}", {"booked_at": f"{booked['date']}T09:30"})
    api.patch(f"/visits/{gone['id']}", {"status": "cancelled", "reason": "away"})
    found = events(feed(api, patient["feed"]))
    one = found[f"visit-{booked['id']}@vigilia"]
    assert one["dtstart"].dt.isoformat() == f"{booked['date']}T09:30:00-03:00"
    assert str(one["status"]) == "CONFIRMED"
    other = found[f"visit-{gone['id']}@vigilia"]
    assert str(other["status"]) == "CANCELLED" and other["sequence"] >= 1


def test_the_sites_feed_shows_codes_and_merged_visits(api: Any, patient: Any) -> None:
    site = api.get("/sites")["items"][0]
    summaries = [str(event["summary"]) for event in feed(api, site["feed"]).walk("VEVENT")]
    assert any(line.startswith("P-010 ") for line in summaries)
    assert any(" + " in line for line in summaries)


def test_a_feed_is_asked_for_again_cheaply(api: Any, patient: Any) -> None:
    first = api.client.get(patient["feed"])
    again = api.client.get(patient["feed"], headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.data


def test_a_renewed_address_ends_the_old_one(api: Any, patient: Any, path: str) -> None:
    address = api.post(path + "/feed")["feed"]
    assert api.client.get(address).status_code == 200
    gone = api.client.get(patient["feed"])
    assert gone.status_code == 404 and gone.content_type == "application/problem+json"
    assert api.client.get("/calendar/%00.ics").status_code == 404


def test_an_english_patient_reads_english(api: Any) -> None:
    other = api.post("/patients", NEW | {"code": "P-012", "phone": "+5516992220012", "language": "en"}, 201)
    assert "Study visit" in api.client.get(other["feed"]).get_data(as_text=True)
