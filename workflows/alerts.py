"""The states of an alert (a case) and what people do to it: take it, pass it on, say how it ended.

An alert is open until a named human takes it, acknowledged until its outcome is known, then closed for
ever. It goes back from acknowledged to open when no outcome comes in time or the patient was not reached;
never back from closed. The ladder that pages people while it is open is `workflows.escalation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from workflows.protocol import LEVELS, EscalationPolicy, Level

StaffId = int


class AlertStatus(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a case ended. `NOT_REACHED` ends nothing: it passes the case on."""

    SENT_TO_ER = "sent_to_er"
    ADVISED_BY_PHONE = "advised_by_phone"
    NOT_REACHED = "not_reached"
    WRONG_READING = "wrong_reading"
    OTHER = "other"


class NoticeKind(StrEnum):
    """What the service has to say to somebody besides the pages; each has its template or task there."""

    ADVICE = "advice"  # to the patient, at the moment of the report
    NOBODY_ON_CALL = "nobody_on_call"
    UNREACHABLE = "unreachable"  # a person of the chain has no usable contact
    EXHAUSTED = "exhausted"  # to operations, by a path that needs no carrier
    PATIENT_GO_IN = "patient_go_in"
    TAKEN = "taken"  # to the one who took it
    ALREADY_TAKEN = "already_taken"  # to the second, with who and when
    ALREADY_CLOSED = "already_closed"
    PASSED_ON = "passed_on"
    REOPENED = "reopened"
    JOINED = "joined"


@dataclass(frozen=True)
class Notice:
    """One thing to say. `staff_id` is whom it is about or for, `why` a short reason without health data."""

    kind: NoticeKind
    staff_id: StaffId | None = None
    recipient: str = ""
    why: str = ""


@dataclass(frozen=True)
class PageOrder:
    """One page to one person on one channel. (step, loop, staff_id, channel) is unique within an alert."""

    step: int
    loop: int
    recipient: str
    staff_id: StaffId
    channel: str


@dataclass(frozen=True)
class LogEntry:
    """One line of the alert's append-only log: what happened, by whom, where the ladder stood."""

    event: str
    step: int
    loop: int
    actor: StaffId | None = None
    note: str = ""


@dataclass(frozen=True)
class AlertState:
    """Where an alert stands.

    `step` is the next rung to climb (0 .. number of steps; from there on the exhausted rounds), `loop` counts
    the times the ladder began again. The pair (loop, step) never falls. `due_at` (open) and `outcome_due_at`
    (acknowledged) are aware UTC. `declined` are the people who passed this case on: the ladder leaves them
    out until it repeats.
    """

    status: AlertStatus
    severity: Level
    opened_at: datetime
    step: int = 0
    loop: int = 0
    due_at: datetime | None = None
    acknowledged_by: StaffId | None = None
    acknowledged_at: datetime | None = None
    outcome_due_at: datetime | None = None
    outcome: Outcome | None = None
    repaged_at: datetime | None = None
    declined: tuple[StaffId, ...] = ()

    @property
    def wake_at(self) -> datetime | None:
        """When the ladder must look at this alert again; None only for a closed one."""
        if self.status is AlertStatus.OPEN:
            return self.due_at
        return self.outcome_due_at if self.status is AlertStatus.ACKNOWLEDGED else None


@dataclass(frozen=True)
class Decision:
    """The alert as it is now, and everything the service has to write and send for it."""

    alert: AlertState
    pages: tuple[PageOrder, ...] = ()
    notices: tuple[Notice, ...] = ()
    log: tuple[LogEntry, ...] = field(default=())

    @property
    def next_due_at(self) -> datetime | None:
        return self.alert.wake_at

    @property
    def changed(self) -> bool:
        """Whether anything happened at all (every change leaves a log line)."""
        return bool(self.log)


def entry(alert: AlertState, event: str, actor: StaffId | None = None, note: str = "") -> LogEntry:
    return LogEntry(event, alert.step, alert.loop, actor, note)


def acknowledge(alert: AlertState, staff_id: StaffId, policy: EscalationPolicy, now: datetime) -> Decision:
    """A named human takes the case. The first wins; the second is told who has it and nothing changes.

    The owner's second acknowledgement counts only after a further report re-paged them: it restarts the clock
    of the outcome.
    """
    if alert.status is AlertStatus.CLOSED:
        return Decision(alert, notices=(Notice(NoticeKind.ALREADY_CLOSED, staff_id),))
    if alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by != staff_id:
        return Decision(alert, notices=(Notice(NoticeKind.ALREADY_TAKEN, staff_id),))
    if alert.status is AlertStatus.ACKNOWLEDGED and alert.repaged_at is None:
        return Decision(alert, notices=(Notice(NoticeKind.TAKEN, staff_id),))
    taken = replace(
        alert,
        status=AlertStatus.ACKNOWLEDGED,
        due_at=None,
        acknowledged_by=staff_id,
        acknowledged_at=alert.acknowledged_at if alert.acknowledged_by == staff_id else now,
        outcome_due_at=now + timedelta(seconds=policy.outcome_within),
        repaged_at=None,
    )
    return Decision(
        taken,
        notices=(Notice(NoticeKind.TAKEN, staff_id),),
        log=(entry(alert, "acknowledged", staff_id),),
    )


def pass_on(alert: AlertState, staff_id: StaffId, now: datetime) -> Decision:
    """Somebody cannot take the case: the ladder goes on **now**, without them.

    Of an acknowledged case only the owner can let go; anybody else is told who has it.
    """
    if alert.status is AlertStatus.CLOSED:
        return Decision(alert, notices=(Notice(NoticeKind.ALREADY_CLOSED, staff_id),))
    if alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by != staff_id:
        return Decision(alert, notices=(Notice(NoticeKind.ALREADY_TAKEN, staff_id),))
    declined = tuple(sorted({*alert.declined, staff_id}))
    if alert.status is AlertStatus.OPEN:
        passed = replace(alert, declined=declined, due_at=now)
    else:
        passed = replace(_open_again(alert, now), declined=declined)
    return Decision(
        passed,
        notices=(Notice(NoticeKind.PASSED_ON, staff_id),),
        log=(entry(alert, "passed_on", staff_id),),
    )


def hand_over(
    alert: AlertState, staff_id: StaffId, to: StaffId, channels: Sequence[str], within: timedelta, now: datetime
) -> Decision:
    """Somebody offers the case to one colleague, who is paged on `channels`. It is open until the colleague, or anybody
    else who was paged, takes it; `within` that time nobody has, the ladder begins, without the one who let go.

    Of an acknowledged case only the owner can let go.
    """
    if alert.status is AlertStatus.CLOSED:
        return Decision(alert, notices=(Notice(NoticeKind.ALREADY_CLOSED, staff_id),))
    if alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by != staff_id:
        return Decision(alert, notices=(Notice(NoticeKind.ALREADY_TAKEN, staff_id),))
    offered = _open_again(alert, now)
    pages = tuple(PageOrder(0, offered.loop, "handover", to, channel) for channel in channels)
    declined = tuple(sorted({*alert.declined, staff_id} - {to}))
    after = replace(offered, loop=offered.loop + 1, due_at=now + within, declined=declined)
    return Decision(
        after,
        pages,
        (Notice(NoticeKind.PASSED_ON, staff_id),),
        (entry(offered, "handed_over", staff_id, f"staff:{to}"),),
    )


def record_outcome(
    alert: AlertState, outcome: Outcome, staff_id: StaffId, now: datetime, note: str = ""
) -> Decision:
    """A named human says how the case ended. `NOT_REACHED` opens it again for the others; others close it."""
    if alert.status is AlertStatus.CLOSED:
        return Decision(alert, notices=(Notice(NoticeKind.ALREADY_CLOSED, staff_id),))
    line = entry(alert, f"outcome:{outcome}", staff_id, note)
    if outcome is Outcome.NOT_REACHED:
        declined = tuple(sorted({*alert.declined, staff_id}))
        again = replace(_open_again(alert, now), declined=declined)
        return Decision(
            again, notices=(Notice(NoticeKind.REOPENED, staff_id, why="not reached"),), log=(line,)
        )
    closed = replace(
        alert,
        status=AlertStatus.CLOSED,
        due_at=None,
        outcome_due_at=None,
        outcome=outcome,
        acknowledged_by=alert.acknowledged_by if alert.acknowledged_by is not None else staff_id,
        acknowledged_at=alert.acknowledged_at or now,
        repaged_at=None,
    )
    return Decision(closed, log=(line,))


def join(alert: AlertState, level: Level, policy: EscalationPolicy, now: datetime) -> Decision:
    """A further report of the same patient joins the open case. `policy` is the policy of the higher level.

    An owner is re-paged on every channel and has `acknowledge_within` to react, else the case opens again. An
    open case climbs on as it was; if the report raises its severity, the ladder begins again at once.
    """
    if alert.status is AlertStatus.CLOSED:
        raise ValueError("a report never joins a closed alert: open a new one")
    raised = LEVELS.index(level) > LEVELS.index(alert.severity)
    log = [entry(alert, "joined", note=str(level))]
    joined = replace(alert, severity=level if raised else alert.severity)
    if alert.status is AlertStatus.ACKNOWLEDGED and alert.acknowledged_by is not None:
        react_by = now + timedelta(seconds=policy.acknowledge_within)
        due = min(alert.outcome_due_at or react_by, react_by)
        joined = replace(joined, outcome_due_at=due, repaged_at=now, loop=alert.loop + 1, step=0)
        owner = alert.acknowledged_by
        pages = tuple(PageOrder(0, joined.loop, "owner", owner, channel) for channel in all_channels(policy))
        log.append(entry(joined, "owner_repaged", note=str(level)))
        return Decision(joined, pages, (Notice(NoticeKind.JOINED, owner),), tuple(log))
    if raised:
        joined = replace(joined, step=0, loop=alert.loop + 1, due_at=now, declined=())
        log.append(entry(joined, "raised", note=str(level)))
    return Decision(joined, notices=(Notice(NoticeKind.JOINED),), log=tuple(log))


def reopen(alert: AlertState, now: datetime, why: str = "no outcome in time") -> Decision:
    """Nobody acts any more (`why`): the case is open again and its ladder begins at once, with everybody."""
    again = replace(_open_again(alert, now), declined=())
    return Decision(
        again,
        notices=(Notice(NoticeKind.REOPENED, alert.acknowledged_by, why=why),),
        log=(entry(alert, "reopened", note=why),),
    )


def all_channels(policy: EscalationPolicy) -> tuple[str, ...]:
    """Every channel the policy uses, in the order of its first use."""
    return tuple(dict.fromkeys(channel for step in policy.steps for channel in step.channels))


def _open_again(alert: AlertState, now: datetime) -> AlertState:
    return replace(
        alert,
        status=AlertStatus.OPEN,
        step=0,
        loop=alert.loop + 1,
        due_at=now,
        acknowledged_by=None,
        acknowledged_at=None,
        outcome_due_at=None,
        repaged_at=None,
    )
