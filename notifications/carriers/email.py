"""Email over SMTP: for staff, and the second path by which alarms leave."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

from notifications.carriers.base import AnswerLost, PermanentFailure, SendResult, TemporaryFailure
from notifications.message import DeliveryStatus, OutboundMessage


@dataclass(frozen=True)
class SmtpSettings:
    """`smtp://user:password@host:587?from=study@example.org&starttls=1`, or `smtps://...` for TLS from the
    start."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    starttls: bool = True

    @classmethod
    def from_url(cls, url: str) -> SmtpSettings:
        """Raises ValueError, without repeating the password."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("an SMTP address looks like smtp://user:password@host:587?from=a@example.org")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        user = unquote(parts.username or "")
        sender = query.get("from") or (user if "@" in user else "")
        if not sender:
            raise ValueError("the SMTP address names no sender: add ?from=study@example.org")
        tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls else 587),
            sender=sender,
            user=user,
            password=unquote(parts.password or ""),
            tls=tls,
            starttls=not tls and query.get("starttls", "1") != "0",
        )


class EmailCarrier:
    """One connection a message: emails are few, and a stale connection would lose an alarm. `timeout` in
    seconds."""

    def __init__(self, url: str, *, timeout: float = 8.0) -> None:
        self.settings = SmtpSettings.from_url(url)
        self._timeout = timeout

    def send(self, message: OutboundMessage) -> SendResult:
        """Raises TemporaryFailure, PermanentFailure or AnswerLost."""
        email = self.compose(message)
        try:
            with self._connect() as server:
                try:
                    server.send_message(email)
                except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
                    raise AnswerLost(type(error).__name__) from None
        except smtplib.SMTPRecipientsRefused:
            raise PermanentFailure("recipient_refused", "the mail server refused the address") from None
        except smtplib.SMTPResponseException as error:
            if 500 <= error.smtp_code < 600:
                raise PermanentFailure(error.smtp_code, "the mail server refused the message") from None
            raise TemporaryFailure(error.smtp_code, "the mail server is busy", next_channel=True) from None
        except (OSError, smtplib.SMTPException) as error:
            raise TemporaryFailure("smtp", type(error).__name__, next_channel=True) from None
        return SendResult(str(email["Message-ID"]), DeliveryStatus.SENT)

    def compose(self, message: OutboundMessage) -> EmailMessage:
        """The email as it goes out. Marked as automatic, so that no out-of-office answers it."""
        email = EmailMessage()
        email["From"] = self.settings.sender
        email["To"] = message.to
        email["Subject"] = message.subject.replace("\n", " ").replace("\r", " ")
        email["Auto-Submitted"] = "auto-generated"
        email["Content-Language"] = message.language
        email["Message-ID"] = make_msgid(idstring=message.key, domain=self.settings.sender.split("@")[-1])
        email.set_content(message.text)
        return email

    def _connect(self) -> smtplib.SMTP:
        settings = self.settings
        kind = smtplib.SMTP_SSL if settings.tls else smtplib.SMTP
        server = kind(settings.host, settings.port, timeout=self._timeout)
        try:
            if settings.starttls:
                server.starttls()
            if settings.user:
                server.login(settings.user, settings.password)
        except BaseException:
            server.close()
            raise
        return server
