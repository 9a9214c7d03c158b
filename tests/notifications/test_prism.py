"""Our carrier against a second server that is not ours: Stoplight Prism, which serves Twilio's own API description.

`make prism` installs it. It validates what we ask (422 otherwise) and answers with Twilio's examples.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
import requests

from notifications.carriers.base import CarrierError
from notifications.carriers.twilio import TwilioCarrier
from notifications.message import Channel, DeliveryStatus, OutboundMessage

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("VIGILIA_SHARED", ROOT.parent / "shared"))
DESCRIPTION = SHARED / "data" / "twilio" / "twilio_api_v2010.json"
PRISM = Path(sys.prefix) / "prism" / "node_modules" / ".bin" / "prism"
ACCOUNT, TO = "AC" + "0" * 32, "+5516992220001"
SINCE = datetime(2026, 3, 2, tzinfo=timezone.utc)
CALLBACK = "https://e.org/webhooks/twilio/status?attempt=1"

pytestmark = [
    pytest.mark.prism,
    pytest.mark.skipif(
        not DESCRIPTION.exists(), reason=f"Twilio's API description is not in {SHARED.name}/data/twilio"
    ),
    pytest.mark.skipif(
        not PRISM.exists() or shutil.which("node") is None, reason="Prism is not installed: run `make prism`"
    ),
]


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [str(PRISM), "mock", "-h", "127.0.0.1", "-p", str(port), str(DESCRIPTION)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    address, pause = f"http://127.0.0.1:{port}", threading.Event()
    try:
        for _ in range(300):
            assert process.poll() is None, "Prism ended at its start"
            try:
                requests.get(address, timeout=5)
                break
            except requests.ConnectionError:
                pause.wait(0.2)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="module")
def carrier(prism: str) -> TwilioCarrier:
    return TwilioCarrier(
        ACCOUNT, ("token",), from_="+15550000001", whatsapp_from="+15550000003", api_base=prism, read=30.0
    )


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP])
def test_a_text_is_taken(carrier: TwilioCarrier, channel: Channel) -> None:
    answer = carrier.send(OutboundMessage("1", channel, TO, "Olá, não é nada", callback_url=CALLBACK))
    assert answer.provider_id.startswith("SM") and answer.status is DeliveryStatus.ACCEPTED


def test_an_approved_whatsapp_text_is_taken(carrier: TwilioCarrier) -> None:
    payload = {"content_sid": "HX" + "a" * 32, "content_variables": {"1": "09:30"}}
    answer = carrier.send(OutboundMessage("1", Channel.WHATSAPP, TO, "", callback_url=CALLBACK, payload=payload))
    assert answer.provider_id.startswith("SM")


@pytest.mark.parametrize("voice", ["https://e.org/webhooks/twilio/voice/1", "<Response/>"])
def test_a_call_is_taken(carrier: TwilioCarrier, voice: str) -> None:
    """Without a callback: Prism reads a repeated form field (StatusCallbackEvent) as one string and refuses it."""
    answer = carrier.send(OutboundMessage("1", Channel.VOICE, TO, "", voice=voice))
    assert answer.provider_id.startswith("CA")


def test_a_text_and_a_call_are_fetched(carrier: TwilioCarrier) -> None:
    text, call = carrier.fetch("SM" + "0" * 32), carrier.fetch("CA" + "0" * 32)
    assert text.provider_id.startswith("SM") and text.channel is Channel.SMS
    assert call.provider_id.startswith("CA") and call.channel is Channel.VOICE
    assert text.created_at.tzinfo is not None and call.created_at.tzinfo is not None


def test_texts_and_calls_are_listed(carrier: TwilioCarrier) -> None:
    assert all(one.provider_id.startswith(("SM", "MM")) for one in carrier.find_sent(TO, SINCE, limit=2))
    assert {one.channel for one in carrier.find_calls(TO, SINCE, limit=2)} == {Channel.VOICE}
    inbound = carrier.list_inbound(SINCE, limit=2)
    assert inbound and all(one.sent_at.tzinfo is not None for one in inbound)


def test_it_refuses_what_the_description_forbids(carrier: TwilioCarrier) -> None:
    """So that the tests above mean something."""
    with pytest.raises(CarrierError):
        carrier.fetch("SMnonsense")
