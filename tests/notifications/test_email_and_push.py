"""Email and Web Push, against canned servers."""

from __future__ import annotations

import json
import smtplib
from typing import Any

import pytest
import requests
from py_vapid import Vapid
from pywebpush import WebPushException

from notifications.carriers import webpush as webpush_module
from notifications.carriers.base import AnswerLost, CarrierError, PermanentFailure, TemporaryFailure
from notifications.carriers.email import EmailCarrier, SmtpSettings
from notifications.carriers.webpush import WebPushCarrier
from notifications.message import Channel, DeliveryStatus, OutboundMessage

EMAIL = OutboundMessage("9", Channel.EMAIL, "reis@example.org", "Olá\nCaso 7K", subject="CASO 7K\nP-014")


class Server:
    """Stands in for smtplib.SMTP."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls: list[str] = []
        self.sent: Any = None

    def __call__(self, host: str, port: int, timeout: float) -> Server:
        self.calls.append(f"{host}:{port} {timeout}")
        return self

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append("quit")

    def starttls(self) -> None:
        self.calls.append("starttls")

    def login(self, user: str, password: str) -> None:
        self.calls.append(f"login {user} {password}")

    def close(self) -> None:
        self.calls.append("close")

    def send_message(self, message: Any) -> None:
        if self.error:
            raise self.error
        self.sent = message


def test_an_email_goes_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    monkeypatch.setattr(smtplib, "SMTP", server)
    carrier = EmailCarrier("smtp://user:p%40ss@mail.example.org?from=study@example.org")
    result = carrier.send(EMAIL)
    assert server.calls == ["mail.example.org:587 8.0", "starttls", "login user p@ss", "quit"]
    assert server.sent["Subject"] == "CASO 7K P-014"  # no header can be injected by a line break
    assert server.sent["To"] == "reis@example.org" and server.sent["From"] == "study@example.org"
    assert server.sent.get_content().strip() == "Olá\nCaso 7K"
    assert result.status is DeliveryStatus.SENT and "9" in result.provider_id


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (smtplib.SMTPRecipientsRefused({}), PermanentFailure),
        (smtplib.SMTPDataError(554, b"no"), PermanentFailure),
        (smtplib.SMTPDataError(451, b"later"), TemporaryFailure),
        (smtplib.SMTPServerDisconnected("gone"), AnswerLost),
        (TimeoutError(), AnswerLost),
        (ConnectionRefusedError(), TemporaryFailure),
    ],
)
def test_what_a_mail_server_can_do_to_us(
    monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[CarrierError]
) -> None:
    monkeypatch.setattr(smtplib, "SMTP", Server(error))
    with pytest.raises(expected):
        EmailCarrier("smtp://mail.example.org?from=study@example.org").send(EMAIL)


@pytest.mark.parametrize(
    ("url", "port", "tls", "starttls"),
    [
        ("smtp://h?from=a@b", 587, False, True),
        ("smtps://h?from=a@b", 465, True, False),
        ("smtp://127.0.0.1:2525?from=a@b&starttls=0", 2525, False, False),
    ],
)
def test_smtp_addresses(url: str, port: int, tls: bool, starttls: bool) -> None:
    settings = SmtpSettings.from_url(url)
    assert (settings.port, settings.tls, settings.starttls) == (port, tls, starttls)


@pytest.mark.parametrize("url", ["", "http://h?from=a@b", "smtp://?from=a@b", "smtp://user:secret@h"])
def test_bad_smtp_addresses_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        SmtpSettings.from_url(url)
    assert "secret" not in str(caught.value)


def test_settings_do_not_show_the_password() -> None:
    assert "secret" not in repr(SmtpSettings.from_url("smtp://a%40b:secret@h"))


PUSH = OutboundMessage(
    "9",
    Channel.WEBPUSH,
    "",
    "CASE 7K",
    sender_lane="pages",
    payload={"subscription": {"endpoint": "https://push.example.org/x"}, "url": "/a/1", "tag": "7K"},
)


def answer(status: int) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.headers["Location"] = "https://push.example.org/m/1"
    return made


def push_with(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def webpush(**arguments: Any) -> requests.Response:
        asked.append(arguments)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    monkeypatch.setattr(webpush_module, "webpush", webpush)
    return asked


def test_a_push_is_urgent_and_says_where_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = push_with(monkeypatch, answer(201))
    result = WebPushCarrier("key", contact="mailto:ops@example.org").send(PUSH)
    assert result.provider_id == "https://push.example.org/m/1"
    assert asked[0]["headers"] == {"Urgency": "high"} and asked[0]["timeout"] == 8.0
    assert json.loads(asked[0]["data"]) == {"title": "Vigilia", "body": "CASE 7K", "url": "/a/1", "tag": "7K"}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (WebPushException("gone", response=answer(410)), PermanentFailure),
        (WebPushException("gone", response=answer(404)), PermanentFailure),
        (WebPushException("bad key", response=answer(403)), PermanentFailure),
        (WebPushException("busy", response=answer(429)), TemporaryFailure),
        (WebPushException("down", response=answer(500)), TemporaryFailure),
        (WebPushException("no answer"), TemporaryFailure),
        (requests.ConnectionError(), TemporaryFailure),
        (requests.ReadTimeout(), AnswerLost),
        (ValueError("bad key"), PermanentFailure),
    ],
)
def test_what_a_push_service_can_do_to_us(
    monkeypatch: pytest.MonkeyPatch, outcome: Exception, expected: type[CarrierError]
) -> None:
    push_with(monkeypatch, outcome)
    with pytest.raises(expected):
        WebPushCarrier("key", contact="mailto:ops@example.org").send(PUSH)


def test_without_a_subscription_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = push_with(monkeypatch, answer(201))
    with pytest.raises(PermanentFailure):
        WebPushCarrier("key", contact="mailto:x").send(OutboundMessage("9", Channel.WEBPUSH, "", "x"))
    assert asked == []


def test_a_real_push_is_encrypted_and_signed() -> None:
    """Through pywebpush itself: what leaves is ciphertext with a VAPID signature."""
    sent: list[dict[str, Any]] = []

    class Session(requests.Session):
        def post(self, url: Any, data: Any = None, json: Any = None, **more: Any) -> requests.Response:
            sent.append({"url": url, "data": data, "headers": more["headers"]})
            return answer(201)

    subscription = {
        "endpoint": "https://push.example.org/x",
        "keys": {
            "p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
            "auth": "tBHItJI5svbpez7KI4CCXg",
        },
    }
    key = Vapid()
    key.generate_keys()
    carrier = WebPushCarrier(key, contact="mailto:ops@example.org", session=Session())  # type: ignore[arg-type]
    carrier.send(OutboundMessage("9", Channel.WEBPUSH, "", "CASE 7K", payload={"subscription": subscription}))
    assert sent[0]["url"] == "https://push.example.org/x"
    assert b"CASE" not in sent[0]["data"]
    assert sent[0]["headers"]["authorization"].startswith("vapid ")
