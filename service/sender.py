"""Sending: claim, commit; check and fence; call the carrier holding nothing; record."""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from notifications.carriers.base import (
    LAST_LOOK,
    AnswerLost,
    PermanentFailure,
    TemporaryFailure,
    TooLate,
)
from notifications.message import Channel, DeliveryStatus
from notifications.render import RenderError
from notifications.whatsapp import is_open, parse_approved
from service import telemetry
from service.killpoints import reach
from service.logs import get_logger
from service.lookup import settle
from service.models import Patient, Site
from service.prepared import Prepared, Within
from service.runtime import Runtime
from service.security import new_token
from service.use_cases import outbox, outbox_claim, outbox_record, outbox_unknown, outbox_waits, pacing
from service.use_cases.compose import compose
from service.use_cases.outbox_failures import Failure
from service.use_cases.outbox_record import Lost, Refused, Result, Taken, Unwanted
from service.use_cases.outbox_waits import Waits
from service.use_cases.pacing import Pace, pace_of
from service.use_cases.wanted import SEND, Outgoing

log = get_logger("sender")
FRESH = 1.0  # seconds for which the check made at the claim is good enough; a page is always checked again
BATCH = 100
APPROVED = Prepared(
    select(Patient.whatsapp_seen_at, Site.whatsapp_templates)
    .join(Site, Site.id == Patient.site_id)
    .where(Patient.id == bindparam("patient"))
)


def claimer_name(part: str = "drain") -> str:
    """A name no other sender has: part, machine, process, and something random."""
    return f"{part}@{socket.gethostname()}:{os.getpid()}:{new_token(6)}"


@dataclass(frozen=True)
class Ticket:
    """A claimed message and when (monotonic) its claim began."""

    message: Outgoing
    claimed: float


@dataclass
class Sender:
    """Sends what is due, in the calling thread. The lanes call its parts from their own threads."""

    runtime: Runtime
    claimer: str = field(default_factory=claimer_name)

    def drain(self, lane: str | None = None, *, seen: Waits | None = None) -> int:
        """Send everything that is due now, pages first, and settle what is unknown; how many rows were dealt with.
        `seen`: what waits, where somebody has just looked."""
        total = 0
        while True:
            seen = seen or self._look()
            done = self._settle(seen, ()) if lane is None else 0
            due = () if done else seen.lanes(self.runtime.clock.now())  # what was settled may be a page
            for one in (one for one in due if lane in (None, one)):
                tickets, ended = self._claim_due(one, BATCH)
                self.record([self.deliver(ticket) for ticket in tickets])
                handled = len(tickets) + ended
                done += handled
                if handled and one == outbox.PAGES:
                    break  # look for pages again before the bulk
            total += done
            if not done:
                return total
            seen = None

    def _look(self) -> Waits:
        with self.runtime.db.looking() as direct:
            return outbox_waits.look(direct)

    def claim(self, lane: str, limit: int) -> tuple[list[Ticket], int]:
        """Claim at most `limit`; the tickets, and how many rows were ended or put off instead."""
        if limit <= 0:
            return [], 0
        if self.runtime.db.is_sqlite:  # looking first takes no write lock
            if lane not in self._look().lanes(self.runtime.clock.now()):
                return [], 0
        return self._claim_due(lane, limit)

    def _claim_due(self, lane: str, limit: int) -> tuple[list[Ticket], int]:
        began = self.runtime.clock.monotonic()
        with self.runtime.db.unit_of_work() as session:
            messages, ended = self._claim(session, lane, limit)
        reach("claimed")
        return [Ticket(message, began) for message in messages], ended

    def exchange(self, results: Iterable[Result], lane: str, limit: int) -> tuple[list[Ticket], int]:
        """Record the acceptances among `results` and claim as `claim` does, in one transaction: half the commits."""
        accepted = [one for one in results if isinstance(one, Taken)]
        if not accepted:
            return self.claim(lane, limit)
        began = self.runtime.clock.monotonic()
        with self.runtime.db.unit_of_work() as session:
            self._taken(session, accepted)
            messages, ended = self._claim(session, lane, limit) if limit > 0 else ([], 0)
        reach("recorded")
        reach("claimed")
        return [Ticket(message, began) for message in messages], ended

    def _claim(self, session: Session, lane: str, limit: int) -> tuple[list[Outgoing], int]:
        clock, config = self.runtime.clock, self.runtime.config
        return outbox_claim.claim_due(
            session, lane=lane, limit=limit, claimer=self.claimer, now=clock.now(), machine_now=clock.machine(),
            lease_seconds=config.lease_seconds, daily_cap=config.daily_cap,
            pace=None if lane == outbox.PAGES else self._pace(),  # pages wait for nobody
        )  # fmt: skip

    def _pace(self) -> Pace | None:
        config = self.runtime.config
        return pace_of(
            rate=config.messages_per_second, from_=config.twilio_from, page_from=config.twilio_page_from,
            whatsapp_from=config.twilio_whatsapp_from,
        )  # fmt: skip

    def _taken(self, session: Within, accepted: Sequence[Taken]) -> None:
        clock, pace = self.runtime.clock, self._pace()
        outbox_record.taken(session, accepted, now=clock.now(), machine_now=clock.machine())
        if pace and isinstance(session, Session):
            urgent = [one.message for one in accepted if one.message.lane == outbox.PAGES]
            pacing.count(session, pace, urgent, machine_now=clock.machine())
        reach("recording")

    def deliver(self, ticket: Ticket) -> Result:
        """Check, fence, and call the carrier, with no transaction and no connection held. Never raises."""
        message = ticket.message
        try:
            result = self._unwanted(ticket) or self._send(ticket)
        except Exception as error:  # else its lane would take the thread for busy for ever, and in time every thread
            log.error("not_delivered", message=message.id, error=type(error).__name__)
            result = Lost(message, "raised", type(error).__name__)
        kind = type(result).__name__.lower()
        telemetry.SENDS.labels(message.lane, message.channel, kind).inc()
        return result

    def _unwanted(self, ticket: Ticket) -> Unwanted | None:
        message, clock = ticket.message, self.runtime.clock
        if message.lane != outbox.PAGES and clock.monotonic() - ticket.claimed < FRESH:
            return None
        try:
            with self.runtime.db.looking() as direct:
                verdict = outbox_claim.still_wanted(
                    direct, message, now=clock.now(), daily_cap=self.runtime.config.daily_cap
                )
        except SQLAlchemyError:
            # a database that is away or used up must not hold up a page that was wanted when it was claimed
            return None
        if verdict is SEND or verdict.status is None:
            return None
        return Unwanted(message, verdict.status, verdict.reason, verdict.until, verdict.moves_on)

    def _send(self, ticket: Ticket) -> Result:
        message, clock = ticket.message, self.runtime.clock
        channel = Channel(message.channel)
        carrier = self.runtime.carriers.get(channel)
        if carrier is None:
            return _never(message, "no_carrier", f"no carrier for {channel.value} is set up")
        try:
            outbound = compose(
                self.runtime.renderer, message, public_url=self.runtime.config.public_url,
                approved=self._approved(message),
            )  # fmt: skip
        except (RenderError, ValueError) as error:
            log.error("cannot_write", message=message.id, template=message.template, error=str(error))
            return _never(message, "template", f"cannot be written: {error}")
        reach("sending")
        began = clock.monotonic()

        def fence() -> None:
            if clock.monotonic() - ticket.claimed > self.runtime.config.fence_seconds:
                raise TooLate("fence", "too long after its claim; claimed again")

        looked = LAST_LOOK.set(fence)
        try:
            fence()
            answer = carrier.send(outbound)
        except TooLate as error:
            return Unwanted(message, DeliveryStatus.READY, error.message, clock.now())
        except TemporaryFailure as error:
            return Refused(
                message, Failure(DeliveryStatus.FAILED_TEMPORARY, str(error.code), error.message, error.next_channel),
                retry=True, retry_after=error.retry_after,
            )  # fmt: skip
        except PermanentFailure as error:
            failure = Failure(
                DeliveryStatus.FAILED_PERMANENT, str(error.code), error.message, error.next_channel, error.opted_out,
                error.not_mobile,
            )  # fmt: skip
            return Refused(message, failure, retry=False)
        except AnswerLost as error:
            return Lost(message, str(error.code), error.message)
        except Exception as error:  # a fault of ours or a library's: it may have left
            log.error("carrier_raised", message=message.id, error=type(error).__name__)
            return Lost(message, "raised", type(error).__name__)
        finally:
            LAST_LOOK.reset(looked)
            telemetry.CARRIER_SECONDS.labels(channel.value).observe(max(clock.monotonic() - began, 0))
        reach("answered")
        return Taken(message, answer.provider_id, answer.status)

    def _approved(self, message: Outgoing) -> dict[str, str]:
        """The approved texts, its site's over the installation's, for a person to whom WhatsApp takes no free text now;
        else none."""
        if message.channel != Channel.WHATSAPP:
            return {}
        seen_at, its_site = None, ""
        try:
            with self.runtime.db.looking() as direct:
                found = APPROVED.first(direct, patient=message.patient_id)
            seen_at, its_site = found or (seen_at, its_site)
        except SQLAlchemyError:
            pass  # an approved text is taken at any time
        if is_open(seen_at, now=self.runtime.clock.now()):
            return {}
        return parse_approved(self.runtime.config.whatsapp_templates) | parse_approved(its_site)

    def record(self, results: Iterable[Result]) -> None:
        """Record acceptances in one transaction and everything else in one each."""
        results = list(results)
        clock = self.runtime.clock
        if accepted := [one for one in results if isinstance(one, Taken)]:
            begin = self.runtime.db.unit_of_work if self._pace() else self.runtime.db.noting
            with begin() as session:
                self._taken(session, accepted)
            reach("recorded")
        for one in results:
            if isinstance(one, Taken):
                continue
            with self.runtime.db.unit_of_work() as session:
                mine = outbox_record.other(
                    session, one, claimer=self.claimer, now=clock.now(), machine_now=clock.machine(),
                    dice=_dice(one.message),
                )
            if not mine:
                telemetry.STALE_ANSWERS.inc()

    def hand_back(self, tickets: Iterable[Ticket], reason: str) -> int:
        """Give claimed messages back unsent; how many."""
        with self.runtime.db.unit_of_work() as session:
            return outbox_claim.hand_back(
                session, [one.message for one in tickets], claimer=self.claimer, reason=reason
            )

    def reconcile(self, dead: Iterable[str] = ()) -> int:
        """Take over what dead senders left, and look unknown attempts up at the carrier; how many rows changed."""
        return self._settle(self._look(), list(dead))

    def _settle(self, seen: Waits, dead: Sequence[str]) -> int:
        clock, db = self.runtime.clock, self.runtime.db
        if not dead and (seen.check is None or seen.check > clock.machine()):
            return 0
        with db.unit_of_work() as session:
            lost = outbox_unknown.lose_leases(session, machine_now=clock.machine(), dead=dead)
        telemetry.LEASES_LOST.inc(lost)
        with db.unit_of_work() as session:
            unknown = outbox_unknown.to_look_up(session, machine_now=clock.machine())
        return lost + sum(settle(self.runtime, one) for one in unknown)


def _dice(message: Outgoing) -> float:
    """Spreads retries over messages, the same way every time."""
    return zlib.crc32(f"{message.id}:{message.attempts}".encode()) / 2**32


def _never(message: Outgoing, code: str, reason: str) -> Refused:
    return Refused(message, Failure(DeliveryStatus.FAILED_PERMANENT, code, reason, next_channel=True), retry=False)
