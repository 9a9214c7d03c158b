"""How fast a sender number may send: a token bucket kept as one instant (GCRA), so that any number of senders share it.

`next_at` is when the number would have been used up if it had sent evenly; in the past: it is idle.
Source: ITU-T I.371, annex A, the virtual scheduling algorithm.
"""

from __future__ import annotations

from datetime import datetime, timedelta

BURST = timedelta(seconds=1)  # so much may be saved up and sent at once
MOST_AHEAD = timedelta(seconds=10)  # a clock that was set back holds nobody longer than this


def room(next_at: datetime | None, *, rate: int, now: datetime) -> int:
    """How many may leave at `now` at `rate` a second."""
    left = now + BURST - _begin(next_at, now)
    return max(int(left.total_seconds() * rate + 1e-6), 0)


def after(next_at: datetime | None, sent: int, *, rate: int, now: datetime) -> datetime:
    """`next_at` once `sent` have left. What left without asking counts too: the others then wait for it."""
    return min(_begin(next_at, now) + timedelta(seconds=sent / rate), now + MOST_AHEAD)


def _begin(next_at: datetime | None, now: datetime) -> datetime:
    return now if next_at is None else min(max(next_at, now), now + MOST_AHEAD)
