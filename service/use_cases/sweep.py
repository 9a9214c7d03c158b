"""What a tick does: named sweeps over rows that are due, one transaction a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Sweep:
    """`due` selects ids (at most `limit`, oldest first), `handle` does one, `next_due` is when the next will be due.

    `handle` must leave the row no longer due, or it comes again: a row that raises is logged, counted and backed off.
    """

    name: str
    due: Callable[[Session, datetime, int], Sequence[int]]
    handle: Callable[[Session, int, datetime], None]
    next_due: Callable[[Session], datetime | None]
