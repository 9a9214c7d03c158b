"""Links that messages carry. Whoever holds one needs no log-in, so it is random, short-lived and kept as a digest."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service.errors import NotFound, Problem
from service.models import Link
from service.security import digest, new_token
from service.use_cases import rows

KINDS = frozenset({"page", "case", "questions", "feed"})


class Expired(Problem):
    status = HTTPStatus.GONE
    title = "This link has ended"


def make(
    session: Session,
    *,
    kind: str,
    now: datetime,
    lifetime: timedelta,
    patient_id: int | None = None,
    staff_id: int | None = None,
    alert_id: int | None = None,
    occasion_id: int | None = None,
) -> str:
    """A new link's token (22 characters, over 120 bits), which is shown nowhere again."""
    if kind not in KINDS:
        raise ValueError(f"no kind of link is called {kind!r}")
    token = new_token()
    rows.add(
        session, Link, digest=digest(token), kind=kind, patient_id=patient_id, staff_id=staff_id, alert_id=alert_id,
        occasion_id=occasion_id, created_at=now, expires_at=now + lifetime,
    )  # fmt: skip
    return token


def find(session: Session, token: str, *, kind: str, now: datetime, ended_too: bool = False) -> Link:
    """The link of `kind` behind `token`. NotFound for none; Expired (410) for an old one, but with `ended_too`."""
    link = session.scalars(select(Link).where(Link.digest == digest(token), Link.kind == kind)).first()
    if link is None:
        raise NotFound("there is no such link")
    if link.expires_at <= now and not ended_too:
        raise Expired("this link has ended; a newer message has a newer one")
    return link


def use(session: Session, link: Link, *, now: datetime) -> bool:
    """Mark the link's first use; False when it was used before."""
    changed = session.execute(
        update(Link).where(Link.id == link.id, Link.used_at.is_(None)).values(used_at=now)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]
