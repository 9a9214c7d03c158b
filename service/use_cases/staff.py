"""People of the care team: added, logged in, locked out, let go."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, or_, select
from sqlalchemy.orm import Session

from service.errors import Conflict
from service.models import ContactMethod, Staff
from service.prepared import Prepared
from service.security import Role, hash_password, password_matches
from service.use_cases import audit, bulk, contacts, rows
from workflows.decisions import RuleViolation

FREE_TRIES = 5
LOCKED_FOR = timedelta(minutes=15)
LONGEST_NAME = 20  # what a page can carry in one SMS
BY_PHONE = Prepared(
    select(Staff.id)
    .join(ContactMethod, ContactMethod.staff_id == Staff.id)
    .where(
        ContactMethod.address == bindparam("phone"),
        or_(*(ContactMethod.channel == channel for channel in contacts.PHONE_CHANNELS)),
        Staff.active,
    )
    .order_by(ContactMethod.verified_at.is_(None), Staff.id)
    .limit(1)
)


def add(
    session: Session,
    *,
    name: str,
    email: str,
    role: str,
    site_id: int | None,
    password: str | None = None,
    phone: str | None = None,
    language: str = "pt-BR",
    verified: bool = False,
    actor: str,
    now: datetime,
) -> Staff:
    """A new person. A telephone becomes two contacts, texts and calls, unverified unless `verified` says
    otherwise.

    RuleViolation for a wrong value, Conflict for an e-mail address that is taken.
    """
    name, email = name.strip(), email.strip().lower()
    if not name or len(name) > LONGEST_NAME:
        raise RuleViolation("name", name, f"1 to {LONGEST_NAME} characters, as pages show it (Dr. Reis)")
    if "@" not in email:
        raise RuleViolation("email", email, "not an e-mail address")
    if role not in {str(each) for each in Role}:
        raise RuleViolation("role", role, "one of " + ", ".join(Role))
    if session.scalar(select(Staff.id).where(Staff.email == email)):
        raise Conflict("this e-mail address is taken", field="email", value=email)
    person = Staff(
        name=name,
        email=email,
        password_hash=_hash(password) if password else None,
        role=str(role),
        site_id=site_id,
        language=language,
        created_at=now,
    )
    session.add(person)
    session.flush()
    audit.record(
        session, "staff:add", actor=actor, now=now, subject_id=person.id, detail={"role": role, "site": site_id}
    )
    channels = [("email", email)] + ([("sms", phone), ("voice", phone)] if phone else [])
    for channel, address in channels:
        contacts.add(
            session, person, channel=channel, address=address, verified=verified, actor=actor, now=now
        )
    return person


def authenticate(session: Session, email: str, password: str, *, now: datetime) -> Staff | None:
    """The person, or None. Five wrong passwords lock the account for 15 minutes; the answer never says which it was."""
    person = session.scalar(select(Staff).where(Staff.email == email.strip().lower()).with_for_update())
    locked = person is not None and person.locked_until is not None and person.locked_until > now
    matches = password_matches(person.password_hash if person else None, password)
    if person is None or not person.active or locked:
        return None
    if matches:
        person.failed_logins = 0
        person.locked_until = None
        audit.record(session, "staff:login", actor=f"staff:{person.id}", now=now, subject_id=person.id)
        return person
    person.failed_logins += 1
    if person.failed_logins >= FREE_TRIES:
        person.failed_logins = 0
        person.locked_until = now + LOCKED_FOR
        audit.record(session, "staff:lock", actor="system", now=now, subject_id=person.id)
    return None


def set_password(session: Session, person: Staff, password: str, *, actor: str, now: datetime) -> None:
    """A new password ends every session of that person."""
    person.password_hash = _hash(password)
    person.session_epoch += 1
    audit.record(session, "staff:password", actor=actor, now=now, subject_id=person.id)


def deactivate(session: Session, person: Staff, *, actor: str, now: datetime) -> None:
    """The person leaves: no log-in, no pages; rotas that still name them show as holes."""
    person.active = False
    person.session_epoch += 1
    audit.record(session, "staff:deactivate", actor=actor, now=now, subject_id=person.id)


def by_phone(session: Session, phone: str) -> Staff | None:
    """The active person whose telephone this is, verified contacts first; None for an unknown number."""
    found = BY_PHONE.first(session, phone=phone)
    return None if found is None else rows.get(session, Staff, found.id)


def with_role(session: Session, site_id: int | None, *roles: str) -> list[Staff]:
    """Active people of these roles who answer for the site (None: who answer for every site), by id."""
    return list(session.scalars(_with_role(Staff, roles), {"site": site_id}))


def ids_with_role(session: Session, site_id: int | None, *roles: str) -> list[int]:
    """Their ids."""
    bulk.flush_of(session, Staff)
    return [number for (number,) in _ids_with_role(roles).all(session, site=site_id)]


@lru_cache(maxsize=64)
def _ids_with_role(roles: tuple[str, ...]) -> Prepared:
    return Prepared(_with_role(Staff.id, roles))


def _with_role(what: Any, roles: tuple[str, ...]) -> Select[Any]:
    answers_for = or_(Staff.site_id.is_(None), Staff.site_id == bindparam("site"))
    one_of = or_(*(Staff.role == role for role in roles))
    return select(what).where(one_of, Staff.active, answers_for).order_by(Staff.id)


def listed(session: Session, site_id: int | None) -> list[Staff]:
    """The active people of a site and those of every site (None: everybody), by name."""
    query = select(Staff).where(Staff.active).order_by(Staff.name)
    if site_id is not None:
        query = query.where(or_(Staff.site_id.is_(None), Staff.site_id == site_id))
    return list(session.scalars(query))


def _hash(password: str) -> str:
    try:
        return hash_password(password)
    except ValueError as error:
        raise RuleViolation("password", "", str(error).removeprefix("password: ")) from error
