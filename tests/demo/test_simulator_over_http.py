"""The same carrier over a real socket, mounted below a path, as the demo serves it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from notifications.carriers.base import AnswerLost, TemporaryFailure
from notifications.carriers.twilio import TwilioCarrier
from notifications.message import Channel, OutboundMessage
from service.demo.simulator import Simulator, create_simulator

START = datetime(2026, 3, 2, 6, 12, tzinfo=timezone.utc)
ACCOUNT = "AC" + "0" * 32
TEXT = OutboundMessage("1", Channel.SMS, "+5516992220001", "hello")


@pytest.fixture
def simulator() -> Simulator:
    simulator = Simulator(ACCOUNT, "token", now=lambda: START)
    simulator.own("+15550000001")
    return simulator


def carrier(base: str) -> TwilioCarrier:
    return TwilioCarrier(ACCOUNT, ("token",), from_="+15550000001", api_base=base)


@pytest.fixture
def base(simulator: Simulator) -> Iterator[str]:
    def nothing(environ: object, start_response: object) -> list[bytes]:
        raise AssertionError("only the mounted simulator is asked")

    application = DispatcherMiddleware(nothing, {"/twilio": create_simulator(simulator)})  # type: ignore[arg-type]
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/twilio"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_a_text_goes_and_is_found(simulator: Simulator, base: str) -> None:
    sid = carrier(base).send(TEXT).provider_id
    simulator.deliver()
    assert [sent.provider_id for sent in carrier(base).find_sent(TEXT.to, START)] == [sid]


def test_an_answer_lost_on_the_wire_is_found_again(simulator: Simulator, base: str) -> None:
    simulator.faults.lose_answer = 1
    with pytest.raises(AnswerLost):
        carrier(base).send(TEXT)
    assert [sent.text for sent in carrier(base).find_sent(TEXT.to, START)] == ["hello"]


def test_a_closed_port_took_nothing() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        with pytest.raises(TemporaryFailure) as caught:
            carrier(f"http://127.0.0.1:{reserved.getsockname()[1]}").send(TEXT)
    assert caught.value.next_channel
