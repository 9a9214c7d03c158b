"""The Twilio carrier against canned answers: what it asks, and what it makes of every answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from urllib3 import HTTPResponse, PoolManager, ProxyManager
from urllib3.exceptions import (
    ConnectTimeoutError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from notifications.carriers.base import AnswerLost, PermanentFailure, TemporaryFailure
from notifications.carriers.twilio import TwilioCarrier, channel_of, classify
from notifications.carriers.twilio_http import RebasedHttpClient, pool_manager, rebase
from notifications.message import Channel, DeliveryStatus, OutboundMessage

ACCOUNT = "AC" + "0" * 32
S = DeliveryStatus
POOL: Any = None


@dataclass(frozen=True)
class Asked:
    method: str
    url: str
    body: str
    headers: dict[str, str]


class Wire(PoolManager):
    """Answers every request with one canned answer, and keeps what was asked."""

    def __init__(self, status: int = 201, body: Any = None, error: Exception | None = None) -> None:
        super().__init__()
        self.status, self.body, self.error = status, body, error
        self.asked: list[Asked] = []
        self.timeout: Any = None

    def urlopen(self, method: str, url: str, redirect: bool = True, **given: Any) -> Any:
        assert not redirect
        self.asked.append(Asked(method, url, given["body"] or "", given["headers"]))
        self.timeout = given["timeout"]
        if self.error:
            raise self.error
        body = json.dumps(self.body or {"sid": "SM" + "1" * 32, "status": "queued"}).encode()
        return HTTPResponse(body, status=self.status)

    def form(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.asked[-1].body).items()}


def carrier(wire: Wire) -> TwilioCarrier:
    client = RebasedHttpClient("http://127.0.0.1:9/twilio", pools=wire)
    return TwilioCarrier(
        ACCOUNT,
        ("token", "old"),
        from_="+15550000001",
        page_from="+15550000002",
        whatsapp_from="whatsapp:+15550000003",
        http_client=client,
    )


def message(channel: Channel = Channel.SMS, **changes: Any) -> OutboundMessage:
    values: dict[str, Any] = dict(
        key="9",
        channel=channel,
        to="+5516991234567",
        text="hello",
        callback_url="https://e.org/webhooks/twilio/status?attempt=9",
    )
    return OutboundMessage(**(values | changes))


def test_a_text_is_asked_for_with_our_callback_and_time_outs() -> None:
    wire = Wire()
    result = carrier(wire).send(message())
    assert (result.provider_id, result.status) == ("SM" + "1" * 32, S.ACCEPTED)
    assert wire.asked[0].url == f"http://127.0.0.1:9/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert (wire.timeout.connect_timeout, wire.timeout.read_timeout) == (3.0, 8.0)
    assert wire.asked[0].headers["authorization"].startswith("Basic ")
    assert wire.form() == {
        "To": "+5516991234567",
        "From": "+15550000001",
        "Body": "hello",
        "StatusCallback": "https://e.org/webhooks/twilio/status?attempt=9#rc=5&rp=all",
    }


def test_pages_leave_from_their_own_number() -> None:
    wire = Wire()
    carrier(wire).send(message(sender_lane="pages"))
    assert wire.form()["From"] == "+15550000002"


def test_whatsapp_is_addressed_as_such_and_may_use_a_template() -> None:
    wire = Wire()
    payload = {"content_sid": "HX1", "content_variables": {"1": "09:30"}}
    carrier(wire).send(message(Channel.WHATSAPP))
    assert wire.form()["To"] == "whatsapp:+5516991234567" and wire.form()["From"] == "whatsapp:+15550000003"
    assert wire.form()["Body"] == "hello"
    carrier(wire).send(message(Channel.WHATSAPP, payload=payload))
    assert wire.form()["ContentSid"] == "HX1" and json.loads(wire.form()["ContentVariables"]) == {
        "1": "09:30"
    }
    assert "Body" not in wire.form()


def test_a_call_is_answered_by_a_url_or_by_twiml() -> None:
    wire = Wire(body={"sid": "CA" + "1" * 32, "status": "queued"})
    assert (
        carrier(wire)
        .send(message(Channel.VOICE, voice="https://e.org/v?attempt=9"))
        .provider_id.startswith("CA")
    )
    assert wire.asked[0].url and wire.asked[0].url.endswith("/Calls.json")
    assert wire.form()["Url"] == "https://e.org/v?attempt=9#rc=5&rp=all"
    carrier(wire).send(message(Channel.VOICE, voice="<Response/>"))
    assert wire.form()["Twiml"] == "<Response/>" and "Url" not in wire.form()


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.WEBPUSH])
def test_other_channels_are_not_its_own(channel: Channel) -> None:
    wire = Wire()
    with pytest.raises(PermanentFailure):
        carrier(wire).send(message(channel))
    assert wire.asked == []


@pytest.mark.parametrize(
    ("code", "opted_out", "not_mobile"),
    [
        (21610, True, False),
        (21211, False, True),
        (21614, False, True),
        (30005, False, False),
        (21408, False, False),
    ],
)
def test_permanent_refusals(code: int, opted_out: bool, not_mobile: bool) -> None:
    wire = Wire(400, {"code": code, "message": "the number +5516991234567", "status": 400})
    with pytest.raises(PermanentFailure) as caught:
        carrier(wire).send(message())
    error = caught.value
    assert (error.code, error.opted_out, error.not_mobile, error.next_channel) == (
        code,
        opted_out,
        not_mobile,
        True,
    )
    assert "99123" not in str(error)  # the carrier's words repeat the number; ours do not


@pytest.mark.parametrize(
    ("status", "code", "next_channel"),
    [
        (429, 20429, False),
        (503, 20503, True),
        (400, 30003, True),
        (400, 30007, True),
        (400, 99999, True),
        (401, 20003, True),
    ],
)
def test_temporary_refusals(status: int, code: int, next_channel: bool) -> None:
    wire = Wire(status, {"code": code, "message": "no", "status": status})
    with pytest.raises(TemporaryFailure) as caught:
        carrier(wire).send(message())
    assert caught.value.next_channel is next_channel


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_server_error_may_have_sent_it(status: int) -> None:
    with pytest.raises(AnswerLost):
        carrier(Wire(status, {"message": "oops"})).send(message())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectTimeoutError(POOL, "slow"), TemporaryFailure),
        (NewConnectionError(POOL, "refused"), TemporaryFailure),
        (ProxyError("no proxy", NewConnectionError(POOL, "refused")), TemporaryFailure),
        (ProxyError("broken", ProtocolError("aborted")), AnswerLost),
        (ProtocolError("aborted"), AnswerLost),
        (ReadTimeoutError(POOL, "/", "slow"), AnswerLost),
        (SSLError("broken"), AnswerLost),
    ],
)
def test_only_a_connection_that_never_was_proves_that_nothing_was_sent(
    error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        carrier(Wire(error=error)).send(message())


def test_a_failed_send_is_tried_once() -> None:
    wire = Wire(503, {"code": 20503, "message": "busy"})
    with pytest.raises(TemporaryFailure):
        carrier(wire).send(message())
    assert len(wire.asked) == 1


def record(**changes: Any) -> dict[str, Any]:
    return {
        "sid": "SM" + "2" * 32,
        "status": "sent",
        "direction": "outbound-api",
        "to": "+5516991234567",
        "from": "+15550000001",
        "body": "hello",
        "date_created": "Mon, 02 Mar 2026 06:12:00 +0000",
        "date_sent": "Mon, 02 Mar 2026 06:12:01 +0000",
        "error_code": None,
    } | changes


SINCE = datetime(2026, 3, 2, 6, 0, tzinfo=timezone.utc)


def test_an_unknown_attempt_is_looked_up_by_recipient_and_time() -> None:
    wire = Wire(200, {"messages": [record(), record(direction="inbound", sid="SM" + "3" * 32)]})
    found = carrier(wire).find_sent("+5516991234567", SINCE)
    assert [(sent.provider_id, sent.status, sent.text) for sent in found] == [
        ("SM" + "2" * 32, S.SENT, "hello")
    ]
    assert found[0].created_at == datetime(2026, 3, 2, 6, 12, tzinfo=timezone.utc)
    assert "To=%2B5516991234567" in str(wire.asked[0].url)
    assert "DateSent%3E=2026-03-02T06" in str(wire.asked[0].url)


def test_inbound_texts_are_polled_on_all_our_numbers() -> None:
    wire = Wire(
        200, {"messages": [record(direction="inbound", status="received", **{"from": "whatsapp:+551699"})]}
    )
    found = carrier(wire).list_inbound(SINCE)
    assert len(wire.asked) == 3
    assert {inbound.channel for inbound in found} == {Channel.WHATSAPP}
    assert found[0].from_ == "+551699" and found[0].text == "hello"


def test_one_message_is_fetched() -> None:
    wire = Wire(200, record(status="undelivered", error_code=30003))
    sent = carrier(wire).fetch("SM" + "2" * 32)
    assert (sent.status, sent.code) == (S.UNDELIVERED, 30003)


@pytest.mark.parametrize(
    ("word", "code", "status", "next_channel"),
    [
        ("queued", None, S.ACCEPTED, False),
        ("sending", "", S.SENDING, False),
        ("sent", None, S.SENT, False),
        ("delivered", None, S.DELIVERED, False),
        ("read", None, S.DELIVERED, False),
        ("undelivered", "30003", S.UNDELIVERED, True),
        ("undelivered", None, S.UNDELIVERED, True),
        ("failed", "30005", S.FAILED_PERMANENT, True),
        ("failed", "21610", S.FAILED_PERMANENT, True),
        ("failed", "30007", S.FAILED_TEMPORARY, True),
        ("failed", "12345", S.FAILED_TEMPORARY, True),
        ("failed", "abc", S.FAILED_TEMPORARY, True),
        ("busy", None, S.UNDELIVERED, True),
        ("no-answer", None, S.UNDELIVERED, True),
        ("completed", None, S.DELIVERED, False),
        ("teleported", None, S.FAILED_TEMPORARY, True),
    ],
)
def test_receipts(word: str, code: str | None, status: DeliveryStatus, next_channel: bool) -> None:
    outcome = classify(word, code)
    assert (outcome.status, outcome.next_channel) == (status, next_channel)


def test_an_opt_out_is_seen_in_a_receipt() -> None:
    assert classify("failed", 21610).opted_out and classify("undelivered", 21610).opted_out


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://api.twilio.com", "https://api.twilio.com/2010-04-01/x.json?a=1"),
        ("http://127.0.0.1:8000/twilio/", "http://127.0.0.1:8000/twilio/2010-04-01/x.json?a=1"),
        ("http://sim:81", "http://sim:81/2010-04-01/x.json?a=1"),
    ],
)
def test_rebase(base: str, expected: str) -> None:
    assert rebase("https://api.twilio.com/2010-04-01/x.json?a=1", base) == expected


def test_the_environment_names_proxy_and_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://reader:secret@proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", "sim.test")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    pools = pool_manager("https://api.twilio.com", 4)
    assert isinstance(pools, ProxyManager) and pools.proxy is not None and pools.proxy.host == "proxy.test"
    assert "proxy-authorization" in pools.proxy_headers
    assert pools.connection_pool_kw["ca_cert_dir"] == str(tmp_path)
    assert not isinstance(pool_manager("https://sim.test", 4), ProxyManager)


def test_addresses() -> None:
    assert channel_of("whatsapp:+551") == (Channel.WHATSAPP, "+551")
    assert channel_of("+551") == (Channel.SMS, "+551")
