"""Settings, read once from the environment; every fault is told at once, at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from notifications.whatsapp import parse_approved
from service.errors import ConfigError


def setting(default: Any, help: str, *, secret: bool = False) -> Any:
    """A field of Config with the sentence that the reference page prints."""
    return field(default=default, metadata={"help": help, "secret": secret})


@dataclass(frozen=True)
class Config:
    """One field, one setting: `database_url` is VIGILIA_DATABASE_URL."""

    database_url: str = setting("sqlite:///vigilia.db", "SQLAlchemy address: `sqlite:///file` or `postgresql+psycopg://user@host/name`")  # noqa: E501
    secret_key: str = setting("", "signs sessions and forms; at least 32 characters", secret=True)
    public_url: str = setting("", "how phones and Twilio reach this service, e.g. `https://vigilia.example.org`")  # noqa: E501
    twilio_account_sid: str = setting("", "Twilio account (AC...)")
    twilio_auth_token: str = setting("", "Twilio auth token; two, with a comma, while rotating", secret=True)  # noqa: E501
    twilio_api_base: str = setting("https://api.twilio.com", "where Twilio's REST API is; the simulator's address in the demo")  # noqa: E501
    twilio_from: str = setting("", "sender number of reminders and questions, E.164")
    twilio_page_from: str = setting("", "sender number of pages and calls; default: the other one")
    twilio_whatsapp_from: str = setting("", "WhatsApp sender number, E.164")
    whatsapp_templates: str = setting("", "texts that WhatsApp approved, for patients silent for 24 h: `pt_BR/weekly=HX..., en/weekly=HX...`")  # noqa: E501
    vapid_private_key: str = setting("", "Web Push key (PEM or base64url)", secret=True)
    smtp_url: str = setting("", "`smtp://user:password@host:587/?from=vigilia@example.org`; alarms leave by it too", secret=True)  # noqa: E501
    alarm_email: str = setting("", "who gets the alarms of the second path, commas between")
    heartbeat_url: str = setting("", "called after each passed audit (dead-man ping), watched by someone else")  # noqa: E501
    templates_dir: str = setting("", "a folder whose texts lie over the shipped ones")
    send_threads: int = setting(32, "threads that send reminders and questions")
    page_threads: int = setting(8, "threads that send pages and safety messages")
    messages_per_second: int = setting(0, "most messages a second for one sender number, all workers together; pages and replies never wait; 0: no limit")  # noqa: E501
    lease_seconds: int = setting(30, "how long a claimed message is one sender's; at least fence + connect + read + 5")  # noqa: E501
    fence_seconds: int = setting(10, "no message leaves later than this after its claim")
    connect_seconds: int = setting(3, "time-out to connect to a carrier")
    read_seconds: int = setting(8, "time-out for a carrier's answer")
    daily_cap: int = setting(20, "most messages a patient gets in a local day, safety messages apart")
    poll_seconds: int = setting(60, "how often the carrier's list of inbound texts is read; 0: never")
    session_minutes: int = setting(60, "a log-in ends after so long without a click")
    secure_cookies: bool = setting(True, "cookies over HTTPS only; off for http:// public addresses on this machine")  # noqa: E501
    log_json: bool = setting(True, "logs as JSON lines")

    @property
    def twilio_tokens(self) -> tuple[str, ...]:
        return tuple(token.strip() for token in self.twilio_auth_token.split(",") if token.strip())

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, needs_carrier: bool = True) -> Config:
        """Read and check. ConfigError lists every fault.

        `needs_carrier`: serve, worker and up want a secret key, a public URL and one carrier; `db` and the like do not.
        """
        environ = os.environ if environ is None else environ
        faults: list[str] = []
        values: dict[str, object] = {}
        for one in fields(cls):
            name = "VIGILIA_" + one.name.upper()
            raw = environ.get(name)
            if raw is None or raw == "":
                continue
            try:
                values[one.name] = _read(raw, one.default)
            except ValueError as error:
                faults.append(f"{name}: {error}")
        known = {"VIGILIA_" + one.name.upper() for one in fields(cls)} | KNOWN_ELSEWHERE
        for name in sorted(environ):
            if name.startswith("VIGILIA_") and name not in known:
                faults.append(f"{name}: no such setting; see docs/reference/settings.md")
        config = cls(**values)  # type: ignore[arg-type]
        faults += config.faults(needs_carrier=needs_carrier)
        if faults:
            raise ConfigError(faults)
        return config

    def faults(self, *, needs_carrier: bool) -> list[str]:
        """What is wrong or missing, one sentence each."""
        found: list[str] = []
        if self.lease_seconds < self.fence_seconds + self.connect_seconds + self.read_seconds + 5:
            found.append(
                f"VIGILIA_LEASE_SECONDS: {self.lease_seconds} is under fence + connect + read + 5 s "
                f"= {self.fence_seconds + self.connect_seconds + self.read_seconds + 5}"
            )
        if not self.database_url.startswith(("sqlite:", "postgresql+psycopg:")):
            found.append("VIGILIA_DATABASE_URL: begin with sqlite:/// or postgresql+psycopg://")
        if self.templates_dir and not Path(self.templates_dir).is_dir():
            found.append(f"VIGILIA_TEMPLATES_DIR: {self.templates_dir} is not a folder")
        if self.twilio_api_base and urlsplit(self.twilio_api_base).scheme not in ("http", "https"):
            found.append("VIGILIA_TWILIO_API_BASE: an http(s) address")
        try:
            parse_approved(self.whatsapp_templates)
        except ValueError as error:
            found.append(f"VIGILIA_WHATSAPP_TEMPLATES: {error}")
        if not needs_carrier:
            return found
        if len(self.secret_key) < 32:
            found.append(
                "VIGILIA_SECRET_KEY: missing or under 32 characters; "
                "python -c 'import secrets; print(secrets.token_hex())' makes one"
            )
        if urlsplit(self.public_url).scheme not in ("http", "https"):
            found.append("VIGILIA_PUBLIC_URL: missing; the https address at which phones and Twilio reach this service")
        if not (self.twilio_account_sid or self.smtp_url):
            found.append("VIGILIA_TWILIO_ACCOUNT_SID: missing; set a carrier (Twilio, or VIGILIA_SMTP_URL)")
        if self.twilio_account_sid and not self.twilio_tokens:
            found.append("VIGILIA_TWILIO_AUTH_TOKEN: missing; it signs and verifies")
        if self.twilio_account_sid and not self.twilio_from:
            found.append("VIGILIA_TWILIO_FROM: missing; the number that sends")
        return found


KNOWN_ELSEWHERE = {
    "VIGILIA_SHARED",
    "VIGILIA_TEST_POSTGRES_URL",
    "VIGILIA_TEST_DATABASE",
    "VIGILIA_TEST_ROUNDS",
    "VIGILIA_SQLITE_SYNCHRONOUS",
    "VIGILIA_METRICS_BIND",
    "VIGILIA_KILL_AT",
}


def _read(raw: str, default: object) -> object:
    if isinstance(default, bool):
        if raw.lower() in ("1", "true", "on", "yes"):
            return True
        if raw.lower() in ("0", "false", "off", "no"):
            return False
        raise ValueError(f"{raw!r} is neither on nor off")
    if isinstance(default, int):
        if not (raw.isascii() and raw.isdigit()):
            raise ValueError(f"{raw!r} is not a whole number")
        return int(raw)
    return raw.strip()
