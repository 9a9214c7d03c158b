"""SMS, WhatsApp and voice through the twilio client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urldefrag

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.rest import Client
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError

from notifications.carriers.base import AnswerLost, PermanentFailure, SendResult, TemporaryFailure
from notifications.carriers.signature import signature_is_valid
from notifications.carriers.twilio_codes import by_code, classify
from notifications.carriers.twilio_http import OFFICIAL, RebasedHttpClient
from notifications.message import Channel, DeliveryStatus, OutboundMessage

# By default Twilio retries a webhook only when the connection fails; this asks for 5 tries on any failure.
CONNECTION_OVERRIDES = "rc=5&rp=all"
LIST_PAGE = 1000  # the most that Twilio lists at once
_MAYBE_TAKEN = frozenset({500, 502, 504})


@dataclass(frozen=True)
class Sent:
    """A message or call as the provider knows it."""

    provider_id: str
    channel: Channel
    to: str
    text: str
    status: DeliveryStatus
    code: int | None
    created_at: datetime


@dataclass(frozen=True)
class Inbound:
    """A text that came in, as the provider's list shows it. Addresses are E.164, without the channel's
    prefix."""

    provider_id: str
    channel: Channel
    from_: str
    to: str
    text: str
    sent_at: datetime


def channel_of(address: str) -> tuple[Channel, str]:
    """ "whatsapp:+55..." -> (WHATSAPP, "+55..."); a bare number is SMS."""
    if address.startswith("whatsapp:"):
        return Channel.WHATSAPP, address.removeprefix("whatsapp:")
    return Channel.SMS, address


class TwilioCarrier:
    """One Twilio account. Safe for many threads.

    `tokens`: the first signs our requests, all are accepted on webhooks. `from_` is the bulk sender number,
    `page_from`
    that of the pages lane (default: the same). `api_base` sends everything elsewhere, to a simulator.
    `http_client`
    replaces the network altogether. Time-outs are seconds.
    """

    def __init__(
        self,
        account_sid: str,
        tokens: Sequence[str],
        *,
        from_: str,
        page_from: str = "",
        whatsapp_from: str = "",
        api_base: str = OFFICIAL,
        connect: float = 3.0,
        read: float = 8.0,
        pool: int = 64,
        http_client: HttpClient | None = None,
    ) -> None:
        self.tokens = tuple(tokens)
        self._from = from_
        self._page_from = page_from or from_
        self._whatsapp_from = channel_of(whatsapp_from)[1]
        self._client = Client(
            account_sid,
            self.tokens[0],
            http_client=http_client or RebasedHttpClient(api_base, connect=connect, read=read, pool=pool),
        )

    def send(self, message: OutboundMessage) -> SendResult:
        """Raises TemporaryFailure, PermanentFailure or AnswerLost."""
        with _our_errors():
            if message.channel is Channel.VOICE:
                answer = self._client.calls.create(**self._call(message))
            else:
                answer = self._client.messages.create(**self._text(message))
            return SendResult(str(answer.sid), classify(str(answer.status)).status)

    def sender_for(self, message: OutboundMessage) -> str:
        """Our number that `message` leaves from: pages have their own, so that they never wait behind a
        batch."""
        if message.channel is Channel.WHATSAPP:
            return f"whatsapp:{self._whatsapp_from}"
        return self._page_from if message.sender_lane == "pages" else self._from

    def _text(self, message: OutboundMessage) -> dict[str, Any]:
        if message.channel not in (Channel.SMS, Channel.WHATSAPP):
            raise PermanentFailure("channel", f"this carrier has no {message.channel.value}")
        if message.channel is Channel.WHATSAPP and not self._whatsapp_from:
            raise PermanentFailure("no_sender", "no WhatsApp sender is configured")
        prefix = "whatsapp:" if message.channel is Channel.WHATSAPP else ""
        arguments: dict[str, Any] = {"to": prefix + message.to, "from_": self.sender_for(message)}
        if message.channel is Channel.WHATSAPP and message.payload.get("content_sid"):
            arguments["content_sid"] = message.payload["content_sid"]
            arguments["content_variables"] = json.dumps(message.payload.get("content_variables", {}))
        else:
            arguments["body"] = message.text
        if message.callback_url:
            arguments["status_callback"] = with_overrides(message.callback_url)
        return arguments

    def _call(self, message: OutboundMessage) -> dict[str, Any]:
        arguments: dict[str, Any] = {"to": message.to, "from_": self.sender_for(message), "timeout": 25}
        if message.voice.startswith(("http://", "https://")):
            arguments["url"] = with_overrides(message.voice)
        else:
            arguments["twiml"] = message.voice
        if message.callback_url:
            arguments["status_callback"] = with_overrides(message.callback_url)
            arguments["status_callback_event"] = ["initiated", "ringing", "answered", "completed"]
        return arguments

    def find_sent(self, to: str, since: datetime, limit: int = 50) -> list[Sent]:
        """Our texts to `to` since then, newest first: how an unknown attempt is looked up. `to` may have a
        prefix."""
        with _our_errors():
            found = self._client.messages.list(to=to, date_sent_after=since, limit=limit)
            return [_sent(item) for item in found if str(item.direction).startswith("outbound")]

    def find_calls(self, to: str, since: datetime, limit: int = 50) -> list[Sent]:
        """Our calls to `to` since then, newest first."""
        with _our_errors():
            found = self._client.calls.list(to=to, start_time_after=since, limit=limit)
            return [_sent(item) for item in found]

    def list_inbound(self, since: datetime, limit: int | None = None) -> list[Inbound]:
        """What was texted to us since then, on any of our numbers, oldest first. Without a `limit` (a number) all of
        it: after an outage the texts that nobody has seen need not be the newest."""
        found: list[Inbound] = []
        numbers = {self._from, self._page_from}
        if self._whatsapp_from:
            numbers.add(f"whatsapp:{self._whatsapp_from}")
        with _our_errors():
            for number in sorted(numbers):
                for item in self._client.messages.list(
                    to=number, date_sent_after=since, limit=limit, page_size=min(limit or LIST_PAGE, LIST_PAGE)
                ):
                    if str(item.direction) == "inbound":
                        channel, from_ = channel_of(str(item.from_))
                        at = item.date_sent or item.date_created
                        to = channel_of(str(item.to))[1]
                        found.append(Inbound(str(item.sid), channel, from_, to, str(item.body or ""), at))
        return sorted(found, key=lambda inbound: inbound.sent_at)

    def fetch(self, provider_id: str) -> Sent:
        """One message or call (ids that begin with CA) as the provider knows it now."""
        with _our_errors():
            if provider_id.startswith("CA"):
                return _sent(self._client.calls(provider_id).fetch())
            return _sent(self._client.messages(provider_id).fetch())


def with_overrides(url: str) -> str:
    """`url` asking Twilio to repeat its post on any failure."""
    return f"{urldefrag(url).url}#{CONNECTION_OVERRIDES}"


def _sent(item: Any) -> Sent:
    channel, to = channel_of(str(item.to))
    if str(item.sid).startswith("CA"):
        channel = Channel.VOICE
    code = getattr(item, "error_code", None)
    outcome = classify(str(item.status), code)
    return Sent(
        str(item.sid),
        channel,
        to,
        str(getattr(item, "body", "") or ""),
        outcome.status,
        code,
        item.date_created,
    )


@contextmanager
def _our_errors() -> Iterator[None]:
    """Turns what the twilio client and `urllib3` raise into the three failures of `base`."""
    try:
        yield
    except TwilioRestException as error:
        raise _refusal(error) from None
    except TwilioException:
        # a list that is refused comes as the bare base class, its answer hidden in the arguments
        raise TemporaryFailure("list", "the carrier refused to list messages", next_channel=False) from None
    except HTTPError as error:
        if _never_connected(error):
            raise TemporaryFailure("refused", "no connection to the carrier", next_channel=True) from None
        raise AnswerLost(f"the connection broke before the answer ({type(error).__name__})") from None


def _never_connected(error: Exception) -> bool:
    if isinstance(error, ProxyError):
        error = error.original_error
    return isinstance(error, (NewConnectionError, ConnectTimeoutError))


def _refusal(error: TwilioRestException) -> Exception:
    # the client's own message repeats the number: only the code and our words travel on
    code, http = int(error.code or 0), int(error.status)
    if http in _MAYBE_TAKEN:
        return AnswerLost(f"the carrier answered {http}", code=http)
    if http in (429, 503):
        return TemporaryFailure(http, "the carrier is busy", next_channel=http == 503)
    outcome = by_code(code)
    if outcome.status is DeliveryStatus.FAILED_PERMANENT:
        return PermanentFailure(
            code,
            outcome.reason,
            next_channel=outcome.next_channel,
            opted_out=outcome.opted_out,
            not_mobile=outcome.not_mobile,
        )
    return TemporaryFailure(code or http, outcome.reason, next_channel=outcome.next_channel)


__all__ = [
    "Inbound",
    "Sent",
    "TwilioCarrier",
    "channel_of",
    "classify",
    "signature_is_valid",
    "with_overrides",
]
