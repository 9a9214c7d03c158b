"""The same Idempotency-Key gets the same answer, however often and however quickly it comes."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.errors import Problem
from service.models import IdempotentAnswer

PENDING = 0


def request_digest(method: str, path: str, body: bytes) -> str:
    """What makes two requests the same one."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


def find(session: Session, key: str) -> IdempotentAnswer | None:
    """What is known of a key."""
    return session.get(IdempotentAnswer, key)


def begin(session: Session, key: str, digest: str, *, now: datetime) -> IdempotentAnswer:
    """The kept answer, or a new row that holds the key until this transaction ends.

    A second request with the key meanwhile waits at the unique key, fails, and reads the answer when it tries again.
    Problem (422) when the key came before with another request.
    """
    row = find(session, key)
    if row is None:
        row = IdempotentAnswer(key=key, request_digest=digest, status=PENDING, body={}, created_at=now)
        session.add(row)
        session.flush()
    elif row.request_digest != digest:
        given = key.partition("|")[2]
        raise Problem("this key was used before with another request", field="Idempotency-Key", value=given)
    return row


def is_kept(row: IdempotentAnswer) -> bool:
    """Whether the row holds an answer already."""
    return row.status != PENDING


def keep(session: Session, row: IdempotentAnswer, status: int, body: Any, headers: dict[str, str]) -> None:
    """Keep the answer beside what it answers, in the same transaction."""
    row.status = status
    row.body = {"body": body, "headers": headers}
    session.flush()
