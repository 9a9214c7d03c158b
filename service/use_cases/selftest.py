"""The chain tests itself: a page to operations every day, each way to reach somebody every month. Each must be seen: a
text delivered, a call confirmed by a key, since a voice mail takes calls as well.

A test is a due row like everything else, so that a day without one shows as well. What was not seen is a finding of
`watch`: the watchdog sends it by e-mail, straight to the mail server, and holds the dead-man ping back.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import false, func, or_, select
from sqlalchemy.orm import Session

from service.models import ChainTest, ContactMethod, Message, Site, Staff
from service.use_cases import audit, outbox, sites, staff_messages
from service.use_cases.sweep import Sweep, due_by

PAGE, CONTACT = "page", "contact"
WAITING, SENT, SEEN, MISSED, DROPPED = "waiting", "sent", "seen", "missed", "dropped"
RUNNING = (WAITING, SENT)
AT = {PAGE: time(9), CONTACT: time(10)}  # local: a test wakes nobody
SEEN_WITHIN = {PAGE: timedelta(minutes=10), CONTACT: timedelta(hours=1)}
AGAIN = timedelta(minutes=15)  # after a page that was not seen
MONTH = timedelta(days=28)
LATE = timedelta(minutes=5)
TRIES, TRIES_WITHIN = 3, timedelta(days=7)  # a contact that was not seen is tested again on the next mornings
NO_RECEIPTS = ("email", "webpush")
UNCONFIRMED = "the call was taken and no key confirmed it"


def plan(session: Session, *, now: datetime) -> int:
    """Plan the tests that are not planned yet; how many. Nothing where no study has a patient."""
    site = next(iter(sites.in_use(session)), None)
    if site is None:
        return 0
    planned = 0
    if session.scalar(select(ChainTest.id).where(ChainTest.kind == PAGE, ChainTest.status.in_(RUNNING))) is None:
        planned += _add(session, PAGE, _morning(site, now, PAGE), now)
    return planned + sum(
        _add(session, CONTACT, _morning(site, max(now, proven + MONTH), CONTACT), now, contact)
        for contact, proven in _proven(session)
        if proven + MONTH <= now + timedelta(days=1)
    )


def _add(session: Session, kind: str, at: datetime, now: datetime, contact_id: int | None = None) -> int:
    key = f"{kind}:{contact_id or 'all'}:{at:%Y-%m-%dT%H:%M}"
    if session.scalar(select(ChainTest.id).where(ChainTest.key == key)) is not None:
        return 0
    session.add(ChainTest(key=key, kind=kind, contact_id=contact_id, due_at=at, created_at=now))
    session.flush()
    return 1


def _morning(site: Site, after: datetime, kind: str) -> datetime:
    """The next such time of day at the site."""
    local = after.astimezone(ZoneInfo(site.timezone))
    at = datetime.combine(local.date(), AT[kind], local.tzinfo)
    if at <= local:
        at = datetime.combine(local.date() + timedelta(days=1), AT[kind], local.tzinfo)
    return at.astimezone(UTC)


def _proven(session: Session) -> list[tuple[int, datetime]]:
    """(contact, when it was last known to work) of each contact in use that no running test looks at."""
    running = select(ChainTest.contact_id).where(
        ChainTest.status.in_(RUNNING), ChainTest.contact_id.is_not(None)
    )
    tested = (
        select(ChainTest.contact_id, func.max(ChainTest.ended_at).label("at"))
        .where(ChainTest.kind == CONTACT)
        .group_by(ChainTest.contact_id)
        .subquery()
    )
    rows = session.execute(
        select(ContactMethod.id, ContactMethod.verified_at, ContactMethod.last_delivered_at, tested.c.at)
        .join(Staff, Staff.id == ContactMethod.staff_id)
        .outerjoin(tested, tested.c.contact_id == ContactMethod.id)
        .where(
            Staff.active, ContactMethod.verified_at.is_not(None), ContactMethod.opted_out_at.is_(None),
            ContactMethod.id.not_in(running),
        )
        .order_by(ContactMethod.id)
    )  # fmt: skip
    return [(row[0], max(at for at in row[1:] if at is not None)) for row in rows]


# tests to be sent, and tests that must have been seen by now
due = due_by(ChainTest.id, ChainTest.due_at, ChainTest.status.in_(RUNNING))


def handle(session: Session, test_id: int, now: datetime) -> None:
    """Send the test, or look whether it was seen."""
    test = session.get_one(ChainTest, test_id, with_for_update=True)
    if test.status not in RUNNING or test.due_at > now:
        return
    if test.status == WAITING:
        _send(session, test, now)
    else:
        _look(session, test, now)


def confirm(session: Session, message: Message, *, now: datetime) -> bool:
    """Somebody pressed the key that a test call asks for: the number rings and a human answers it. Whether it counted;
    a test that ended before is only proven."""
    contact = prove_call(session, message, now=now)
    if contact is None:
        return False
    test = session.scalars(
        select(ChainTest)
        .where(ChainTest.contact_id == contact.id, ChainTest.status == SENT)
        .order_by(ChainTest.id.desc())
        .with_for_update()
    ).first()
    if test is not None and message.id in test.messages:
        _end(session, test, SEEN, "", now)
    return True


def prove_call(session: Session, message: Message, *, now: datetime) -> ContactMethod | None:
    """A key pressed in a call of ours: the contact works. None where the call went to nobody of the staff."""
    contact = session.scalars(
        select(ContactMethod).where(
            ContactMethod.staff_id == message.staff_id,
            ContactMethod.channel == message.channel,
            ContactMethod.address == message.address,
        )
    ).first()
    if contact is not None:
        contact.last_delivered_at, contact.failed_at = now, None
    return contact


def faults(session: Session, now: datetime) -> list[tuple[ChainTest, str]]:
    """The newest finished test of each kind and contact that was not seen and whose contact has not worked since, and
    page tests that nobody sends: (test, why)."""
    newest = (
        select(func.max(ChainTest.id))
        .where(ChainTest.ended_at.is_not(None), ChainTest.status != DROPPED)
        .group_by(ChainTest.kind, ChainTest.contact_id)
    )
    worked_since = or_(
        ContactMethod.last_delivered_at > ChainTest.ended_at, ContactMethod.verified_at > ChainTest.ended_at
    )
    missed = session.scalars(
        select(ChainTest)
        .outerjoin(ContactMethod, ContactMethod.id == ChainTest.contact_id)
        .where(ChainTest.id.in_(newest), ChainTest.status == MISSED, ~func.coalesce(worked_since, false()))
        .order_by(ChainTest.id)
    )
    late = session.scalars(
        select(ChainTest).where(ChainTest.status.in_(RUNNING), ChainTest.due_at < now - LATE).order_by(ChainTest.id)
    )
    return [*((test, test.why) for test in missed), *((test, "due and not done") for test in late)]


def _send(session: Session, test: ChainTest, now: datetime) -> None:
    contacts = _operations(session) if test.kind == PAGE else _contact(session, test)
    if not contacts:
        why = "nobody of operations has a verified telephone" if test.kind == PAGE else "no longer in use"
        _end(session, test, MISSED if test.kind == PAGE else DROPPED, why, now)
        return
    site = sites.in_use(session)
    zone = site[0].timezone if site else "UTC"
    for contact in contacts:
        message = outbox.enqueue(
            session,
            now=now,
            kind="page",
            template="chain_test" if test.kind == PAGE else "contact_test",
            fields={"time": staff_messages.clock(now, zone)} if test.kind == PAGE else {},
            dedupe=f"chain_test:{test.id}:{contact.id}",
            staff=session.get_one(Staff, contact.staff_id),
            channel=contact.channel,
            address=contact.address,
            lane=outbox.PAGES if test.kind == PAGE else outbox.BULK,
            expires_at=now + SEEN_WITHIN[test.kind],
        )
        test.messages = [*test.messages, message.id]
    test.status, test.due_at = SENT, now + SEEN_WITHIN[test.kind]


def _operations(session: Session) -> list[ContactMethod]:
    """The texting numbers of the operators; of the administrators where there is none."""
    for role in staff_messages.OPERATIONS:
        found = session.scalars(
            select(ContactMethod)
            .join(Staff, Staff.id == ContactMethod.staff_id)
            .where(
                Staff.active, Staff.role == role, ContactMethod.channel == "sms",
                ContactMethod.verified_at.is_not(None), ContactMethod.opted_out_at.is_(None),
            )
            .order_by(ContactMethod.id)
        ).all()  # fmt: skip
        if found:
            return list(found)
    return []


def _contact(session: Session, test: ChainTest) -> list[ContactMethod]:
    contact = session.get(ContactMethod, test.contact_id)
    if contact is None or contact.verified_at is None or contact.opted_out_at is not None:
        return []
    return [contact] if session.get_one(Staff, contact.staff_id).active else []


def _look(session: Session, test: ChainTest, now: datetime) -> None:
    sent = session.scalars(select(Message).where(Message.id.in_(test.messages)).order_by(Message.id)).all()
    if any(_arrived(message) for message in sent):
        _end(session, test, SEEN, "", now)
        contact = session.get(ContactMethod, test.contact_id) if test.contact_id else None
        if contact is not None and contact.channel in NO_RECEIPTS:
            contact.last_delivered_at, contact.failed_at = now, None
        return
    why = UNCONFIRMED if any(message.channel == "voice" and message.status == "delivered" for message in sent) else ""
    why = why or "; ".join(dict.fromkeys(f"{one.status}: {one.reason}" if one.reason else one.status for one in sent))
    _end(session, test, MISSED, why, now)


def _arrived(message: Message) -> bool:
    """Delivered; where no receipts exist, taken by the server. A call arrives by its key alone (`confirm`)."""
    if message.channel in NO_RECEIPTS:
        return message.status in ("sent", "delivered")
    return message.channel != "voice" and message.status == "delivered"


def _end(session: Session, test: ChainTest, status: str, why: str, now: datetime) -> None:
    test.status, test.why, test.ended_at = status, why[:200], now
    if test.kind == PAGE:
        site = next(iter(sites.in_use(session)), None)
        again = status == MISSED and test.messages
        if again:
            _add(session, PAGE, now + AGAIN, now)
        elif site is not None:
            _add(session, PAGE, _morning(site, now, PAGE), now)
    elif status == MISSED and _tries(session, test, now) < TRIES:
        site = next(iter(sites.in_use(session)), None)
        if site is not None:
            _add(session, CONTACT, _morning(site, now, CONTACT), now, test.contact_id)
    if status == MISSED and test.kind == PAGE:
        words = "the daily test page was not seen: pages may not arrive"
        staff_messages.alarm(session, words, site_id=None, dedupe=f"chain_test:{test.id}:missed", now=now)
    audit.record(
        session, f"chain_test:{status}", actor="system", now=now, subject_id=test.id,
        detail={"key": test.key, "why": why},
    )  # fmt: skip


def _tries(session: Session, test: ChainTest, now: datetime) -> int:
    """How often this contact was not seen lately, this test included."""
    session.flush()
    query = select(func.count()).where(
        ChainTest.contact_id == test.contact_id, ChainTest.status == MISSED, ChainTest.ended_at > now - TRIES_WITHIN
    )
    return session.scalar(query) or 0


WAITS = (select(func.min(ChainTest.due_at)).where(ChainTest.status.in_(RUNNING)),)
SWEEPS = (Sweep("chain_tests", due, handle, WAITS),)
