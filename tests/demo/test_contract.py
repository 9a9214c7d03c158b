"""Every call we make and every answer the simulator gives, against Twilio's own API description."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from twilio.http import HttpClient

from notifications.carriers.twilio import TwilioCarrier
from notifications.carriers.twilio_codes import WORDS
from notifications.message import Channel, OutboundMessage
from service.demo.inprocess import InProcessTwilioHttpClient
from service.demo.simulator import Simulator, create_simulator

SHARED = Path(os.environ.get("VIGILIA_SHARED", Path(__file__).parents[3] / "shared"))
DESCRIPTION = SHARED / "data" / "twilio" / "twilio_api_v2010.json"
START = datetime(2026, 3, 2, 6, 12, tzinfo=timezone.utc)
ACCOUNT = "AC" + "0" * 32

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason=f"Twilio's API description is not in {SHARED.name}/data/twilio"
)


@pytest.fixture(scope="module")
def api() -> Any:
    return json.loads(DESCRIPTION.read_text())


class Recording(HttpClient):  # type: ignore[misc]
    """Lets each exchange through and keeps it."""

    def __init__(self, inner: HttpClient) -> None:
        super().__init__(inner.logger, False, None)
        self.inner = inner
        self.exchanges: list[tuple[str, str, dict[str, Any], dict[str, Any], Any]] = []

    def request(self, method: str, uri: str, params: Any = None, data: Any = None, **more: Any) -> Any:
        answer = self.inner.request(method, uri, params=params, data=data, **more)
        path = uri.split("?")[0].removeprefix("https://api.twilio.com")
        self.exchanges.append((method.lower(), path, params or {}, data or {}, answer))
        return answer


@pytest.fixture(scope="module")
def exchanges() -> Any:
    """Everything the carrier ever asks, once."""
    simulator = Simulator(ACCOUNT, "token", now=lambda: START)
    for number in ("+15550000001", "+15550000003"):
        simulator.own(number)
    client = Recording(InProcessTwilioHttpClient(create_simulator(simulator)))
    carrier = TwilioCarrier(
        ACCOUNT, ("token",), from_="+15550000001", whatsapp_from="+15550000003", http_client=client
    )
    to, callback = "+5516992220001", "https://e.org/status?attempt=1"
    text = carrier.send(OutboundMessage("1", Channel.SMS, to, "a", callback_url=callback))
    carrier.send(OutboundMessage("2", Channel.WHATSAPP, to, "b", callback_url=callback))
    template = {"content_sid": "HX" + "0" * 32, "content_variables": {"1": "x"}}
    carrier.send(OutboundMessage("3", Channel.WHATSAPP, to, "c", payload=template))
    call = carrier.send(
        OutboundMessage("4", Channel.VOICE, to, "d", voice="https://e.org/v", callback_url=callback)
    )
    carrier.send(OutboundMessage("5", Channel.VOICE, to, "e", voice="<Response/>"))
    simulator.deliver()
    simulator.receive(to, "+15550000001", "38,7")
    carrier.fetch(text.provider_id)
    carrier.fetch(call.provider_id)
    carrier.find_sent(to, START)
    carrier.find_calls(to, START)
    carrier.list_inbound(START)
    return client.exchanges


def operation(api: Any, method: str, path: str) -> Any:
    """The described operation for a path that was called."""
    parts = path.split("/")
    for known, methods in api["paths"].items():
        shape = known.split("/")
        if len(shape) == len(parts) and all(
            ours == theirs or (theirs.startswith("{") and theirs.count(".") == ours.count("."))
            for ours, theirs in zip(parts, shape, strict=True)
        ):
            if method in methods:
                return methods[method]
    raise AssertionError(f"Twilio describes no {method} {path}")


def resolve(api: Any, schema: Any) -> Any:
    while "$ref" in schema:
        target: Any = api
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target
    return schema


def check_value(api: Any, schema: Any, value: Any, where: str) -> None:
    """The part of JSON Schema that Twilio's description uses."""
    described = resolve(api, schema)
    if value is None:
        assert described.get("nullable") or schema.get("nullable"), f"{where} may not be null"
        return
    if "enum" in described:
        assert value in described["enum"], f"{where}: {value} is not one of {described['enum']}"
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "object": dict,
        "array": list,
        "boolean": bool,
    }
    if kind := described.get("type"):
        assert isinstance(value, kinds[kind]), f"{where}: {value!r} is no {kind}"
    if "pattern" in described:
        import re

        assert re.search(
            described["pattern"], value
        ), f"{where}: {value} does not match {described['pattern']}"
    for name, part in described.get("properties", {}).items():
        assert name in value, f"{where} lacks {name}"
        check_value(api, part, value[name], f"{where}.{name}")
    if described.get("type") == "object" and described.get("properties"):
        assert set(value) <= set(described["properties"]), f"{where} has more than Twilio describes"
    for place, item in enumerate(value if described.get("type") == "array" else []):
        check_value(api, described["items"], item, f"{where}[{place}]")


def test_all_six_operations_are_exercised(api: Any, exchanges: Any) -> None:
    used = {operation(api, method, path)["operationId"] for method, path, *_ in exchanges}
    assert used == {"CreateMessage", "FetchMessage", "ListMessage", "CreateCall", "FetchCall", "ListCall"}


def test_every_parameter_we_send_exists(api: Any, exchanges: Any) -> None:
    for method, path, params, data, _ in exchanges:
        described = operation(api, method, path)
        names = {parameter["name"] for parameter in described.get("parameters", [])}
        assert {name for name, value in params.items() if value is not None} <= names, path
        if method == "post":
            form = next(iter(described["requestBody"]["content"].values()))["schema"]
            sent = {name: value for name, value in data.items() if value is not None}
            assert set(sent) <= set(form["properties"]), path
            assert set(form.get("required", [])) <= set(sent), path


def test_every_answer_has_the_described_shape(api: Any, exchanges: Any) -> None:
    for method, path, _, _, answer in exchanges:
        described = operation(api, method, path)["responses"]
        assert str(answer.status_code) in described, path
        schema = next(iter(described[str(answer.status_code)]["content"].values()))["schema"]
        check_value(api, schema, json.loads(answer.text), path)


def test_every_status_word_of_twilio_is_in_our_table(api: Any) -> None:
    schemas = api["components"]["schemas"]
    for name in ("message_enum_status", "call_enum_status"):
        assert set(schemas[name]["enum"]) <= set(WORDS)
