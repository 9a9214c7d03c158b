"""From a message's row to what a carrier is handed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from notifications.message import Channel, OutboundMessage
from notifications.render import Rendered, Renderer, folder_of
from notifications.whatsapp import content
from service.use_cases.wanted import Outgoing


class Written(Protocol):
    """What a text is made of; a `Message`, an `Outgoing` and an `Unknown` have it."""

    @property
    def template(self) -> Any: ...
    @property
    def fields(self) -> Any: ...
    @property
    def language(self) -> Any: ...
    @property
    def profile(self) -> Any: ...
    @property
    def channel(self) -> Any: ...


def written(renderer: Renderer, message: Written, *, public_url: str) -> Rendered:
    """The words of `message`. RenderError when they cannot be written."""
    return renderer.render(
        message.template, full_fields(message.fields, public_url=public_url), language=message.language,
        channel=message.channel, profile=message.profile,
    )  # fmt: skip


def full_fields(fields: Mapping[str, Any], *, public_url: str) -> dict[str, str]:
    """`fields` with a `url` that begins with "/" put under the public address."""
    filled = {name: str(value) for name, value in fields.items()}
    if filled.get("url", "").startswith("/"):
        filled["url"] = public_url.rstrip("/") + filled["url"]
    return filled


def compose(
    renderer: Renderer, message: Outgoing, *, public_url: str, approved: Mapping[str, str] | None = None
) -> OutboundMessage:
    """What the carrier is handed for the message's present attempt. RenderError when it cannot be written.

    The attempt's id goes into the callback's address: a receipt then finds its attempt even if we never stored the
    carrier's id. `approved`: the texts that WhatsApp has approved ("pt_BR/weekly" -> content id), where free text may
    not be sent; a text that has none goes as it is, and the carrier's refusal brings the SMS.
    """
    public_url = public_url.rstrip("/")
    text = written(renderer, message, public_url=public_url)
    channel = Channel(message.channel)
    return OutboundMessage(
        key=str(message.attempt_id),
        channel=channel,
        to="" if channel is Channel.WEBPUSH else message.address,
        text=text.text,
        subject=text.subject,
        language=message.language,
        # an answer to a patient leaves from the number that they wrote to
        sender_lane="pages" if message.kind in ("page", "safety") else "bulk",
        callback_url=f"{public_url}/webhooks/twilio/status?attempt={message.attempt_id}",
        voice=f"{public_url}/webhooks/twilio/voice/{message.id}" if channel is Channel.VOICE else "",
        payload=_payload(message, channel, text, public_url, approved or {}),
    )


def _payload(
    message: Outgoing, channel: Channel, text: Rendered, public_url: str, approved: Mapping[str, str]
) -> dict[str, Any]:
    if channel is Channel.WEBPUSH:
        return _push(message, public_url)
    sid = approved.get(f"{folder_of(message.language)}/{text.template}") if approved else None
    if channel is not Channel.WHATSAPP or sid is None:
        return {}
    return content(sid, text.template, full_fields(message.fields, public_url=public_url))


def _push(message: Outgoing, public_url: str) -> dict[str, Any]:
    payload: dict[str, Any] = {"tag": f"alert-{message.alert_id}" if message.alert_id else f"message-{message.id}"}
    try:
        payload["subscription"] = json.loads(message.address)
    except ValueError:
        payload["subscription"] = {}
    url = full_fields(message.fields, public_url=public_url).get("url")
    return payload | ({"url": url} if url else {})
