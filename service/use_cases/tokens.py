"""API tokens: made once, shown once, kept as a digest. An integration has one, and so has a patient's phone."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.models import ApiToken, Link, Patient, Staff
from service.security import Role, digest, new_code, new_token, typed_code
from service.use_cases import audit
from workflows.decisions import RuleViolation

PREFIX = "vig_"  # so that a scanner of secrets knows one when it sees it
PATIENT = "patient"
LONGEST_NAME = 60
PERSON_NAME = 20  # what a page can carry in one SMS
TOUCH_EVERY = timedelta(hours=1)
APP_CODE = "app"
CODE_LIFETIME = timedelta(minutes=15)
MOST_CODES = 3


def create(
    session: Session,
    *,
    name: str,
    role: str,
    site_id: int | None,
    staff_id: int | None = None,
    actor: str,
    now: datetime,
) -> str:
    """A token for an integration: its text, which is nowhere else. `site_id` None: every site.

    `staff_id` is the person who stands for it. RuleViolation for an unknown role and an empty name.
    """
    if role not in {str(each) for each in Role}:
        raise RuleViolation("role", role, "one of " + ", ".join(Role))
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise RuleViolation("name", name, f"1 to {LONGEST_NAME} characters")
    text = PREFIX + new_token(40)
    row = ApiToken(
        name=name, digest=digest(text), role=str(role), site_id=site_id, staff_id=staff_id, created_at=now
    )
    session.add(row)
    session.flush()
    detail = {"role": role, "site": site_id, "name": name}
    audit.record(session, "token:create", actor=actor, now=now, subject_id=row.id, detail=detail)
    return text


def find(session: Session, text: str) -> ApiToken | None:
    """The token that was not revoked, or None."""
    return session.scalar(select(ApiToken).where(ApiToken.digest == digest(text), ApiToken.revoked_at.is_(None)))


def listed(session: Session) -> list[ApiToken]:
    """Every token that works, oldest first."""
    return list(session.scalars(select(ApiToken).where(ApiToken.revoked_at.is_(None)).order_by(ApiToken.id)))


def should_touch(row: ApiToken, now: datetime) -> bool:
    """Whether its last use is worth writing down again."""
    return row.last_used_at is None or now - row.last_used_at >= TOUCH_EVERY


def touch(session: Session, token_id: int, *, now: datetime) -> None:
    """Write down that it was used."""
    row = session.get(ApiToken, token_id)
    if row is not None:
        row.last_used_at = now


def revoke(session: Session, token_id: int, *, actor: str, now: datetime) -> ApiToken:
    """It is refused from now on. NotFound for a number that is none."""
    row = session.get(ApiToken, token_id)
    if row is None:
        raise NotFound("no such token", field="token", value=token_id)
    if row.revoked_at is None:
        row.revoked_at = now
        audit.record(session, "token:revoke", actor=actor, now=now, subject_id=row.id)
    return row


def person_of(session: Session, token_id: int, *, now: datetime) -> Staff:
    """Who stands for a token where a named person must act (a case is taken): its owner, else a person by its name.

    That person cannot log in and is never paged (not active).
    """
    row = session.get_one(ApiToken, token_id)
    if row.staff_id is not None:
        return session.get_one(Staff, row.staff_id)
    person = Staff(
        name=row.name[:PERSON_NAME],
        email=f"token-{row.id}@tokens.invalid",
        role=row.role,
        site_id=row.site_id,
        active=False,
        created_at=now,
    )
    session.add(person)
    session.flush()
    row.staff_id = person.id
    audit.record(session, "staff:add", actor=f"token:{row.id}", now=now, subject_id=person.id)
    return person


def may_ask(session: Session, patient: Patient, *, now: datetime) -> bool:
    """Whether another code may be sent: three within its lifetime, so that nobody fills a patient's phone."""
    sent = session.scalar(
        select(func.count())
        .select_from(Link)
        .where(Link.patient_id == patient.id, Link.kind == APP_CODE, Link.created_at > now - CODE_LIFETIME)
    )
    return (sent or 0) < MOST_CODES


def make_app_code(session: Session, patient: Patient, *, now: datetime) -> str:
    """A code for the patient's own phone, good once for 15 minutes: six signs, for no more fit the text."""
    code = new_code()
    session.add(
        Link(
            digest=digest(f"{APP_CODE}:{patient.id}:{code}"),
            kind=APP_CODE,
            patient_id=patient.id,
            created_at=now,
            expires_at=now + CODE_LIFETIME,
        )
    )
    audit.record(session, "app:code", actor="system", now=now, patient_id=patient.id)
    return code


def pair_device(
    session: Session, patients: list[Patient], code: str, *, name: str, now: datetime
) -> tuple[ApiToken, str] | None:
    """A token for the phone of the one of `patients` (one number may be shared) to whom the code was sent, or None."""
    for patient in patients:
        wanted = digest(f"{APP_CODE}:{patient.id}:{typed_code(code)}")
        link = session.scalar(select(Link).where(Link.digest == wanted).with_for_update())
        if link is None or link.used_at is not None or link.expires_at <= now:
            continue
        link.used_at = now
        text = PREFIX + new_token(40)
        row = ApiToken(
            name=name,
            digest=digest(text),
            role=PATIENT,
            site_id=patient.site_id,
            patient_id=patient.id,
            created_at=now,
        )
        session.add(row)
        session.flush()
        audit.record(
            session, "app:pair", actor=f"patient:{patient.id}", now=now, subject_id=row.id, patient_id=patient.id
        )
        return row, text
    return None
