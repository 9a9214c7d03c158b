"""The ladder: who is paged next, on which channel, and when to look again.

Pure. `on_due` climbs to the next rung that reaches somebody; a rung that reaches nobody (empty, unverified,
opted out, passed on) costs no time. Above the last rung come the exhausted rounds, which never end by
themselves: only a named human stops a ladder, and a delivery receipt is not a human.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from workflows.alerts import (
    AlertState,
    AlertStatus,
    Decision,
    LogEntry,
    Notice,
    NoticeKind,
    PageOrder,
    StaffId,
    all_channels,
    entry,
    reopen,
)
from workflows.protocol import EscalationPolicy, Level

ON_CALL, BACKUP, FALLBACK = "on_call", "backup", "fallback"


@dataclass(frozen=True)
class Contact:
    """A way to reach one person. `broken`: its last messages failed for good."""

    staff_id: StaffId
    channel: str
    verified: bool = True
    opted_out: bool = False
    broken: bool = False

    @property
    def usable(self) -> bool:
        return self.verified and not self.opted_out and not self.broken

    @property
    def fault(self) -> str:
        """Why it cannot be used; "" when it can."""
        if self.opted_out:
            return "opted out"
        if not self.verified:
            return "not verified"
        return "not deliverable" if self.broken else ""


Reach = Mapping[str, Sequence[Contact]]


@dataclass(frozen=True)
class _Rung:
    pages: tuple[PageOrder, ...]
    notices: tuple[Notice, ...]
    log: tuple[LogEntry, ...]


def start(severity: Level, now: datetime) -> AlertState:
    """A new case: its first rung is due now."""
    return AlertState(AlertStatus.OPEN, severity, opened_at=now, due_at=now)


def open_case(severity: Level, policy: EscalationPolicy, reach: Reach, now: datetime) -> Decision:
    """A new case with its first pages, and the advice to the patient where the policy has one."""
    alert = start(severity, now)
    advice = (Notice(NoticeKind.ADVICE, why=policy.advice),) if policy.advice else ()
    climbed = on_due(alert, policy, reach, now)
    opened = entry(alert, "opened", note=str(severity))
    return replace(climbed, notices=advice + climbed.notices, log=(opened, *climbed.log))


def recipients(policy: EscalationPolicy) -> tuple[str, ...]:
    """Every recipient the policy may ask for, so that `Reach` can be loaded at once."""
    named = [recipient for step in policy.steps for recipient in step.recipients]
    return tuple(dict.fromkeys([*named, FALLBACK, *policy.exhausted_recipients]))


def first_clock(policy: EscalationPolicy) -> timedelta:
    """How long after the report the first rung is due: nothing for red, the task's clock for amber."""
    return timedelta(seconds=policy.steps[0].after)


def gap_after(policy: EscalationPolicy, step: int) -> timedelta:
    """The time from rung `step` to the next one; in the exhausted rounds always `then_every`."""
    if step >= len(policy.steps):
        return timedelta(seconds=policy.then_every)
    following = policy.steps[step + 1].after if step + 1 < len(policy.steps) else policy.exhausted_after
    return timedelta(seconds=max(0, following - policy.steps[step].after))


def largest_gap(policy: EscalationPolicy) -> timedelta:
    """No alert ever waits longer than this for its next rung or its outcome."""
    gaps = [gap_after(policy, step) for step in range(len(policy.steps) + 1)]
    return max([*gaps, timedelta(seconds=policy.outcome_within)])


def is_exhausted(alert: AlertState, policy: EscalationPolicy) -> bool:
    """Whether every rung was climbed in this loop without a human."""
    return alert.status is AlertStatus.OPEN and alert.step > len(policy.steps)


def on_due(alert: AlertState, policy: EscalationPolicy, reach: Reach, now: datetime) -> Decision:
    """What happens to `alert` at `now`. Before its due time, or once closed: nothing.

    An acknowledged alert whose outcome is overdue opens again first. The next due time counts from when this
    rung was due, not from when it was handled: after a stop of ten minutes the overdue rungs follow at once.
    """
    due = alert.wake_at
    if due is None or now < due:
        return Decision(alert)
    pages: tuple[PageOrder, ...] = ()
    notices: tuple[Notice, ...] = ()
    log: tuple[LogEntry, ...] = ()
    if alert.status is AlertStatus.ACKNOWLEDGED:
        again = reopen(alert, now)
        alert, notices, log, due = again.alert, again.notices, again.log, now
    while True:
        step = alert.step
        rung = _climb(alert, policy, reach)
        pages, notices, log = rung.pages, notices + rung.notices, log + rung.log
        alert = replace(alert, step=step + 1)
        # The exhausted rounds always wait: with nobody to page they would turn for ever on the spot.
        if pages or step >= len(policy.steps):
            break
    return Decision(replace(alert, due_at=due + gap_after(policy, step)), pages, _once(notices), log)


def page_failed(
    alert: AlertState, *, step: int, loop: int, others_alive: bool, now: datetime
) -> Decision:
    """A page failed for good. When it was the last live one of the latest rung, the ladder moves on now."""
    latest = (alert.loop, alert.step - 1) == (loop, step)
    if alert.status is not AlertStatus.OPEN or not latest or others_alive:
        return Decision(alert)
    if alert.due_at is not None and alert.due_at <= now:
        return Decision(alert)
    return Decision(replace(alert, due_at=now), log=(entry(alert, "page_failed", note="moved on now"),))


def preview(
    alert: AlertState, policy: EscalationPolicy, reach: Reach
) -> tuple[tuple[datetime, str, tuple[StaffId, ...]], ...]:
    """If nobody takes it: (when, recipient, who) of each rung still to come, for the alert page."""
    if alert.status is not AlertStatus.OPEN or alert.due_at is None:
        return ()
    at, seen = alert.due_at, []
    for step in range(alert.step, len(policy.steps) + 1):
        pages = _climb(replace(alert, step=step), policy, reach).pages
        for recipient in dict.fromkeys(page.recipient for page in pages):
            who = dict.fromkeys(page.staff_id for page in pages if page.recipient == recipient)
            seen.append((at, recipient, tuple(who)))
        if pages:
            at += gap_after(policy, step)
    return tuple(seen)


def _climb(alert: AlertState, policy: EscalationPolicy, reach: Reach) -> _Rung:
    top = len(policy.steps)
    if alert.step >= top:
        return _exhausted_round(alert, policy, reach)
    step = policy.steps[alert.step]
    if step.repeat:
        earlier = policy.steps[: alert.step]
        asked = tuple(dict.fromkeys(who for each in earlier for who in each.recipients))
        channels = tuple(dict.fromkeys(channel for each in earlier for channel in each.channels))
        return _page(alert, asked, channels, reach, (), "repeat")
    return _page(alert, step.recipients, step.channels, reach, alert.declined, "step")


def _exhausted_round(alert: AlertState, policy: EscalationPolicy, reach: Reach) -> _Rung:
    """Above the ladder: first monitor and operations (and a red patient, who is told to go in), then
    everybody again
    and again."""
    first = alert.step == len(policy.steps)
    everybody = policy.exhausted_recipients if first else recipients(policy)
    # E-mail is too slow for a rung, but here every path counts.
    channels = tuple(dict.fromkeys((*all_channels(policy), "email")))
    rung = _page(alert, everybody, channels, reach, (), "exhausted")
    said = [Notice(NoticeKind.EXHAUSTED, why="nobody has acknowledged")]
    if first and alert.severity is Level.RED:
        said.append(Notice(NoticeKind.PATIENT_GO_IN))
    return replace(rung, notices=(*rung.notices, *said))


def _page(
    alert: AlertState,
    asked: tuple[str, ...],
    channels: tuple[str, ...],
    reach: Reach,
    left_out: tuple[StaffId, ...],
    event: str,
) -> _Rung:
    pages: dict[tuple[StaffId, str], PageOrder] = {}
    notices: list[Notice] = []
    reasons: list[str] = []
    for recipient in asked:
        contacts = reach.get(recipient, ())
        if recipient == ON_CALL and not contacts:
            notices.append(Notice(NoticeKind.NOBODY_ON_CALL, recipient=recipient, why="nobody is on call"))
            reasons.append("nobody on call")
            recipient, contacts = FALLBACK, reach.get(FALLBACK, ())
        if not contacts:
            reasons.append(f"{recipient}: nobody")
        for person in dict.fromkeys(contact.staff_id for contact in contacts):
            if person in left_out:
                reasons.append(f"{recipient}: passed on")
                continue
            own = [each for each in contacts if each.staff_id == person and each.channel in channels]
            for contact in own:
                if contact.usable:
                    order = PageOrder(alert.step, alert.loop, recipient, person, contact.channel)
                    pages.setdefault((person, contact.channel), order)
            if not any(contact.usable for contact in own):
                fault = next((contact.fault for contact in own), "no contact on this channel")
                if not any(each.usable for each in contacts if each.staff_id == person):
                    notices.append(Notice(NoticeKind.UNREACHABLE, person, recipient, fault))
                reasons.append(f"{recipient}: {fault}")
    note = "; ".join(dict.fromkeys(reasons))
    if not pages and event == "step":
        event = "skipped"
    return _Rung(tuple(pages.values()), tuple(notices), (entry(alert, event, note=note),))


def _once(notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    return tuple(dict.fromkeys(notices))
