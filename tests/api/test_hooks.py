"""Outgoing webhooks, to a receiver that listens: signed, told once each, tried again, and never a word about health."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from notifications import standard_webhooks
from service import hook_sender, tick
from service.security import Role
from service.use_cases import hooks, watch


class Receiver:
    """Somebody's server: keeps what was posted, answers `status`."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(kept.status)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.posts]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    here = Receiver()
    yield here
    here.server.shutdown()
    here.server.server_close()


@pytest.fixture
def operator(caller: Callable[..., Any]) -> Any:
    return caller(Role.OPERATOR, None)


def work(world: Any) -> None:
    """What the worker does every few seconds."""
    world.settle()
    tick.seal(world.runtime)
    hook_sender.run(world.runtime)


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As a receiver does it, by the letter of the standard."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return expected in headers["webhook-signature"].split(" ")


def test_the_standards_own_example() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = standard_webhooks.headers([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert standard_webhooks.secret_text(key) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_fever_is_told_from_open_to_closed(world: Any, operator: Any, api: Any, receiver: Receiver) -> None:
    number = world.enrol("P-001")
    work(world)
    made = operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url}, 201)
    world.phone("P-001").replies("38,9 e calafrio")
    staff = {row["name"]: row["id"] for row in api.get("/staff")["items"]}
    work(world)
    api.post("/alerts/1/acknowledge", {"staff": staff["Dr. Reis"]})
    work(world)
    api.post("/alerts/1/outcome", {"staff": staff["Dr. Reis"], "outcome": "sent_to_er"})
    work(world)
    work(world)
    alerts = [one for one in receiver.told if one["type"].startswith("alert.")]
    assert [(one["type"], one["data"]["status"]) for one in alerts] == [
        ("alert.opened", "open"), ("alert.acknowledged", "acknowledged"), ("alert.closed", "closed"),
    ]  # fmt: skip
    site = api.get("/sites")["items"][0]["id"]
    assert alerts[0]["data"] == {"id": 1, "status": "open", "patient_id": number, "site_id": site}
    assert "occasion.answered" in {one["type"] for one in receiver.told} or not api.get(
        f"/patients/{number}/occasions?status=answered"
    )["items"]
    for headers, body in receiver.posts:
        assert verify(made["secret"], headers, body)
        assert not any(word in body.decode() for word in ("38", "calafrio", "red", "fever", "sent_to_er", "P-001"))
    assert len({headers["webhook-id"] for headers, _ in receiver.posts}) == len(receiver.posts)


def test_a_visit_and_a_calendar_that_change(world: Any, operator: Any, api: Any, receiver: Receiver) -> None:
    number = world.enrol("P-001")
    work(world)
    operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url, "events": ["visit.changed"]}, 201)
    operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url, "events": ["calendar.changed"]}, 201)
    visit = next(one for one in api.get(f"/patients/{number}/calendar") if one["code"] == "BASE")
    api.patch(f"/visits/{visit['id']}", {"booked_at": f"{visit['date']}T12:00:00Z"},
              headers={"If-Match": visit["etag"]})  # fmt: skip
    day = world.local.date() + timedelta(days=8)
    api.post(f"/patients/{number}/anchors", {"anchor": "atg_start", "date": day.isoformat(), "reason": "bed"})
    work(world)
    (booked,) = [one for one in receiver.told if one["type"] == "visit.changed"]
    assert (booked["data"]["id"], booked["data"]["status"]) == (visit["id"], "booked")
    assert [one["data"]["patient_id"] for one in receiver.told if one["type"] == "calendar.changed"] == [number]


def test_a_receiver_that_is_down_is_tried_again_and_gets_everything_once(
    world: Any, operator: Any, receiver: Receiver
) -> None:
    made = operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url}, 201)
    receiver.status = 503
    operator.post(f"/webhooks/{made['id']}/test", {}, 201)
    operator.post(f"/webhooks/{made['id']}/test", {}, 201)
    work(world)
    assert len(receiver.posts) == 1, "the second would meet the same receiver"
    (row,) = operator.get("/studies/NCT01297972/webhooks")["items"]
    assert row["failing_since"]
    work(world)
    assert len(receiver.posts) == 1, "not before its time"
    with world.runtime.db.reading() as session:
        found = watch.findings(session, now=world.now + timedelta(hours=2), machine_now=world.clock.machine())
        assert [one.detail for one in found if one.kind == "webhook"] == [
            f"study NCT01297972: webhook {made['id']} is not taken by its receiver"
        ]
    receiver.status = 200
    world.clock.advance(timedelta(minutes=2))
    work(world)
    listed = operator.get(f"/webhooks/{made['id']}/deliveries")["items"]
    assert [(one["status"], one["attempts"], one["last_answer"]) for one in listed] == [
        ("delivered", 2, "200"), ("delivered", 1, "200"),
    ]  # fmt: skip
    ids = [headers["webhook-id"] for headers, _ in receiver.posts]
    assert ids[0] == ids[1] != ids[2]
    assert operator.get("/studies/NCT01297972/webhooks")["items"][0]["failing_since"] is None


def test_a_worker_that_dies_while_sending_leaves_the_event_to_another(
    world: Any, operator: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url}, 201)
    operator.post(f"/webhooks/{made['id']}/test", {}, 201)

    def dies(*_args: Any) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(hook_sender, "_post", dies)
        hook_sender.run(world.runtime)
    hook_sender.run(world.runtime)
    assert not receiver.posts, "it is the dead one's until its lease ends"
    monkeypatch.setattr(world.clock, "machine", lambda later=world.clock.machine() + timedelta(minutes=6): later)
    hook_sender.run(world.runtime)
    assert len(receiver.posts) == 1


def test_an_endpoint_that_raises_stops_no_other(
    world: Any, operator: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url}, 201) for _ in range(2))
    for made in (first, second):
        operator.post(f"/webhooks/{made['id']}/test", {}, 201)
    real = hooks.claim

    def claim(session: Any, endpoint_id: int, **given: Any) -> Any:
        if endpoint_id == first["id"]:
            raise ValueError("a row that cannot be read")
        return real(session, endpoint_id, **given)

    monkeypatch.setattr(hooks, "claim", claim)
    assert hook_sender.run(world.runtime) == 1
    assert operator.get(f"/webhooks/{second['id']}/deliveries")["items"][0]["status"] == "delivered"
    assert operator.get(f"/webhooks/{first['id']}/deliveries")["items"][0]["status"] == "waiting"


def test_a_worker_that_ends_begins_no_further_try_and_leaves_the_rest_to_others(
    world: Any, operator: Any, receiver: Receiver
) -> None:
    made = operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url}, 201)
    for _ in range(3):
        operator.post(f"/webhooks/{made['id']}/test", {}, 201)
    assert hook_sender.run(world.runtime, stopping=lambda: len(receiver.posts) >= 1) == 1
    assert hook_sender.run(world.runtime) == 2 and len(receiver.posts) == 3


def test_a_secret_is_changed_without_losing_an_event(world: Any, operator: Any, receiver: Receiver) -> None:
    first = operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url}, 201)
    second = operator.post(f"/webhooks/{first['id']}/rotate")
    assert first["secret"] != second["secret"]
    assert "secret" not in operator.get("/studies/NCT01297972/webhooks")["items"][0]
    for hours in (0, 25):
        world.clock.advance(timedelta(hours=hours))
        operator.post(f"/webhooks/{first['id']}/test", {}, 201)
        hook_sender.run(world.runtime)
        headers, body = receiver.posts[-1]
        assert verify(second["secret"], headers, body)
        assert verify(first["secret"], headers, body) is (hours == 0)


@pytest.mark.parametrize("gone", [True, False])
def test_an_endpoint_that_has_ended_is_told_nothing(world: Any, operator: Any, receiver: Receiver, gone: bool) -> None:
    made = operator.post("/studies/NCT01297972/webhooks", {"url": receiver.url}, 201)
    operator.post(f"/webhooks/{made['id']}/test", {}, 201)
    if gone:
        receiver.status = 410
        hook_sender.run(world.runtime)
    else:
        assert operator.post(f"/webhooks/{made['id']}/end")["ended_why"] == "ended by hand"
    before = len(receiver.posts)
    operator.post(f"/webhooks/{made['id']}/test", {}, 201)
    world.clock.advance(timedelta(days=1))
    hook_sender.run(world.runtime)
    assert len(receiver.posts) == before and operator.get("/studies/NCT01297972/webhooks")["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://example.org/x"}, "url"),
        ({"url": "ftp://example.org"}, "url"),
        ({"url": "https://me:secret@example.org"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": "https://example.org", "events": ["alert.opened", "fever"]}, "events.1"),
        ({}, "url"),
    ],
)
def test_an_address_that_cannot_be(operator: Any, body: dict[str, Any], field: str) -> None:
    assert operator.post("/studies/NCT01297972/webhooks", body, 422)["field"] == field


def test_only_operations_of_every_site(api: Any, caller: Callable[..., Any], receiver: Receiver) -> None:
    for who in (api, caller(Role.OPERATOR, "RP"), caller(Role.INVESTIGATOR, None)):
        who.post("/studies/NCT01297972/webhooks", {"url": receiver.url}, 403)
