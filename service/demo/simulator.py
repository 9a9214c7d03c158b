"""A Twilio-compatible carrier that delivers to made-up phones.

It speaks the part of Twilio's REST API that we use (`create_simulator`, a WSGI application), signs its
webhooks as Twilio
does, and fails on demand. Nothing happens by itself: `deliver()` brings everything pending on its way, in
order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlencode

from notifications.carriers.signature import sign
from service.demo.inprocess import call
from service.demo.sim_api import create_simulator
from service.demo.sim_calls import CallDesk
from service.demo.sim_phone import SimulatedPhone
from service.demo.sim_state import Call, Faults, Pending, Post, Text

# Twilio's default keywords; what else means stop (PARAR) is ours to understand.
STOP_WORDS = frozenset("STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT".split())
START_WORDS = frozenset("START YES UNSTOP".split())


class Simulator:
    """The carrier. `now` is the clock that dates what happens; `post` is how webhooks reach us (see
    `wire`)."""

    def __init__(
        self,
        account_sid: str = "AC" + "0" * 32,
        auth_token: str = "demo-token",
        *,
        public_url: str = "http://localhost",
        post: Post | None = None,
        now: Callable[[], datetime],
    ) -> None:
        self.account_sid, self.auth_token = account_sid, auth_token
        self.public_url = public_url.rstrip("/")
        self.post = post
        self.now = now
        self.lock = threading.RLock()
        self.faults = Faults()
        self.numbers: dict[str, str] = {}
        self.contents: dict[str, str] = {}  # content id -> the approved text, with {{1}}, {{2}}
        self.texts: list[Text] = []
        self.inbound: list[Text] = []
        self.opted_out: set[tuple[str, str]] = set()
        self.keyword_replies = False
        self.requests = 0
        self.refused: list[tuple[int, int]] = []  # (HTTP status, code) of each request that was refused
        self.desk = CallDesk(self)
        self._by_sid: dict[str, Text] = {}
        self._events: list[tuple[Text, str]] = []
        self._pending: list[Pending] = []
        self._serial = 0

    # --- wiring

    def own(self, number: str, sms_url: str = "") -> None:
        """Make `number` one of our senders; texts to it are posted to `sms_url`."""
        self.numbers[bare(number)] = sms_url or f"{self.public_url}/webhooks/twilio/sms"

    def wire(self, application: Any) -> None:
        """Post webhooks straight into a WSGI application, without a socket."""
        def post(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
            answer = call(application, "POST", url, body=urlencode(form).encode(), headers=headers)
            return answer.status, answer.text

        self.post = post

    def new_sid(self, prefix: str) -> str:
        with self.lock:
            self._serial += 1
            return f"{prefix}{self._serial:032x}"

    # --- phones

    def phone(self, number: str) -> SimulatedPhone:
        return SimulatedPhone(self, number)

    @property
    def calls(self) -> list[Call]:
        return list(self.desk.calls.values())

    def answer(self, call: Call) -> None:
        """The phone is picked up: what is said lands in `call.said`."""
        self.desk.answer(call)

    def press(self, call: Call, digits: str) -> None:
        """Keys are pressed on a call (picked up first if it still rings)."""
        self.desk.press(call, digits)

    def hang_up(self, call: Call) -> None:
        """The callee hangs up, or refuses the call while it rings."""
        self.desk.hang_up(call)

    # --- out: towards phones

    def accept(self, text: Text, *, silent: bool = False) -> None:
        """The API took a text: it is on its way, and will be reported."""
        with self.lock:
            self.texts.append(text)
            self._by_sid[text.sid] = text
            if not (silent or self.faults.silent):
                last = "undelivered" if text.to in self.faults.undelivered else "delivered"
                if self.faults.whatsapp_window and self._needs_template(text):
                    text.code, last = 63016, "failed"
                self._events += [(text, "sent"), (text, last)]

    def _needs_template(self, text: Text) -> bool:
        since = self.now() - timedelta(hours=24)
        heard = any(one.channel == "whatsapp" and one.from_ == text.to and one.at > since for one in self.inbound)
        return text.channel == "whatsapp" and not text.approved and not heard

    def find(self, sid: str) -> Text | None:
        return self._by_sid.get(sid)

    def deliver(self) -> int:
        """Bring what is pending on its way: deliveries, then their reports, then webhooks to be repeated. How
        many."""
        with self.lock:
            events, self._events = self._events, []
            reports = [self._happen(text, word) for text, word in events]
            again, self._pending = self._pending, []
        posts = [report for report in reports if report and not self.faults.no_callbacks]
        if self.faults.reverse:
            posts.reverse()
        for pending in posts:
            for _ in range(2 if self.faults.double else 1):
                self.push(pending)
        for pending in again:
            self.push(pending)
        return len(events) + len(again) + self.desk.move_on()

    def _happen(self, text: Text, word: str) -> Pending | None:
        text.status = word
        if word == "undelivered":
            text.code = 30003
        return self.report(text) if text.callback else None

    def report(self, text: Text) -> Pending:
        """The status callback for a text as it is now."""
        form = {
            "SmsSid": text.sid,
            "SmsStatus": text.status,
            "MessageStatus": text.status,
            "To": text.address(text.to),
            "MessageSid": text.sid,
            "AccountSid": self.account_sid,
            "From": text.address(text.from_),
            "ApiVersion": "2010-04-01",
        }
        if text.code:
            form["ErrorCode"] = str(text.code)
        return Pending(text.callback, form, tries_of(text.callback))

    # --- in: towards us

    def receive(
        self, from_: str, to: str, body: str, media: tuple[str, ...] | list[str] = (), *, channel: str = ""
    ) -> str:
        """Someone types a text. It is listed whether or not our webhook takes it. The message's sid."""
        channel = channel or ("whatsapp" if from_.startswith("whatsapp:") else "sms")
        from_, to = bare(from_), bare(to)
        text = Text(
            self.new_sid("SM"),
            from_,
            to,
            body,
            channel,
            "inbound",
            "received",
            self.now(),
            media=tuple(media),
        )
        with self.lock:
            self.inbound.append(text)
            self._by_sid[text.sid] = text
            self._hear_keyword(text)
        url = self.numbers.get(to)
        if url:
            self.push(Pending(url, self.inbound_form(text), tries_of(url)))
        return text.sid

    def _hear_keyword(self, text: Text) -> None:
        word = text.body.strip().upper()
        if text.channel != "sms" or word not in STOP_WORDS | START_WORDS:
            return
        pair = (text.from_, text.to)
        if word in STOP_WORDS:
            self.opted_out.add(pair)
        else:
            self.opted_out.discard(pair)
        if self.keyword_replies and word in STOP_WORDS:
            said = "You have successfully been unsubscribed. Reply START to resubscribe."
            sid = self.new_sid("SM")
            self.texts.append(
                Text(sid, text.to, text.from_, said, "sms", "outbound-reply", "delivered", self.now())
            )

    def inbound_form(self, text: Text) -> dict[str, str]:
        """The webhook's form for a text that came in."""
        form = {
            "ToCountry": "BR",
            "SmsMessageSid": text.sid,
            "NumMedia": str(len(text.media)),
            "SmsSid": text.sid,
            "SmsStatus": "received",
            "Body": text.body,
            "To": text.address(text.to),
            "NumSegments": "1",
            "MessageSid": text.sid,
            "AccountSid": self.account_sid,
            "From": text.address(text.from_),
            "ApiVersion": "2010-04-01",
        }
        if text.channel == "whatsapp":
            form["WaId"] = text.from_.lstrip("+")
        for place, url in enumerate(text.media):
            form[f"MediaUrl{place}"] = url
            form[f"MediaContentType{place}"] = "image/jpeg"
        return form

    def push(self, pending: Pending) -> tuple[int, str]:
        """Post one signed webhook now; what fails and may be repeated waits for the next `deliver()`."""
        url = pending.url.partition("#")[0]
        if self.post is None or not url:
            return 0, ""
        headers = {"X-Twilio-Signature": sign(self.auth_token, url, pending.form)}
        try:
            status, body = self.post(url, pending.form, headers)
        except OSError:
            status, body = 0, ""
        if pending.tries > 0 and not 200 <= status < 300:
            with self.lock:
                self._pending.append(Pending(pending.url, pending.form, pending.tries - 1))
        return status, body

    def queue(self, pending: Pending) -> None:
        """Post it with the next `deliver()`."""
        with self.lock:
            self._pending.append(pending)

    # --- for tests

    def expect(self, number: str, containing: str) -> Text:
        """A delivered text to `number` not expected so far. AssertionError lists the inbox."""
        for text in self.phone(number).inbox:
            if not text.expected and containing.casefold() in text.body.casefold():
                text.expected = True
                return text
        raise AssertionError(
            f"no text with {containing!r}: {[text.body for text in self.phone(number).inbox]}"
        )

    def unexpected(self) -> list[Text]:
        """Texts that left and that nobody expected."""
        return [text for text in self.texts if not text.expected]


def bare(address: str) -> str:
    """The number without its channel's prefix."""
    return address.removeprefix("whatsapp:")


@lru_cache(maxsize=64)
def _tries(fragment: str) -> int:
    asked = parse_qs(fragment)
    if "all" not in asked.get("rp", [""])[0]:
        return 0
    return min(5, int(asked.get("rc", ["1"])[0]))


def tries_of(url: str) -> int:
    """How often a failed webhook is repeated: `#rc=5&rp=all` -> 5; nothing asked, none."""
    return _tries(url.partition("#")[2])


__all__ = ["Call", "Faults", "SimulatedPhone", "Simulator", "Text", "create_simulator"]
