"""What a tick does: named sweeps over rows that are due, one transaction a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, bindparam, select
from sqlalchemy.orm import Session

from service.db import UtcDateTime
from service.prepared import Prepared, Within

NOW, LIMIT = bindparam("now", type_=UtcDateTime()), bindparam("limit", type_=Integer())
Due = Callable[[Within, datetime, int], Sequence[int]]


def due_by(row: Any, due_at: Any, *which: Any) -> Due:
    """Selects the ids `row` of those of which `which` is true and whose `due_at` has come."""
    statement = Prepared(select(row).where(*which, due_at <= NOW).order_by(due_at).limit(LIMIT))

    def due(within: Within, now: datetime, limit: int) -> Sequence[int]:
        return [one[0] for one in statement.all(within, now=now, limit=limit)]

    return due


@dataclass(frozen=True)
class Sweep:
    """`due` selects ids (at most `limit`, oldest first), `handle` does one. Each of `waits` selects one instant:
    when the next row will be due.

    `handle` must leave the row no longer due, or it comes again: a row that raises is logged, counted and backed off.
    `watches`: its rows have no due time of their own; it looks on every tick while `waits` finds anything.
    """

    name: str
    due: Due
    handle: Callable[[Session, int, datetime], None]
    waits: tuple[Select[Any], ...]
    watches: bool = False

    def next_due(self, session: Session) -> datetime | None:
        """When its next row is due; None when none waits."""
        found = (session.scalar(statement) for statement in self.waits)
        return min((at for at in found if at is not None), default=None)
