"""An app hands answers in: late, twice, for a day that is over, and with a fever in them."""

from __future__ import annotations

from typing import Any

import pytest

from service.models import Inbound, Occasion, Reading, Response, Task
from service.security import Role

FIRST = "2026-03-09T08:30:00-03:00"
WELL = {"temp": "36,5", "temp_site": "1", "signs": ["N"], "doses": "1", "well": "2"}


@pytest.fixture
def open_day(api: Any, world: Any) -> dict[str, Any]:
    """The first daily occasion of a patient, open; and the patient's number."""
    number = world.enrol("P-001")
    world.advance_to_local(8, 30, days=7)
    (row,) = api.get(f"/patients/{number}/occasions?status=open")["items"]
    return row | {"patient": number}


def miss(world: Any, number: int) -> None:
    """The day is over. (Set by hand: living through it would climb the whole ladder for the silence.)"""
    with world.runtime.db.unit_of_work() as session:
        row = session.get_one(Occasion, number)
        row.status, row.next_due_at = "missed", None


def handed(client_id: str = "a-1", answers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"client_id": client_id, "phone_at": FIRST, "answers": answers or WELL} | more


def test_the_open_questionnaire_is_there_with_its_wording(api: Any, open_day: dict[str, Any]) -> None:
    assert (open_day["questionnaire"], open_day["for_date"]) == ("daily", "2026-03-09")
    assert api.get(f"/occasions/{open_day['id']}")["status"] == "open"
    form = api.get(f"/patients/{open_day['patient']}/questionnaires/daily")
    assert [item["key"] for item in form["items"]][:2] == ["temp", "temp_site"]
    assert form["items"][0]["text"]["pt-BR"].startswith("Qual")


def test_answers_are_kept_with_the_phones_own_time(api: Any, open_day: dict[str, Any], world: Any) -> None:
    done = api.post(f"/occasions/{open_day['id']}/responses", handed(), 201)
    assert (done["level"], done["done"], done["next_item"]) == ("nothing", True, None)
    assert done["advice"] == {"telephone": "(16) 3602-0000", "emergency_number": "192"}
    assert api.get(f"/occasions/{open_day['id']}")["status"] == "answered"
    with world.runtime.db.reading() as session:
        rows = session.query(Response).all()
    assert {row.item for row in rows} == set(WELL)
    assert {(row.channel, row.typed_by, row.phone_at.isoformat()) for row in rows} == {
        ("app", "patient", "2026-03-09T11:30:00+00:00")
    }
    (counted,) = [row for row in api.get(f"/patients/{open_day['patient']}/compliance") if row["answered"]]
    assert (counted["questionnaire"], counted["due"], counted["percent"]) == ("daily", 1, 100.0)


def test_the_same_hand_in_twice_is_kept_once(api: Any, open_day: dict[str, Any], world: Any) -> None:
    path = f"/occasions/{open_day['id']}/responses"
    first = api.call("POST", path, 201, json=handed())
    again = api.call("POST", path, 201, json=handed())
    assert again.get_json() == first.get_json() and again.headers["Idempotent-Replayed"] == "true"
    with world.runtime.db.reading() as session:
        assert session.query(Response).count() == len(WELL)
    other = api.post(path, handed(answers={"temp": "36,6"}), 409)
    assert (other["code"], other["keep"], other["field"]) == ("client_id_used", True, "client_id")


def test_a_fever_pages_and_the_answer_says_red(api: Any, open_day: dict[str, Any], world: Any) -> None:
    answers = {"temp": "38,7", "temp_site": "1"}
    red = api.post(f"/occasions/{open_day['id']}/responses", handed(answers=answers), 201)
    assert (red["level"], red["done"], red["next_item"]) == ("red", True, None)
    world.settle()
    world.phone("Dr. Reis").expects("P-001")
    assert [row["severity"] for row in api.get("/alerts?status=open")["items"]] == ["red"]


def test_half_a_form_says_what_comes_next(api: Any, open_day: dict[str, Any]) -> None:
    path = f"/occasions/{open_day['id']}/responses"
    half = api.post(path, handed(answers={"temp": "36,5", "temp_site": "1"}), 201)
    assert (half["done"], half["next_item"]) == (False, "signs")


def test_a_day_that_is_over_is_refused_but_its_fever_is_heard(api: Any, open_day: dict[str, Any], world: Any) -> None:
    miss(world, open_day["id"])
    path = f"/occasions/{open_day['id']}/responses"
    assert api.get(f"/occasions/{open_day['id']}")["status"] == "missed"
    body = handed(answers={"temp": "39,1", "temp_site": "1"})
    late = api.post(path, body, 409)
    assert (late["code"], late["keep"], late["occasion_status"]) == ("occasion_over", False, "missed")
    assert late["level"] == "red" and late["advice"]["emergency_number"] == "192"
    assert api.post(path, body, 409) == late
    assert api.get(f"/occasions/{open_day['id']}")["status"] == "missed"
    with world.runtime.db.reading() as session:
        (reading,) = session.query(Reading).all()
        assert reading.celsius == "39.1" and session.query(Occasion).filter_by(status="answered").count() == 0
    world.settle()
    world.phone("Dr. Reis").expects("P-001")


def test_a_telephone_interview_may_still_be_held(api: Any, open_day: dict[str, Any], world: Any) -> None:
    miss(world, open_day["id"])
    api.post(f"/occasions/{open_day['id']}/responses", handed(typed_by="staff"), 201)
    with world.runtime.db.reading() as session:
        rows = session.query(Response).all()
    assert {row.channel for row in rows} == {"phone"} and all(row.typed_by.startswith("token:") for row in rows)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"answers": {"temp": "hot"}, "typed_by": "staff"}, "temp"),
        ({"answers": {"shoe": "42"}}, "shoe"),
        ({"answers": {}}, "answers"),
        ({"answers": {"temp": {"a": 1}}}, "answers.temp.value"),
        ({"answers": {"temp": True}}, "answers.temp.value"),
        ({"answers": {"temp": None}}, "answers.temp.value"),
        ({"answers": {"temp": "36,5\x00"}}, "answers.temp.value"),
        ({"phone_at": "2026-03-09T08:30:00"}, "phone_at"),
        ({"client_id": ""}, "client_id"),
        ({"typed_by": "robot"}, "typed_by"),
    ],
)
def test_answers_that_cannot_be_read_name_their_item(
    api: Any, open_day: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    assert api.post(f"/occasions/{open_day['id']}/responses", handed() | change, 422)["field"] == field


def test_words_that_no_question_can_read_are_kept_for_a_human(api: Any, open_day: dict[str, Any], world: Any) -> None:
    path = f"/occasions/{open_day['id']}/responses"
    body = handed(answers={"temp": "quebrou hoje", "signs": ["N"], "doses": "umas"})
    done = api.post(path, body, 201)
    assert (done["unread"], done["level"], done["next_item"]) == (["doses", "temp"], "nothing", "temp")
    assert api.post(path, body, 201) == done
    with world.runtime.db.reading() as session:
        assert {row.item for row in session.query(Response)} == {"signs"}
        texts = session.query(Inbound).all()
        assert {(row.form["item"], row.body, row.channel) for row in texts} == {
            ("temp", "quebrou hoje", "app"), ("doses", "umas", "app"),
        }  # fmt: skip
        assert {row.carrier_at.isoformat() for row in texts} == {"2026-03-09T11:30:00+00:00"}
        waits = session.query(Task).filter_by(kind="unclear_answer").all()
        assert {(row.detail["item"], row.detail["text"]) for row in waits} == {
            ("temp", "quebrou hoje"), ("doses", "umas"),
        }  # fmt: skip


def test_distress_where_a_number_was_asked_is_red(api: Any, open_day: dict[str, Any], world: Any) -> None:
    body = handed(answers={"temp": "estou com muita falta de ar", "well": "2"})
    red = api.post(f"/occasions/{open_day['id']}/responses", body, 201)
    assert (red["level"], red["done"], red["next_item"]) == ("red", True, None)
    world.settle()
    world.phone("Dr. Reis").expects("P-001")


def test_words_for_a_day_that_is_over_are_kept_before_they_are_refused(
    api: Any, open_day: dict[str, Any], world: Any
) -> None:
    miss(world, open_day["id"])
    path = f"/occasions/{open_day['id']}/responses"
    late = api.post(path, handed(answers={"well": "com febre, 38,9"}), 409)
    assert (late["code"], late["keep"], late["unread"], late["level"]) == ("occasion_over", False, ["well"], "red")
    quiet = api.post(path, handed("a-2", answers={"well": "assim assim"}), 409)
    assert (quiet["unread"], quiet["level"]) == (["well"], "nothing")
    with world.runtime.db.reading() as session:
        assert [row.celsius for row in session.query(Reading)] == ["38.9"]
        assert session.query(Task).filter_by(kind="unclear_answer").one().detail["text"] == "assim assim"


def test_a_monitor_hands_nothing_in(caller: Any, open_day: dict[str, Any]) -> None:
    monitor = caller(Role.MONITOR)
    monitor.post(f"/occasions/{open_day['id']}/responses", handed(), 403)
    assert monitor.get(f"/occasions/{open_day['id']}")["status"] == "open"


def test_an_occasion_that_is_not_there(api: Any) -> None:
    api.get("/occasions/5", 404)
    api.post(f"/occasions/{2**63}/responses", handed(), 404)
