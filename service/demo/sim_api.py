"""The simulated carrier's REST API: Messages and Calls, create, fetch and list, as Twilio answers them."""

from __future__ import annotations

import json
import re
import socket
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from service.demo.sim_shapes import VERSION, call_json, message_json
from service.demo.sim_state import Call, Json, Text

if TYPE_CHECKING:
    from service.demo.simulator import Simulator

FAULT_HEADER = "X-Simulator-Fault"
_E164 = re.compile(r"^\+[1-9]\d{6,14}$")
_PATH = re.compile(rf"^/{VERSION}/Accounts/([^/]+)/(Messages|Calls)(?:/([^/]+))?\.json$")


@dataclass(frozen=True)
class Asked:
    """One request to the API. `on_wire`: it came through a socket."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    login: tuple[str | None, str | None]
    on_wire: bool = False


@dataclass(frozen=True)
class Told:
    """Its answer. `fault` "lose_answer": the asker must not see it."""

    status: int
    body: Json
    fault: str = ""


class Refusal(Exception):
    """An error answer of the API."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class ConnectionRefused(Exception):
    """Only in-process: nobody listens at the address."""


class SimulatorApi:
    """The API, to be asked in-process (`ask`) or served as a WSGI application. Its paths are Twilio's own, below
    wherever it is mounted."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        wire: socket.socket | None = environ.get("werkzeug.socket")
        login = request.authorization
        told = self.ask(
            Asked(
                request.method, request.path, request.args.to_dict(), request.form.to_dict(),
                (login.username, login.password) if login else (None, None), on_wire=wire is not None,
            )
        )  # fmt: skip
        response = Response(json.dumps(told.body), told.status, content_type="application/json")
        if told.fault == "lose_answer":
            response.headers[FAULT_HEADER] = told.fault
            if wire is not None:
                wire.shutdown(socket.SHUT_RDWR)
        return response(environ, start_response)

    def ask(self, asked: Asked) -> Told:
        """The answer to one request. Raises ConnectionRefused in-process."""
        try:
            return self._answer(asked)
        except Refusal as error:
            self._simulator.refused.append((error.status, error.code))
            body = {
                "code": error.code,
                "message": error.message,
                "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
                "status": error.status,
            }
            return Told(error.status, body)

    def _answer(self, asked: Asked) -> Told:
        simulator, found = self._simulator, _PATH.match(asked.path)
        if asked.login != (simulator.account_sid, simulator.auth_token):
            raise Refusal(401, 20003, "Authenticate")
        account, resource, sid = found.groups() if found else ("", "", None)
        do = _WAYS.get((asked.method, resource, sid is not None))
        if account != simulator.account_sid or do is None:
            raise Refusal(404, 20404, "The requested resource was not found")
        return do(simulator, asked, sid or "")


def create_simulator(simulator: Simulator) -> SimulatorApi:
    """The carrier's API, a WSGI application."""
    return SimulatorApi(simulator)


def _create_message(simulator: Simulator, asked: Asked, _sid: str) -> Told:
    fault = _fault(simulator, asked)
    text = _new_text(simulator, asked.form)
    simulator.accept(text, silent=fault == "silent")
    return Told(201, message_json(simulator, text, "queued"), fault)


def _list_messages(simulator: Simulator, asked: Asked, _sid: str) -> Told:
    texts = _listed(simulator, asked.query)
    return _page(simulator, asked, "Messages", texts, lambda text: message_json(simulator, text))


def _fetch_message(simulator: Simulator, _asked: Asked, sid: str) -> Told:
    text = simulator.find(sid)
    if text is None:
        raise Refusal(404, 20404, "The requested resource was not found")
    return Told(200, message_json(simulator, text))


def _create_call(simulator: Simulator, asked: Asked, _sid: str) -> Told:
    fault = _fault(simulator, asked)
    call = _new_call(simulator, asked.form)
    simulator.desk.accept(call)
    return Told(201, call_json(simulator, call, "queued"), fault)


def _list_calls(simulator: Simulator, asked: Asked, _sid: str) -> Told:
    since, to = _instant(asked.query.get("StartTime>")), asked.query.get("To")
    found = [call for call in simulator.calls if to in (None, call.to) and (since is None or call.at >= since)]
    return _page(simulator, asked, "Calls", found[::-1], lambda call: call_json(simulator, call))


def _fetch_call(simulator: Simulator, _asked: Asked, sid: str) -> Told:
    call = simulator.desk.calls.get(sid)
    if call is None:
        raise Refusal(404, 20404, "The requested resource was not found")
    return Told(200, call_json(simulator, call))


# (method, resource, whether one is named) -> what answers
_WAYS: Mapping[tuple[str, str, bool], Callable[[Simulator, Asked, str], Told]] = {
    ("POST", "Messages", False): _create_message,
    ("GET", "Messages", False): _list_messages,
    ("GET", "Messages", True): _fetch_message,
    ("POST", "Calls", False): _create_call,
    ("GET", "Calls", False): _list_calls,
    ("GET", "Calls", True): _fetch_call,
}


def _fault(simulator: Simulator, asked: Asked) -> str:
    with simulator.lock:
        simulator.requests += 1
        fault = simulator.faults.next(simulator.requests)
    if simulator.faults.delay and asked.on_wire:
        threading.Event().wait(simulator.faults.delay)
    if fault == "http_500":
        raise Refusal(500, 20500, "Internal Server Error")
    if fault == "http_503" or (fault == "refuse" and asked.on_wire):
        raise Refusal(
            503, 20503, "Service Unavailable"
        )  # a listening socket cannot refuse: the nearest it can do
    if fault == "http_429":
        raise Refusal(429, 20429, "Too Many Requests")
    if fault == "refuse":
        raise ConnectionRefused
    return fault


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
    simulator: Simulator, asked: Asked, resource: str, items: list[Any], shown: Callable[[Any], Json]
) -> Told:
    size = max(1, min(1000, int(asked.query.get("PageSize", 50))))
    number = max(0, int(asked.query.get("Page", 0)))
    first, last = number * size, (number + 1) * size
    path = f"/{VERSION}/Accounts/{simulator.account_sid}/{resource}.json"
    others = [(k, v) for k, v in asked.query.items() if k not in ("Page", "PageToken")]

    def uri(page: int) -> str:
        return f"{path}?{urlencode([*others, ('Page', page)])}"

    body = {
        resource.lower(): [shown(item) for item in items[first:last]],
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1) if last < len(items) else None,
        "previous_page_uri": uri(number - 1) if number else None,
        "page": number,
        "page_size": size,
        "start": first,
        "end": max(first, min(last, len(items)) - 1),
        "uri": uri(number),
    }
    return Told(200, body)
