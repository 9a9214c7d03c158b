"""Messages to the care team that are no pages: answers, notices, alarms."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.alarms import in_language
from service.models import ContactMethod, Staff
from service.use_cases import outbox, staff

OPERATIONS = ("operator", "admin")
ALARM_LENGTH, WHO_LENGTH = 90, 20


def to_staff(
    session: Session,
    person: Staff,
    template: str,
    fields: dict[str, str],
    *,
    dedupe: str,
    now: datetime,
    kind: str = "notice",
    address: str = "",
    alert_id: int | None = None,
    inbound_id: int | None = None,
) -> outbox.Enqueued | None:
    """A text to a member of staff: to `address`, else to their texting number, else by e-mail; None: no way at all."""
    channel = "sms"
    if not address:
        usable = [
            each
            for each in session.scalars(
                select(ContactMethod)
                .where(
                    ContactMethod.staff_id == person.id,
                    ContactMethod.channel.in_(("sms", "email")),
                    ContactMethod.verified_at.is_not(None),
                    ContactMethod.opted_out_at.is_(None),
                )
                .order_by(ContactMethod.id)
            )
        ]
        if not usable:
            return None
        best = min(usable, key=lambda each: each.channel != "sms")
        channel, address = best.channel, best.address
    return outbox.enqueue(
        session,
        now=now,
        kind=kind,
        template=template,
        fields=fields,
        dedupe=dedupe,
        staff=person,
        channel=channel,
        address=address,
        lane="pages",
        alert_id=alert_id,
        inbound_id=inbound_id,
    )


def alarm(
    session: Session, words: str, *, site_id: int | None, dedupe: str, now: datetime, zone: str = "UTC"
) -> int:
    """Tell operators and administrators, by text and by e-mail both; how many messages that were.

    `site_id` None: those who answer for every site; where all belong to sites, all of them.
    """
    sent = 0
    people = staff.with_role(session, site_id, *OPERATIONS)
    if not people and site_id is None:
        people = [one for one in staff.listed(session, None) if one.role in OPERATIONS]
    for person in people:
        fields = {"alarm": alarm_words(words, person), "time": clock(now, zone)}
        for contact in session.scalars(
            select(ContactMethod).where(
                ContactMethod.staff_id == person.id,
                ContactMethod.channel.in_(("sms", "email")),
                ContactMethod.opted_out_at.is_(None),
            )
        ):
            outbox.enqueue(
                session,
                now=now,
                kind="notice",
                template="alarm",
                fields=fields,
                dedupe=f"{dedupe}:{contact.id}",
                staff=person,
                channel=contact.channel,
                address=contact.address,
                lane="pages",
            )
            sent += 1
    return sent


def alarm_words(words: str, person: Staff) -> str:
    """An alarm as `person` reads it, cut to what one text can carry."""
    return in_language(words, person.language)[:ALARM_LENGTH]


def clock(at: datetime, zone: str) -> str:
    """Like "03:12", on the wall clock of `zone`."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def shown(person: Staff) -> str:
    """A name that fits a text."""
    return person.name[:WHO_LENGTH]
