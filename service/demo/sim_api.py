"""The simulated carrier's REST API: Messages and Calls, create, fetch and list, as Twilio answers them."""

from __future__ import annotations

import json
import re
import socket
import threading
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, request

from service.demo.sim_shapes import VERSION, call_json, message_json
from service.demo.sim_state import Call, Json, Text

if TYPE_CHECKING:
    from service.demo.simulator import Simulator

FAULT_HEADER = "X-Simulator-Fault"
_E164 = re.compile(r"^\+[1-9]\d{6,14}$")


class Refusal(Exception):
    """An error answer of the API."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def create_simulator(simulator: Simulator) -> Flask:
    """The WSGI application. Its paths are Twilio's own, below wherever it is mounted."""
    app = Flask("simulator", static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # ConnectionRefused must reach the caller
    prefix = f"/{VERSION}/Accounts/<account>"

    @app.errorhandler(Refusal)
    def refused(error: Refusal) -> tuple[Response, int]:
        simulator.refused.append((error.status, error.code))
        body = {
            "code": error.code,
            "message": error.message,
            "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
            "status": error.status,
        }
        return jsonify(body), error.status

    @app.before_request
    def authenticate() -> None:
        given = request.authorization
        if not given or (given.username, given.password) != (simulator.account_sid, simulator.auth_token):
            raise Refusal(401, 20003, "Authenticate")
        if (request.view_args or {}).get("account") != simulator.account_sid:
            raise Refusal(404, 20404, "The requested resource was not found")

    @app.post(f"{prefix}/Messages.json")
    def create_message(account: str) -> Response:
        fault = _fault(simulator)
        text = _new_text(simulator, request.form)
        simulator.accept(text, silent=fault == "silent")
        return _answer(message_json(simulator, text, "queued"), 201, fault)

    @app.get(f"{prefix}/Messages.json")
    def list_messages(account: str) -> Response:
        texts = _listed(simulator, request.args)
        return _page(simulator, "Messages", "messages", texts, lambda text: message_json(simulator, text))

    @app.get(f"{prefix}/Messages/<sid>.json")
    def fetch_message(account: str, sid: str) -> Response:
        text = simulator.find(sid)
        if text is None:
            raise Refusal(404, 20404, "The requested resource was not found")
        return jsonify(message_json(simulator, text))

    @app.post(f"{prefix}/Calls.json")
    def create_call(account: str) -> Response:
        fault = _fault(simulator)
        call = _new_call(simulator, request.form)
        simulator.desk.accept(call)
        return _answer(call_json(simulator, call, "queued"), 201, fault)

    @app.get(f"{prefix}/Calls.json")
    def list_calls(account: str) -> Response:
        since = _instant(request.args.get("StartTime>"))
        to = request.args.get("To")
        found = [
            call for call in simulator.calls if to in (None, call.to) and (since is None or call.at >= since)
        ]
        return _page(simulator, "Calls", "calls", found[::-1], lambda call: call_json(simulator, call))

    @app.get(f"{prefix}/Calls/<sid>.json")
    def fetch_call(account: str, sid: str) -> Response:
        call = simulator.desk.calls.get(sid)
        if call is None:
            raise Refusal(404, 20404, "The requested resource was not found")
        return jsonify(call_json(simulator, call))

    return app


def _fault(simulator: Simulator) -> str:
    with simulator.lock:
        simulator.requests += 1
        fault = simulator.faults.next(simulator.requests)
    if simulator.faults.delay and "werkzeug.socket" in request.environ:
        threading.Event().wait(simulator.faults.delay)
    if fault == "http_500":
        raise Refusal(500, 20500, "Internal Server Error")
    if fault == "http_503" or (fault == "refuse" and "werkzeug.socket" in request.environ):
        raise Refusal(
            503, 20503, "Service Unavailable"
        )  # a listening socket cannot refuse: the nearest it can do
    if fault == "http_429":
        raise Refusal(429, 20429, "Too Many Requests")
    if fault == "refuse":
        raise ConnectionRefused
    return fault


class ConnectionRefused(Exception):
    """Only in-process: nobody listens at the address."""


def _answer(body: Json, status: int, fault: str) -> Response:
    response = jsonify(body)
    response.status_code = status
    if fault == "lose_answer":
        response.headers[FAULT_HEADER] = fault
        wire: socket.socket | None = request.environ.get("werkzeug.socket")
        if wire is not None:
            wire.shutdown(socket.SHUT_RDWR)
    return response


def _new_text(simulator: Simulator, form: Any) -> Text:
    to, from_ = form.get("To", ""), form.get("From", "")
    if not to:
        raise Refusal(400, 21604, "A 'To' phone number is required.")
    if not from_:
        raise Refusal(400, 21603, "A 'From' phone number is required.")
    if not (form.get("Body") or form.get("ContentSid") or form.get("MediaUrl")):
        raise Refusal(400, 21602, "Message body is required.")
    channel = "whatsapp" if to.startswith("whatsapp:") else "sms"
    if (channel == "whatsapp") != from_.startswith("whatsapp:"):
        raise Refusal(400, 21910, "Invalid From and To pair. From and To should be of the same channel")
    to, from_ = to.removeprefix("whatsapp:"), from_.removeprefix("whatsapp:")
    _check_numbers(simulator, to, from_, 21606)
    if channel == "sms" and (to, from_) in simulator.opted_out:
        raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
    body = form.get("Body") or _approved_text(simulator, form)
    return Text(
        simulator.new_sid("SM"),
        from_,
        to,
        body,
        channel,
        "outbound-api",
        "queued",
        simulator.now(),
        callback=form.get("StatusCallback", ""),
        approved=bool(form.get("ContentSid")),
    )


def _approved_text(simulator: Simulator, form: Any) -> str:
    sid, variables = form.get("ContentSid", "media"), form.get("ContentVariables", "")
    if sid not in simulator.contents:
        return f"[{sid}] {variables}".strip()
    text = simulator.contents[sid]
    for place, value in json.loads(variables or "{}").items():
        text = text.replace("{{" + place + "}}", value)
    return text


def _new_call(simulator: Simulator, form: Any) -> Call:
    if not (form.get("Url") or form.get("Twiml")):
        raise Refusal(400, 21205, "Url parameter is required.")
    to, from_ = form.get("To", ""), form.get("From", "")
    _check_numbers(simulator, to, from_, 21210)
    return Call(
        simulator.new_sid("CA"),
        from_,
        to,
        form.get("Url", ""),
        form.get("Twiml", ""),
        form.get("StatusCallback", ""),
        "queued",
        simulator.now(),
        timeout=int(form.get("Timeout", 60)),
    )


def _check_numbers(simulator: Simulator, to: str, from_: str, not_ours: int) -> None:
    if not _E164.match(to):
        raise Refusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if simulator.numbers and from_ not in simulator.numbers:
        raise Refusal(400, not_ours, f"The 'From' number {from_} is not a number of this account.")


def _listed(simulator: Simulator, wanted: Any) -> list[Text]:
    """What a list call asks for, newest first. Both lists are in order of time: only the asked stretch is read."""
    since, before = _instant(wanted.get("DateSent>")), _instant(wanted.get("DateSent<"))
    to, from_ = wanted.get("To"), wanted.get("From")
    found = []
    for texts in (simulator.texts, simulator.inbound):
        start = 0 if since is None else bisect_left(texts, since, key=lambda text: text.at)
        found += [
            text
            for text in texts[start:]
            if (before is None or text.at <= before)
            and to in (None, text.address(text.to))
            and from_ in (None, text.address(text.from_))
        ]
    return sorted(found, key=lambda text: (text.at, text.sid), reverse=True)


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _page(
    simulator: Simulator, resource: str, key: str, items: list[Any], shown: Callable[[Any], Json]
) -> Response:
    size = max(1, min(1000, int(request.args.get("PageSize", 50))))
    number = max(0, int(request.args.get("Page", 0)))
    first, last = number * size, (number + 1) * size
    path = f"/{VERSION}/Accounts/{simulator.account_sid}/{resource}.json"
    others = [(k, v) for k, v in request.args.items() if k not in ("Page", "PageToken")]

    def uri(page: int) -> str:
        return f"{path}?{urlencode([*others, ('Page', page)])}"

    return jsonify(
        {
            key: [shown(item) for item in items[first:last]],
            "first_page_uri": uri(0),
            "next_page_uri": uri(number + 1) if last < len(items) else None,
            "previous_page_uri": uri(number - 1) if number else None,
            "page": number,
            "page_size": size,
            "start": first,
            "end": max(first, min(last, len(items)) - 1),
            "uri": uri(number),
        }
    )
