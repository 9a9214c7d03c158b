"""What `vigilia doctor` looks at besides the database: settings, texts, the carrier and the clocks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import requests

from notifications import review
from notifications.carriers.base import AnswerLost, Carrier, PermanentFailure, TemporaryFailure
from notifications.carriers.twilio import TwilioCarrier
from notifications.message import Channel
from notifications.render import Renderer
from service.config import Config
from service.errors import ConfigError
from service.use_cases.watch import Finding, Severity

SKEW = timedelta(seconds=10)
ADVICE = {
    "smtp_url": "VIGILIA_SMTP_URL is not set: alarms have no second path",
    "alarm_email": "VIGILIA_ALARM_EMAIL is not set: nobody gets the alarms of the second path",
    "heartbeat_url": "VIGILIA_HEARTBEAT_URL is not set: nobody outside notices when this service dies",
}


def settings(environ: Mapping[str, str] | None = None) -> list[Finding]:
    """Every fault of the settings; once there is none, what is missing for a quiet night."""
    try:
        config = Config.from_env(environ)
    except ConfigError as error:
        return [Finding("settings", fault, None, Severity.CRITICAL) for fault in error.faults]
    return [
        Finding("settings", words, None, Severity.WARNING)
        for name, words in ADVICE.items()
        if not getattr(config, name)
    ]


def texts(renderer: Renderer) -> list[Finding]:
    """Texts, a site's own included, that would not fit or would say too much."""
    return [Finding("text", fault, None, Severity.CRITICAL) for fault in review.faults(renderer)]


def carrier(carriers: Mapping[Channel, Carrier], now: datetime) -> list[Finding]:
    """Whether Twilio answers us with our credentials. `now` is the machine's time."""
    twilio = carriers.get(Channel.SMS)
    if not isinstance(twilio, TwilioCarrier):
        return []
    try:
        twilio.list_inbound(now - timedelta(minutes=5), limit=1)
    except (PermanentFailure, TemporaryFailure, AnswerLost) as error:
        return [Finding("carrier", f"Twilio does not take our requests: {error}", None, Severity.CRITICAL)]
    return []


def clock_skew(config: Config, now: datetime) -> list[Finding]:
    """The machine's clock against the carrier's, by the Date of an answer (whole seconds)."""
    timeout = (config.connect_seconds, config.read_seconds)
    try:
        told = requests.head(config.twilio_api_base, timeout=timeout).headers.get("Date", "")
    except requests.RequestException as error:
        detail = f"{config.twilio_api_base} cannot be reached ({type(error).__name__})"
        return [Finding("carrier", detail, None, Severity.CRITICAL)]
    try:
        theirs = parsedate_to_datetime(told)
    except ValueError:
        return []
    if abs(theirs - now) <= SKEW:
        return []
    seconds = round((now - theirs).total_seconds())
    detail = f"this machine's clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the carrier's"
    return [Finding("clock", detail, None, Severity.WARNING)]
