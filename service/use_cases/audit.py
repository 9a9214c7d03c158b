"""The audit trail: written in the transaction it describes, chained by one sealer, verified by anyone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from service.db import as_json
from service.models import AuditEntry, AuditSeal
from service.use_cases import bulk, rows

GENESIS = hashlib.sha256(b"vigilia audit trail").hexdigest()
CHUNK = 500
NAMES = ("at", "actor", "action", "subject_id", "patient_id", "detail")
BEHIND = 10_000  # entries that may be written and sealed while one transaction is open: it lives for seconds


def record(
    session: Session,
    action: str,
    *,
    actor: str,
    now: datetime,
    subject_id: int | None = None,
    patient_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write who did what. `action` is "subject:verb" ("visit:move"); `detail` holds what it was and what it is."""
    rows.add(
        session, AuditEntry, at=now, actor=actor, action=action, subject_id=subject_id, patient_id=patient_id,
        detail=as_json(detail) if detail else {},
    )  # fmt: skip


def add(
    writes: bulk.Writes,
    action: str,
    *,
    actor: str,
    now: datetime,
    subject_id: int,
    patient_id: int,
    detail: Mapping[str, Any],
) -> None:
    """`record`, written with the rows that it tells of."""
    values = (now, actor, action, subject_id, patient_id, as_json(detail))
    writes.insert(AuditEntry, NAMES, [values])


def _hash(previous: str, entry: AuditEntry, zone: tzinfo = UTC) -> str:
    at = entry.at.astimezone(zone).isoformat()
    body = [entry.id, at, entry.actor, entry.action, entry.subject_id, entry.patient_id, entry.detail]
    words = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256((previous + words).encode()).hexdigest()


def _zones(session: Session) -> tuple[tzinfo, ...]:
    """The zones in which an entry's instant may have been hashed: before all were in UTC it was PostgreSQL's own."""
    if session.get_bind().dialect.name != "postgresql":
        return (UTC,)
    name = session.scalar(text("SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'"))
    try:
        return (UTC, ZoneInfo(str(name)))
    except (OSError, ValueError, KeyError):  # a zone of PostgreSQL's own making
        return (UTC,)


def seal(session: Session, *, now: datetime, limit: int = CHUNK) -> int:
    """Chain the entries that have no seal yet, in order of id; how many. Run by one sealer at a time.

    Rows of a slower transaction may appear below the last sealed id; they are chained when they are seen. Only the
    trail's end is looked through: the whole of it would take longer each day.
    """
    last = session.scalars(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1).with_for_update()).first()
    number, previous = (last.number, last.hash) if last else (0, GENESIS)
    newest = session.scalar(select(func.max(AuditSeal.entry_id))) or 0
    unsealed = session.scalars(
        select(AuditEntry)
        .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .where(AuditEntry.id > newest - BEHIND, AuditSeal.number.is_(None))
        .order_by(AuditEntry.id)
        .limit(limit)
    ).all()
    for entry in unsealed:
        number += 1
        previous = _hash(previous, entry)
        session.add(AuditSeal(number=number, entry_id=entry.id, hash=previous, sealed_at=now))
    session.flush()
    return len(unsealed)


def head(session: Session) -> tuple[int, str]:
    """The chain's length and last hash: kept elsewhere (dead-man ping, backups), so that a cut tail shows."""
    last = session.scalars(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1)).first()
    return (last.number, last.hash) if last else (0, GENESIS)


@dataclass(frozen=True)
class Verdict:
    """`faults` is empty when the chain holds; `sealed` entries were checked, `unsealed` wait for the sealer."""

    faults: tuple[str, ...]
    sealed: int
    unsealed: int
    head: str


def verify(session: Session) -> Verdict:
    """Walk the whole chain: a changed, a removed and an inserted entry are each named."""
    faults: list[str] = []
    previous, expected, zones = GENESIS, 1, _zones(session)
    chain = session.execute(
        select(AuditSeal, AuditEntry)
        .outerjoin(AuditEntry, AuditSeal.entry_id == AuditEntry.id)
        .order_by(AuditSeal.number)
        .execution_options(yield_per=CHUNK)
    )
    for one, entry in chain:
        if one.number != expected:
            faults.append(f"seal {expected}: removed (the chain goes on at {one.number})")
        expected = one.number + 1
        if entry is None:
            faults.append(f"entry {one.entry_id}: removed (seal {one.number} still names it)")
        elif all(_hash(previous, entry, zone) != one.hash for zone in zones):
            faults.append(f"entry {entry.id}: changed since sealed, or one was put before it (seal {one.number})")
        previous = one.hash
    newest = session.scalar(select(func.max(AuditSeal.entry_id))) or 0
    unsealed = session.scalars(
        select(AuditEntry.id)
        .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .where(AuditSeal.number.is_(None))
        .order_by(AuditEntry.id)
    ).all()
    faults += [f"entry {one}: inserted below sealed ones" for one in unsealed if one < newest]
    return Verdict(tuple(faults), expected - 1, len(unsealed), previous)


def check_head(session: Session, expected: str) -> list[str]:
    """Faults against a head that was kept elsewhere, "NUMBER:HASH": the tail was cut, or the chain written anew."""
    number, _, hash_ = expected.partition(":")
    if not (number.isascii() and number.isdigit() and hash_):
        return [f"head: {expected!r} is not NUMBER:HASH"]
    if int(number) == 0:
        return []
    found = session.get(AuditSeal, int(number))
    if found is None:
        return [f"seal {number}: missing; the end of the trail was cut off"]
    if found.hash != hash_:
        return [f"seal {number}: another hash than the one kept; the trail was written anew"]
    return []
