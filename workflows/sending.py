"""May this message go to this patient now? Asked just before sending; every no has a reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

QUIET_FROM, QUIET_UNTIL = time(21, 0), time(8, 0)
ROUTINE = frozenset({"question", "reminder", "notice"})
OVER = frozenset({"withdrawn", "died", "completed"})


@dataclass(frozen=True)
class Refused:
    """Why not; `until` (UTC) is when it may go after all, None: never."""

    reason: str
    until: datetime | None = None


def may_send(
    kind: str,
    *,
    status: str,
    consented: bool,
    opted_out: str | None,
    zone: ZoneInfo,
    sent_today: int,
    cap: int,
    now: datetime,
) -> Refused | None:
    """None: it may. `kind` question | reminder | notice | reply | safety; `opted_out` None | "reminders" | "all".

    Safety messages and replies to a patient's own words pass consent, scope, quiet hours and cap; nothing goes to a
    patient who died. `sent_today`: routine messages of the patient's local day.
    """
    if status == "died":
        return Refused("the patient has died")
    if kind not in ROUTINE:
        return None
    if status in OVER:
        return Refused(f"the patient has {status}")
    if not consented:
        return Refused("no consent to messages")
    if opted_out == "all" or (opted_out == "reminders" and kind == "reminder"):
        return Refused(f"opted out of {'all messages' if opted_out == 'all' else 'reminders'}")
    quiet_until = end_of_quiet_hours(now, zone)
    if quiet_until is not None:
        return Refused("quiet hours", quiet_until)
    if sent_today >= cap:
        return Refused(f"{cap} messages today already")
    return None


def end_of_quiet_hours(now: datetime, zone: ZoneInfo) -> datetime | None:
    """When (UTC) the quiet hours that `now` lies in end for someone in `zone`; None outside them."""
    local = now.astimezone(zone)
    wall = local.time()
    if QUIET_UNTIL <= wall < QUIET_FROM:
        return None
    day = local.date() + timedelta(days=1 if wall >= QUIET_FROM else 0)
    return datetime.combine(day, QUIET_UNTIL, zone).astimezone(now.tzinfo)
