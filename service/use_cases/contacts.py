"""The ways to reach staff: added, verified by a code, lost and found again."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.phone import PhoneError, parse_phone
from service.errors import Conflict
from service.models import ContactMethod, Staff
from service.security import digest
from service.use_cases import audit, outbox
from service.use_cases.among import IDS, among
from workflows.decisions import RuleViolation
from workflows.escalation import Contact

CODE_LIFE = timedelta(minutes=15)
BROKEN_FOR = timedelta(hours=1)  # then it is tried again: a telephone that was off is not a lost one
PHONE_CHANNELS = ("sms", "voice")
OF_STAFF = (
    select(ContactMethod)
    .where(among(ContactMethod.staff_id, IDS))
    .order_by(ContactMethod.staff_id, ContactMethod.id)
)


def add(
    session: Session,
    staff: Staff,
    *,
    channel: str,
    address: str,
    verified: bool = False,
    actor: str,
    now: datetime,
) -> ContactMethod:
    """A new way to reach `staff`, not used for pages until it is verified. RuleViolation for a wrong address."""
    if channel in PHONE_CHANNELS:
        try:
            address = parse_phone(address)
        except PhoneError as error:
            raise RuleViolation("phone", address, str(error)) from error
    elif channel == "email" and "@" not in address:
        raise RuleViolation("email", address, "not an e-mail address")
    elif channel not in ("email", "webpush"):
        raise RuleViolation("channel", channel, "sms, voice, email or webpush")
    same = (ContactMethod.staff_id == staff.id, ContactMethod.channel == channel, ContactMethod.address == address)
    if session.scalar(select(ContactMethod.id).where(*same)):
        raise Conflict("this person has that contact already", field="address")
    contact = ContactMethod(
        staff_id=staff.id,
        channel=channel,
        address=address,
        verified_at=now if verified else None,
        created_at=now,
    )
    session.add(contact)
    session.flush()
    audit.record(session, "contact:add", actor=actor, now=now, subject_id=contact.id, detail={"channel": channel})
    return contact


def of_staff(session: Session, staff_ids: Collection[int]) -> list[ContactMethod]:
    """Every contact of these people, by person and age."""
    return list(session.scalars(OF_STAFF, {"ids": staff_ids})) if staff_ids else []


def as_rule(contact: ContactMethod, now: datetime) -> Contact:
    """The contact as the ladder sees it at `now`."""
    failed = contact.failed_at
    delivered = contact.last_delivered_at
    broken = failed is not None and failed > now - BROKEN_FOR and (delivered is None or delivered < failed)
    return Contact(
        contact.staff_id,
        contact.channel,
        verified=contact.verified_at is not None,
        opted_out=contact.opted_out_at is not None,
        broken=broken,
    )


def send_code(session: Session, contact: ContactMethod, *, actor: str, now: datetime) -> None:
    """Send a six-digit code by the contact itself, good for 15 minutes; an earlier one no longer counts."""
    code = f"{secrets.randbelow(1_000_000):06d}"
    contact.code_digest = digest(f"{contact.id}:{code}")
    contact.code_expires_at = now + CODE_LIFE
    session.flush()
    staff = session.get_one(Staff, contact.staff_id)
    outbox.enqueue(
        session,
        now=now,
        kind="reply",
        template="contact_code",
        fields={"code": code},
        dedupe=f"contact:{contact.id}:{contact.code_digest}",
        staff=staff,
        channel=contact.channel,
        address=contact.address,
        expires_at=now + CODE_LIFE,
    )
    audit.record(session, "contact:send_code", actor=actor, now=now, subject_id=contact.id)


def verify(session: Session, contact: ContactMethod, code: str, *, actor: str, now: datetime) -> bool:
    """Whether `code` is right and in time. A number that takes texts takes calls: both contacts are verified."""
    if contact.code_digest is None or contact.code_expires_at is None or contact.code_expires_at < now:
        return False
    if not secrets.compare_digest(contact.code_digest, digest(f"{contact.id}:{code.strip()}")):
        return False
    same_number = select(ContactMethod).where(
        ContactMethod.staff_id == contact.staff_id, ContactMethod.address == contact.address
    )
    for each in session.scalars(same_number):
        each.verified_at = now
        each.code_digest = each.code_expires_at = each.failed_at = None
    audit.record(session, "contact:verify", actor=actor, now=now, subject_id=contact.id)
    return True


def verify_by_text(session: Session, staff: Staff, phone: str, code: str, *, now: datetime) -> bool:
    """A code typed back as a text from that very number."""
    for contact in of_staff(session, [staff.id]):
        if contact.address == phone and verify(session, contact, code, actor=f"staff:{staff.id}", now=now):
            return True
    return False


def set_opted_out(session: Session, staff: Staff, phone: str, out: bool, *, now: datetime) -> None:
    """STOP or START from a telephone: texts to that number are out of, or back in, the chain; calls stay."""
    for contact in of_staff(session, [staff.id]):
        if (contact.address, contact.channel) == (phone, "sms") and (contact.opted_out_at is not None) != out:
            contact.opted_out_at = now if out else None
            if not out:
                contact.failed_at = None  # what was refused because of the STOP is no fault of the telephone
            verb = "contact:opt_out" if out else "contact:opt_in"
            audit.record(session, verb, actor=f"staff:{staff.id}", now=now, subject_id=contact.id)
