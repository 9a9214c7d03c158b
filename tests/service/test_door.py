"""The carrier's plain posts are kept before the web framework; all others go on to it as if nobody had looked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from notifications.carriers.signature import sign
from service.api.door import LARGEST, Door
from service.demo.inprocess import FORM, Answer, call
from service.models import Inbound, Receipt
from service.use_cases import receipts
from tests.conftest import FROM, PUBLIC, TOKEN
from tests.sending import PostOffice

SMS, STATUS = "/webhooks/twilio/sms", "/webhooks/twilio/status"
TEXT = {"MessageSid": "SM1", "From": "+5516992000001", "To": FROM, "Body": "36,8 ção", "NumMedia": "0"}


def body_of(form: Any) -> bytes:
    return urlencode(form).encode()


@pytest.fixture
def posts(world: Any) -> Callable[..., tuple[Answer, bool]]:
    """Post through the door: the answer, and whether the application behind it was asked."""
    asked: list[Any] = []

    def application(environ: Any, start_response: Any) -> Any:
        asked.append(environ)
        return world.app.wsgi_app._application(environ, start_response)

    def post(form: Any, path: str = SMS, *, body: bytes = b"", kind: str = FORM, token: str = TOKEN) -> Any:
        asked.clear()
        headers = {"X-Twilio-Signature": sign(token, PUBLIC + path, dict(form))}
        door = Door(application, world.runtime)
        return call(door, "POST", PUBLIC + path, body=body or body_of(form), kind=kind, headers=headers), bool(asked)

    return post


def bodies(world: Any) -> list[str]:
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(Inbound.body).order_by(Inbound.id)))


def test_a_plain_text_and_a_plain_receipt_never_reach_the_framework(world: Any, posts: Any) -> None:
    post = PostOffice(world)  # with its patient
    answer, asked = posts(TEXT, kind=f"{FORM}; charset=UTF-8")
    assert (answer.status, asked) == (200, False) and "<Response" in answer.text
    assert answer.headers["Content-Type"].startswith("text/xml") and answer.headers["Cache-Control"] == "no-store"
    assert bodies(world) == ["36,8 ção"]
    message = post.enqueue()
    post.send()
    receipt = {"MessageSid": post.message(message).provider_id, "MessageStatus": "delivered"}
    answer, asked = posts(receipt, f"{STATUS}?attempt=1")
    assert (answer.status, answer.text, asked) == (204, "", False)
    assert post.status(message) == "delivered"
    answer, asked = posts(receipt | {"MessageStatus": "failed", "ErrorCode": "30003"}, STATUS)
    assert (answer.status, asked) == (204, False)


@pytest.mark.parametrize(
    "odd",
    [
        {"token": "forged"},
        {"kind": "text/plain"},
        {"body": body_of(TEXT) + b"&Body=39,5"},
        {"body": body_of(TEXT).replace(b"36", "\u00e7".encode())},
        {"body": body_of(TEXT).replace(b"%C3%A7", b"%C3")},
        {"body": body_of(TEXT) + b"&Pad=" + b"x" * LARGEST},
    ],
)
def test_whatever_is_not_plain_is_for_the_application(world: Any, posts: Any, odd: dict[str, Any]) -> None:
    answer, asked = posts(TEXT, **odd)
    assert (answer.status, asked) == (403, True) and bodies(world) == []


def test_the_application_reads_the_whole_form_after_the_door(world: Any, posts: Any) -> None:
    world.enrol("P-001")
    twice = urlencode([*TEXT.items(), ("Body", TEXT["Body"])]).encode()
    answer, asked = posts(TEXT, body=twice)  # the same value twice is signed as once
    assert (answer.status, asked) == (200, True) and bodies(world) == ["36,8 ção"]


def test_what_cannot_be_kept_at_first_is_tried_again_and_kept_once(
    world: Any, posts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = receipts.apply_receipt, []

    def once_away(*given: Any, **more: Any) -> bool:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("INSERT", {}, Exception("away"))
        return real(*given, **more)

    monkeypatch.setattr(receipts, "apply_receipt", once_away)
    answer, asked = posts({"MessageSid": "SM9", "MessageStatus": "delivered"}, STATUS)
    assert (answer.status, asked) == (204, True)
    with world.runtime.db.reading() as session:
        assert len(session.scalars(select(Receipt)).all()) == 1


def test_what_failed_after_a_long_wait_is_the_carriers_to_repeat(world: Any, posts: Any, monkeypatch: Any) -> None:
    """Two waits for a lock would outlast the carrier's patience, and hold a thread of the server twice as long."""

    def locked(*_given: Any, **_more: Any) -> bool:
        world.runtime.clock.sleep(10)
        raise OperationalError("INSERT", {}, Exception("locked"))

    monkeypatch.setattr(receipts, "apply_receipt", locked)
    answer, asked = posts({"MessageSid": "SM9", "MessageStatus": "delivered"}, STATUS)
    assert (answer.status, asked) == (503, False)
