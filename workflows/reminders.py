"""Whether a message to a patient may go now: consent, opt-out, expiry, quiet hours and the daily cap, in
that order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone, tzinfo

QUIET_FROM = time(21, 0)
QUIET_TO = time(8, 0)
DAILY_CAP = 6
# What answers the patient's own words, or protects her: never held back by the clock or by a count.
PASSES = frozenset({"safety", "reply", "page"})
ACTIVE = frozenset({"enrolled", "active", "admitted", "screening"})


@dataclass(frozen=True)
class Allowed:
    """It may go now."""


@dataclass(frozen=True)
class Refused:
    """It must never go; the reason is kept with the message."""

    reason: str


@dataclass(frozen=True)
class Wait:
    """Not now: ask again at `until` (aware UTC)."""

    until: datetime
    reason: str


Verdict = Allowed | Refused | Wait


def may_send(
    kind: str,
    *,
    now: datetime,
    zone: tzinfo,
    status: str = "enrolled",
    consented: bool = True,
    opted_out: str = "",
    sent_today: int = 0,
    cap: int = DAILY_CAP,
    expires_at: datetime | None = None,
    quiet_from: time = QUIET_FROM,
    quiet_to: time = QUIET_TO,
) -> Verdict:
    """The verdict on one message to one patient.

    `kind` is the message's kind (question, reminder, notice, reply, safety, page); `opted_out` "",
    "reminders" or "all"; `sent_today` counts the messages of the patient's local day that the cap counts. A
    safety reply to the patient's own text goes to a withdrawn, an opted-out and a sleeping patient alike.
    """
    if kind in PASSES:
        return (
            Refused("expired")
            if expires_at is not None and now >= expires_at and kind != "page"
            else Allowed()
        )
    if status not in ACTIVE:
        return Refused(f"patient is {status}")
    if not consented:
        return Refused("no consent to messages")
    if opted_out == "all":
        return Refused("opted out of all messages")
    if opted_out == "reminders" and kind == "reminder":
        return Refused("opted out of reminders")
    if expires_at is not None and now >= expires_at:
        return Refused("expired")
    wait = _later(now, zone, quiet_from, quiet_to, full=sent_today >= cap)
    if wait is None:
        return Allowed()
    if expires_at is not None and wait.until >= expires_at:
        return Refused(f"expires before the end of: {wait.reason}")
    return wait


def is_quiet(now: datetime, zone: tzinfo, quiet_from: time = QUIET_FROM, quiet_to: time = QUIET_TO) -> bool:
    """Whether it is a quiet hour where the patient is (the first instant is quiet, the last one is not)."""
    at = now.astimezone(zone).time()
    if quiet_from <= quiet_to:
        return quiet_from <= at < quiet_to
    return at >= quiet_from or at < quiet_to


def _later(now: datetime, zone: tzinfo, quiet_from: time, quiet_to: time, *, full: bool) -> Wait | None:
    local = now.astimezone(zone)
    if full:
        tomorrow = local.date() + timedelta(days=1)
        return Wait(_instant(datetime.combine(tomorrow, quiet_to), zone), "daily number of messages reached")
    if not is_quiet(now, zone, quiet_from, quiet_to):
        return None
    morning = local.date() + timedelta(days=0 if local.time() < quiet_to else 1)
    return Wait(_instant(datetime.combine(morning, quiet_to), zone), "quiet hours")


def _instant(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(timezone.utc)
