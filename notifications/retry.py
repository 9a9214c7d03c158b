"""Back-off, pure: the caller brings the clock and the dice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class BackOff:
    """Exponential back-off. Seconds. `attempts` is how often in all before giving up."""

    base: float = 2.0
    factor: float = 2.0
    cap: float = 300.0
    attempts: int = 8

    def delay(self, attempt: int, *, jitter: float = 0.0, retry_after: float | None = None) -> timedelta:
        """How long to wait after the failed `attempt` (1, 2, ...).

        `jitter` in [0, 1) adds up to a half more; `retry_after` seconds, where the carrier asks, is a floor.
        """
        if attempt < 1 or not 0 <= jitter < 1:
            raise ValueError("attempt counts from 1 and jitter lies in [0, 1)")
        # the exponent is bounded so that a very old message cannot overflow a float
        seconds = min(self.cap, self.base * self.factor ** min(attempt - 1, 64)) * (1 + jitter / 2)
        return timedelta(seconds=max(seconds, retry_after or 0.0))

    def next_try_at(
        self, attempt: int, *, now: datetime, jitter: float = 0.0, retry_after: float | None = None
    ) -> datetime | None:
        """When to try again after the failed `attempt`; None when all attempts are used up."""
        if attempt >= self.attempts:
            return None
        return now + self.delay(attempt, jitter=jitter, retry_after=retry_after)


BULK = BackOff(base=15.0, cap=900.0, attempts=6)
PAGES = BackOff(base=1.0, cap=15.0, attempts=20)
