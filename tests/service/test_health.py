"""The probes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from service.use_cases import workers
from tests.sending import PostOffice


@pytest.fixture
def post(world: Any) -> PostOffice:
    return PostOffice(world)


def ready(post: PostOffice) -> tuple[int, dict[str, Any]]:
    answer = post.world.app.test_client().get("/readyz")
    return answer.status_code, answer.json


def test_alive(client: Any) -> None:
    assert client.get("/livez").status_code == 200


def test_ready_until_something_due_is_a_minute_late(post: PostOffice) -> None:
    post.enqueue()
    assert ready(post) == (200, {"ready": True, "faults": []})
    post.wait(seconds=61)
    status, body = ready(post)
    assert status == 503 and [one["check"] for one in body["faults"]] == ["late"]
    post.send()
    assert ready(post)[0] == 200


def test_not_ready_before_the_migrations(post: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in ("0001_tables", None):
        monkeypatch.setattr("service.migrate.current", lambda _engine, at=at: at)
        status, body = ready(post)
        assert status == 503 and body["faults"][0]["check"] == "migrations"


def test_ready_beside_a_newer_version_that_has_migrated(post: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.migrate.current", lambda _engine: "9999_of_the_next_version")
    assert ready(post)[0] == 200


def test_the_numbers_are_prometheus_text_without_an_id(post: PostOffice) -> None:
    post.enqueue()
    post.page()
    with post.db.unit_of_work() as session:
        workers.beat(session, name="scheduler@x:1", kind="scheduler", machine_now=post.clock.machine())
    post.wait(seconds=5)
    body = post.world.app.test_client().get("/metrics").get_data(as_text=True)
    families = {family.name: family for family in text_string_to_metric_families(body)}
    waiting = {tuple(sorted(one.labels.items())): one.value for one in families["vigilia_messages_waiting"].samples}
    assert waiting[(("lane", "bulk"), ("state", "ready"))] == 1
    assert waiting[(("lane", "pages"), ("state", "ready"))] == 1
    assert families["vigilia_due_lag_seconds"].samples[0].value == 5
    assert families["vigilia_heartbeat_age_seconds"].samples[0].value == 5
    assert {"vigilia_sends", "vigilia_carrier_seconds", "vigilia_leases_lost"} <= families.keys()
    assert post.phone not in body and "P-001" not in body


def test_how_late_is_the_oldest(post: PostOffice) -> None:
    post.enqueue(send_at=post.clock.now() - timedelta(seconds=90))
    post.enqueue(send_at=post.clock.now() + timedelta(seconds=90))
    with post.db.reading() as session:
        assert workers.late_by(session, now=post.clock.now()) == timedelta(seconds=90)
    post.send()
    with post.db.reading() as session:
        assert workers.late_by(session, now=post.clock.now()) == timedelta(0)


def test_a_heartbeat_is_one_row_and_a_goodbye_removes_it(post: PostOffice) -> None:
    at = post.clock.machine()
    with post.db.unit_of_work() as session:
        for seconds in (0, 5):
            workers.beat(session, name="a", kind="lane:bulk", machine_now=at + timedelta(seconds=seconds))
        workers.beat(session, name="old", kind="lane:bulk", machine_now=at - timedelta(days=2))
        workers.beat(session, name="last of its kind", kind="scheduler", machine_now=at - timedelta(days=2))
        session.flush()
        workers.forget(session, machine_now=at)
    with post.db.reading() as session:
        names = set(session.scalars(text("SELECT name FROM heartbeat")))
    assert names == {"a", "last of its kind"}
    with post.db.unit_of_work() as session:
        workers.stop(session, ["a"])
    with post.db.reading() as session:
        assert set(session.scalars(text("SELECT name FROM heartbeat"))) == {"last of its kind"}
