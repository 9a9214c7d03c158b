"""Which carrier serves which channel, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from notifications.carriers.base import Carrier
from notifications.carriers.email import EmailCarrier
from notifications.carriers.twilio import TwilioCarrier
from notifications.carriers.webpush import WebPushCarrier
from notifications.message import Channel
from service.config import Config


def carriers_from(config: Config, *, http_client: Any = None) -> Mapping[Channel, Carrier]:
    """One carrier a channel. `http_client` replaces the twilio client's own (tests, the simulator in-process)."""
    found: dict[Channel, Carrier] = {}
    if config.twilio_account_sid:
        twilio = TwilioCarrier(
            config.twilio_account_sid,
            config.twilio_tokens,
            api_base=config.twilio_api_base,
            from_=config.twilio_from,
            page_from=config.twilio_page_from or config.twilio_from,
            whatsapp_from=config.twilio_whatsapp_from,
            connect=config.connect_seconds,
            read=config.read_seconds,
            pool=config.send_threads + config.page_threads,
            http_client=http_client,
        )
        found[Channel.SMS] = found[Channel.VOICE] = twilio
        if config.twilio_whatsapp_from:
            found[Channel.WHATSAPP] = twilio
    if config.smtp_url:
        found[Channel.EMAIL] = EmailCarrier(config.smtp_url, timeout=config.read_seconds)
    if config.vapid_private_key:
        found[Channel.WEBPUSH] = WebPushCarrier(config.vapid_private_key, timeout=config.read_seconds)
    return found
