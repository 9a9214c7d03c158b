"""What a tick does: named sweeps over rows that are due, one transaction a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Sweep:
    """`due` selects ids (at most `limit`, oldest first), `handle` does one. Each of `waits` selects one instant:
    when the next row will be due.

    `handle` must leave the row no longer due, or it comes again: a row that raises is logged, counted and backed off.
    `watches`: its rows have no due time of their own; it looks on every tick while `waits` finds anything.
    """

    name: str
    due: Callable[[Session, datetime, int], Sequence[int]]
    handle: Callable[[Session, int, datetime], None]
    waits: tuple[Select[Any], ...]
    watches: bool = False

    def next_due(self, session: Session) -> datetime | None:
        """When its next row is due; None when none waits."""
        found = (session.scalar(statement) for statement in self.waits)
        return min((at for at in found if at is not None), default=None)
