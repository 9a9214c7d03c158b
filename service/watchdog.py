"""Watches the watchers: the dead-man ping leaves only after the audit passed; alarms leave by a path of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import requests
from sqlalchemy.exc import SQLAlchemyError

from notifications.message import Channel, OutboundMessage
from service.logs import get_logger
from service.runtime import Runtime
from service.use_cases import audit, cover_notices, selftest, staff_messages, watch
from service.use_cases.watch import Finding, Severity

log = get_logger("watchdog")
REPEAT = timedelta(minutes=15)
PING_SECONDS = 5


@dataclass
class Watchdog:
    """One process' watch. The same alarm is repeated every 15 minutes while its cause lasts."""

    runtime: Runtime
    _told: dict[str, datetime] = field(default_factory=dict)

    def look(self) -> list[Finding]:
        """Audit, alarm, ping; the findings. A database that cannot be read is a finding too."""
        clock, db = self.runtime.clock, self.runtime.db
        now, machine_now = clock.now(), clock.machine()
        head = ""
        try:
            with db.reading() as session:
                found = watch.findings(session, now=now, machine_now=machine_now)
                head = "{} {}".format(*audit.head(session))
        except SQLAlchemyError as error:
            detail = f"the database cannot be read ({type(error).__name__})"
            found = [Finding("database", detail, None, Severity.CRITICAL)]
        critical = [one for one in found if one.severity is Severity.CRITICAL]
        for kind in self._told.keys() - {one.kind for one in critical}:
            del self._told[kind]
        for one in critical:
            told = self._told.get(one.kind)
            if told is None or machine_now - told >= REPEAT:
                self._told[one.kind] = machine_now
                self._alarm(one, now)
        self._plan(now)
        if watch.is_safe(found):
            self._ping(head)
        return found

    def _plan(self, now: datetime) -> None:
        """The chain's own tests are planned, and holes in the rota are told."""
        try:
            with self.runtime.db.unit_of_work() as session:
                selftest.plan(session, now=now)
                cover_notices.tell(session, now=now)
        except SQLAlchemyError as error:  # another worker was first, or the database is away, which is alarmed above
            log.info("not_planned", error=type(error).__name__)

    def _alarm(self, one: Finding, now: datetime) -> None:
        log.error("alarm", kind=one.kind)
        self._by_email(one, now)
        try:
            with self.runtime.db.unit_of_work() as session:
                staff_messages.alarm(
                    session, one.detail, site_id=None, dedupe=f"watch:{one.kind}:{now:%Y%m%d%H%M}", now=now
                )
        except SQLAlchemyError as error:
            log.error("alarm_not_enqueued", kind=one.kind, error=type(error).__name__)

    def _by_email(self, one: Finding, now: datetime) -> None:
        """Straight to the mail server: needs neither the carrier nor the database."""
        carrier = self.runtime.carriers.get(Channel.EMAIL)
        addresses = [part.strip() for part in self.runtime.config.alarm_email.split(",") if part.strip()]
        if carrier is None:
            return
        fields = {"alarm": one.detail[:90], "time": f"{now.astimezone(ZoneInfo('UTC')):%H:%M}Z"}
        text = self.runtime.renderer.render("alarm", fields, language="en", channel=Channel.EMAIL)
        for address in addresses:
            message = OutboundMessage(f"alarm-{one.kind}", Channel.EMAIL, address, text.text, subject=text.subject)
            try:
                carrier.send(message)
            except Exception as error:
                log.error("alarm_not_mailed", kind=one.kind, error=type(error).__name__)

    def _ping(self, head: str) -> None:
        """Tell whoever watches from outside that all is well, with the head of the audit chain."""
        url = self.runtime.config.heartbeat_url
        if not url:
            return
        try:
            requests.post(url, data=head, timeout=PING_SECONDS)
        except requests.RequestException as error:
            log.warning("ping_failed", error=type(error).__name__)
