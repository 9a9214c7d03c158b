"""The audit of the watchers: everything that would keep a fever from reaching a human tonight.

Read by `vigilia doctor`, by /readyz and by the worker before each dead-man ping: the ping leaves only when
nothing critical is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from service.models import (
    Alert,
    ContactMethod,
    EscalationRun,
    Heartbeat,
    Inbound,
    Message,
    Receipt,
    Site,
    Staff,
    Study,
    WebhookEndpoint,
)
from service.use_cases import contacts, oncall, selftest, sites, staff

LATE = timedelta(seconds=10)
STALE_HEARTBEAT = timedelta(seconds=30)
COVER = timedelta(hours=72)
NOT_DELIVERED = timedelta(days=30)
SILENT = timedelta(minutes=15)
MANY = 1000
HOOKS_LATE = timedelta(hours=1)
TEXT_CHANNELS = ("sms", "voice")


class Severity(StrEnum):
    """CRITICAL: a fever may not reach a human now. WARNING: it will not, if nobody looks at this."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. `kind` is stable (for metrics), `detail` a sentence without health data."""

    kind: str
    detail: str
    since: datetime | None
    severity: Severity


Check = Callable[[Session, datetime, datetime], Iterator[Finding]]


def findings(session: Session, *, now: datetime, machine_now: datetime) -> list[Finding]:
    """Everything that is wrong at `now` (study clock); heartbeats are measured by `machine_now`. Critical first."""
    found = [finding for check in CHECKS for finding in check(session, now, machine_now)]
    return sorted(found, key=lambda each: each.severity is not Severity.CRITICAL)


def is_safe(found: list[Finding]) -> bool:
    """Whether nothing critical is among them: the condition of the dead-man ping."""
    return not any(each.severity is Severity.CRITICAL for each in found)


def _overdue_runs(session: Session, now: datetime, _: datetime) -> Iterator[Finding]:
    rungs = session.execute(
        select(Alert.case, EscalationRun.due_at)
        .join(Alert, Alert.id == EscalationRun.alert_id)
        .where(EscalationRun.due_at < now - LATE)
        .order_by(EscalationRun.due_at)
    )
    outcomes = session.execute(
        select(Alert.case, Alert.outcome_due_at).where(
            Alert.status == "acknowledged", Alert.outcome_due_at < now - LATE
        )
    )
    for case, due_at in (*rungs, *outcomes):
        yield Finding("overdue_run", f"case {case}: its ladder stands still", due_at, Severity.CRITICAL)


def _overdue_pages(session: Session, now: datetime, _: datetime) -> Iterator[Finding]:
    waiting, oldest = session.execute(
        select(func.count(), func.min(Message.send_at)).where(
            Message.status == "ready", Message.lane == "pages", Message.send_at < now - LATE
        )
    ).one()
    if waiting:
        yield Finding("overdue_pages", f"{waiting} urgent messages wait to be sent", oldest, Severity.CRITICAL)


def _inbound(session: Session, now: datetime, _: datetime) -> Iterator[Finding]:
    for status, severity in (("new", Severity.CRITICAL), ("poisoned", Severity.CRITICAL)):
        count, oldest = session.execute(
            select(func.count(), func.min(Inbound.received_at)).where(
                text("inbound.status <> 'handled'"), Inbound.status == status, Inbound.received_at < now - LATE
            )
        ).one()
        if count:
            words = "cannot be read" if status == "poisoned" else "are not handled"
            yield Finding(f"inbound_{status}", f"{count} texts {words}", oldest, severity)


def _heartbeats(session: Session, _: datetime, machine_now: datetime) -> Iterator[Finding]:
    beats = session.execute(
        select(Heartbeat.kind, func.max(Heartbeat.seen_at)).group_by(Heartbeat.kind).order_by(Heartbeat.kind)
    ).all()
    seen = {kind: at for kind, at in beats}
    for kind in ("scheduler", "lane:pages"):
        at = seen.pop(kind, None)
        if at is None:
            yield Finding("no_heartbeat", f"no {kind} has ever been seen alive", None, Severity.CRITICAL)
        elif at < machine_now - STALE_HEARTBEAT:
            yield Finding("stale_heartbeat", f"no {kind} is alive", at, Severity.CRITICAL)
    for kind, at in seen.items():
        if at < machine_now - STALE_HEARTBEAT:
            yield Finding("stale_heartbeat", f"no {kind} is alive", at, Severity.WARNING)


def _cover(session: Session, now: datetime, _: datetime) -> Iterator[Finding]:
    for site in sites.in_use(session):
        for hole in oncall.holes(session, site.id, now, now + COVER):
            inside = hole.start <= now
            severity = Severity.CRITICAL if inside and hole.layer == "on_call" else Severity.WARNING
            start, end = _at(hole.start, site), _at(hole.end, site)
            detail = f"site {site.code}: nobody is {hole.layer}, {start} to {end}"
            yield Finding("hole", detail, hole.start, severity)


def _reachable(session: Session, now: datetime, _: datetime) -> Iterator[Finding]:
    yield from reachable(session, now)


def reachable(session: Session, now: datetime, site_id: int | None = None) -> list[Finding]:
    """The people of the next 72 hours, and those above them: can each be reached at all? `site_id` None: every site."""
    here = [site for site in sites.in_use(session) if site_id is None or site.id == site_id]
    return [finding for site in here for finding in _chain(session, site, now)] + _contact_tests(session, now, site_id)


def _chain(session: Session, site: Site, now: datetime) -> Iterator[Finding]:
    soon = {
        each.staff_id
        for rota in oncall.rotas_of(session, site.id)
        for each in oncall.stretches(session, rota, now, now + COVER)
    }
    chain = soon | {one.id for one in staff.with_role(session, site.id, "investigator", "monitor", "operator")}
    owned: dict[int, list[ContactMethod]] = {person: [] for person in chain}
    for contact in contacts.of_staff(session, chain):
        owned[contact.staff_id].append(contact)
    for person_id in sorted(chain):
        yield from _person(session.get_one(Staff, person_id), owned[person_id], now)
    for role in ("investigator", "monitor", "operator"):
        if not staff.with_role(session, site.id, role):
            detail = f"site {site.code}: nobody has the role {role}, whom the ladder ends at"
            yield Finding("nobody_in_role", detail, None, Severity.WARNING)


def _contact_tests(session: Session, now: datetime, site_id: int | None) -> list[Finding]:
    """Contacts whose monthly test did not arrive."""
    found = []
    for test, why in selftest.faults(session, now):
        contact = session.get(ContactMethod, test.contact_id) if test.contact_id else None
        person = session.get(Staff, contact.staff_id) if contact else None
        if contact is None or person is None or site_id not in (None, person.site_id) and person.site_id is not None:
            continue
        detail = f"{person.name}: the monthly test by {contact.channel} did not arrive ({why})"
        found.append(Finding("contact_test", detail, test.ended_at or test.due_at, Severity.WARNING))
    return found


def _page_test(session: Session, now: datetime, _: datetime) -> Iterator[Finding]:
    for test, why in selftest.faults(session, now):
        if test.kind == selftest.PAGE:
            detail = f"the daily test page was not seen: {why}"
            yield Finding("page_test", detail, test.ended_at or test.due_at, Severity.CRITICAL)


def _person(person: Staff, owned: list[ContactMethod], now: datetime) -> Iterator[Finding]:
    for each in owned:
        failed = each.failed_at
        if failed is not None and (each.last_delivered_at is None or each.last_delivered_at < failed):
            detail = f"{person.name}: the last message by {each.channel} was refused; check the address"
            yield Finding("delivery_failed", detail, failed, Severity.WARNING)
        silent = each.undelivered_at
        if silent is not None and (each.last_delivered_at is None or each.last_delivered_at < silent):
            detail = f"{person.name}: the last message by {each.channel} did not arrive; is the telephone on?"
            yield Finding("undelivered", detail, silent, Severity.WARNING)
    usable = [each for each in owned if contacts.as_rule(each, now).usable and each.channel in TEXT_CHANNELS]
    if not usable:
        faults = sorted({contacts.as_rule(each, now).fault for each in owned if each.channel in TEXT_CHANNELS})
        why = ", ".join(fault for fault in faults if fault) or "no telephone"
        yield Finding("unreachable", f"{person.name} cannot be paged: {why}", None, Severity.WARNING)
        return
    # Verifying a number delivered a code to it, so that counts as a delivery.
    delivered = max(filter(None, (each.last_delivered_at or each.verified_at for each in usable)), default=None)
    if delivered is None or delivered < now - NOT_DELIVERED:
        detail = f"{person.name}: nothing was delivered to that phone in 30 days; send a test code"
        yield Finding("not_delivered", detail, delivered, Severity.WARNING)


def _silent_carrier(session: Session, now: datetime, _: datetime) -> Iterator[Finding]:
    """Accepted and then nothing. One message means little (some networks never report), all of them a lot."""
    since = now - timedelta(hours=24)
    newest = session.scalar(select(Receipt.received_at).order_by(Receipt.id.desc()).limit(1))
    if newest is not None and newest >= since:
        return
    # the newest are enough: years of messages are not counted every minute
    recent = select(Message.channel, Message.sent_at).order_by(Message.id.desc()).limit(MANY).subquery()
    sent, oldest = session.execute(
        select(func.count(), func.min(recent.c.sent_at)).where(
            recent.c.channel == "sms", recent.c.sent_at >= since, recent.c.sent_at < now - SILENT
        )
    ).one()
    if sent >= 3:
        detail = f"the carrier accepted {sent} texts in 24 h and reported on none"
        yield Finding("silent_carrier", detail, oldest, Severity.WARNING)


def _webhooks(session: Session, now: datetime, _: datetime) -> Iterator[Finding]:
    """Receivers outside that have taken nothing for an hour: what they should know of, they do not."""
    rows = session.execute(
        select(WebhookEndpoint.id, Study.code, WebhookEndpoint.failing_since)
        .join(Study, Study.id == WebhookEndpoint.study_id)
        .where(WebhookEndpoint.ended_at.is_(None), WebhookEndpoint.failing_since < now - HOOKS_LATE)
        .order_by(WebhookEndpoint.id)
    )
    for number, code, since in rows:
        detail = f"study {code}: webhook {number} is not taken by its receiver"
        yield Finding("webhook", detail, since, Severity.WARNING)


def _at(at: datetime, site: Site) -> str:
    """Like "2026-03-10 08:00", at the site: read the same in every language."""
    return f"{at.astimezone(ZoneInfo(site.timezone)):%Y-%m-%d %H:%M}"


CHECKS: tuple[Check, ...] = (
    _overdue_runs,
    _overdue_pages,
    _inbound,
    _heartbeats,
    _cover,
    _reachable,
    _page_test,
    _silent_carrier,
    _webhooks,
)
