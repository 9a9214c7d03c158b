"""The patient's app is told that a question is ready: beside the text, never instead of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from py_vapid import Vapid02
from sqlalchemy import select

from notifications.carriers.base import PermanentFailure, SendResult
from notifications.catalog import HEALTH_WORDS
from notifications.message import Channel, DeliveryStatus
from service.models import AuditEntry, Message, Occasion, Patient, Task
from service.use_cases import links
from service.web.push import public_key
from tests.web.pages import BASE, Page

ENDPOINT = "https://push.example/1"
SUBSCRIPTION = {"endpoint": ENDPOINT, "keys": {"p256dh": "BPk", "auth": "aa"}}


class Push:
    """A push service; `code`: what it refuses with."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.code: int | None = None

    def send(self, message: Any) -> SendResult:
        if self.code is not None:
            raise PermanentFailure(self.code, "the browser's subscription is gone")
        self.sent.append(message)
        return SendResult("", DeliveryStatus.SENT)


@pytest.fixture
def push(world: Any, monkeypatch: pytest.MonkeyPatch) -> Push:
    vapid = Vapid02()
    vapid.generate_keys()
    keyed = replace(world.runtime.config, vapid_private_key=vapid.private_pem().decode())
    monkeypatch.setattr(world.runtime, "config", keyed)
    service = Push()
    world.runtime.carriers = {**world.runtime.carriers, Channel.WEBPUSH: service}
    return service


@pytest.fixture
def asked(world: Any) -> str:
    """A link to questions, on the morning of the first ones."""
    number = world.enrol("P-001", language="en")
    world.advance_to_local(7, 0, days=6)
    with world.runtime.db.unit_of_work() as session:
        token = links.make(session, kind="questions", now=world.now, lifetime=timedelta(days=1), patient_id=number)
    return f"/q/{token}"


def subscribe(world: Any, path: str, text: str | None = None) -> int:
    data = {"subscription": json.dumps(SUBSCRIPTION) if text is None else text}
    return int(world.app.test_client().post(f"{path}/push", data=data, base_url=BASE).status_code)


def kept(world: Any) -> Any:
    return world.patient("P-001").push_subscription


def changes(world: Any) -> list[tuple[str, Any]]:
    with world.runtime.db.reading() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.action == "patient:push").order_by(AuditEntry.id))
        return [(row.actor, row.detail) for row in found]


def sent_by(world: Any, channel: str) -> list[Message]:
    with world.runtime.db.reading() as session:
        query = select(Message).join(Patient).where(Patient.code == "P-001", Message.channel == channel)
        return list(session.scalars(query.order_by(Message.id)))


def occasion_of(world: Any, message: Message) -> str:
    with world.runtime.db.reading() as session:
        return session.get_one(Occasion, message.occasion_id).questionnaire


def test_without_a_key_it_is_not_offered(world: Any, asked: str) -> None:
    assert "data-push-key" not in Page(world.app.test_client().get(asked, base_url=BASE)).html
    assert subscribe(world, asked) == 404 and kept(world) is None


def test_a_subscription_is_kept_once_and_the_trail_names_no_key(world: Any, push: Push, asked: str) -> None:
    page = Page(world.app.test_client().get(asked, base_url=BASE))
    assert f'data-push-key="{public_key(world.runtime.config.vapid_private_key)}" hidden' in page.html
    assert page.form("/push")["action"] == f"{asked}/push"
    assert subscribe(world, asked, json.dumps(SUBSCRIPTION | {"expirationTime": None})) == 204
    assert subscribe(world, asked) == 204
    assert kept(world) == SUBSCRIPTION
    ((actor, detail),) = changes(world)
    assert actor.startswith("patient:") and detail == {"was": None, "is": "push.example"}


def named(endpoint: str, **keys: str) -> str:
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": "BPk", "auth": "aa"} | keys})


WRONG = ["", "[]", "{}", named("http://push.example/1"), named("https://10.0.0.1/x"), named("https://[::1]/x"),
         named("https://localhost/x"), named("https://[x"), named(ENDPOINT, auth=""),
         named(ENDPOINT + "x" * 2000)]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_subscription_is_refused(world: Any, push: Push, asked: str, wrong: str) -> None:
    assert subscribe(world, asked, wrong) == 422
    assert kept(world) is None and not changes(world)


def test_the_token_protects_it(world: Any, push: Push, asked: str) -> None:
    assert subscribe(world, "/q/" + "x" * 22) == 404
    with world.runtime.db.unit_of_work() as session:
        number = world.patient("P-001").id
        token = links.make(session, kind="questions", now=world.now, lifetime=timedelta(minutes=1), patient_id=number)
    world.advance(minutes=2)
    assert subscribe(world, f"/q/{token}") == 410
    assert kept(world) is None


def test_the_next_question_comes_by_text_and_in_the_app(world: Any, push: Push, asked: str) -> None:
    subscribe(world, asked)
    phone = world.phone("P-001")
    phone.reads_all()
    world.advance_to_local(8, 5)
    phone.expects("temperature")
    message = sent_by(world, "webpush")[-1]
    assert occasion_of(world, message) == "daily"
    told = push.sent[-1]
    assert told.text == "Your study question is ready." and told.payload["subscription"] == SUBSCRIPTION
    assert not [word for word in HEALTH_WORDS if word in told.text.lower()]
    path = told.payload["url"].removeprefix(world.runtime.config.public_url)
    assert path.startswith("/q/")
    page = Page(world.app.test_client().get(path, base_url=BASE))
    assert "What is your temperature now?" in page.text
    assert (message.kind, message.lane, message.wanted_while) == ("question", "bulk", "occasion_open")
    assert message.expires_at is not None


def test_it_uses_up_nothing_of_the_days_messages(
    world: Any, push: Push, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(world, asked)
    phone = world.phone("P-001")
    world.advance_to_local(8, 0)
    monkeypatch.setattr(world.runtime, "config", replace(world.runtime.config, daily_cap=2))
    world.advance(minutes=5)
    phone.reads_all()
    assert len(push.sent) == 1
    world.advance(hours=5)
    phone.expects("temperature")
    assert sent_by(world, "sms")[-1].kind == "reminder"


@pytest.mark.parametrize("code", [404, 410])
def test_a_subscription_that_is_gone_is_forgotten_and_nobody_is_called(
    world: Any, push: Push, asked: str, code: int
) -> None:
    subscribe(world, asked)
    push.code = code
    world.advance_to_local(8, 5)
    assert kept(world) is None
    assert changes(world)[-1] == ("system", {"was": "push.example", "is": None})
    assert world.patient("P-001").unreachable_at is None
    assert [row.status for row in sent_by(world, "webpush")] == ["failed_permanent"]
    assert not undeliverable(world)


def test_a_refusal_for_another_reason_forgets_nothing(world: Any, push: Push, asked: str) -> None:
    subscribe(world, asked)
    push.code = 413
    world.advance_to_local(8, 5)
    assert kept(world) == SUBSCRIPTION and not undeliverable(world)
    world.phone("P-001").expects("temperature")


def undeliverable(world: Any) -> list[Any]:
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(Task).where(Task.kind == "undeliverable")))
