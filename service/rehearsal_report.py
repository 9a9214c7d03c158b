"""What a rehearsal found: every due item with its end, every fever with its times, and whatever has no explanation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from notifications.message import DeliveryStatus
from service.models import (
    Alert,
    AlertReport,
    Attempt,
    EscalationRun,
    Inbound,
    Message,
    Occasion,
    Patient,
    Reminder,
    Staff,
    Task,
    Timer,
    Visit,
)
from service.use_cases import audit

if TYPE_CHECKING:
    from service.rehearsal import Rehearsal

LONG = 900  # seconds to a human after which the report says why
UNFINISHED = (DeliveryStatus.READY, DeliveryStatus.CLAIMED, DeliveryStatus.UNKNOWN)
NEED_REASON = (
    DeliveryStatus.CANCELLED,
    DeliveryStatus.EXPIRED,
    DeliveryStatus.FAILED_PERMANENT,
    DeliveryStatus.FAILED_TEMPORARY,
)


def report(stage: Rehearsal) -> dict[str, Any]:
    """The whole report; the same seed gives the same one."""
    with stage.runtime.db.reading() as session:
        fevers = [_fever(session, one, stage) for one in stage.fevers]
        unexplained = [*_unexplained(session, stage), *(line for one in fevers for line in one.pop("unexplained"))]
        verdict = audit.verify(session)
        unexplained += [f"audit: {fault}" for fault in verdict.faults]
        return {
            "patients": stage.patients,
            "days": stage.days,
            "seed": stage.seed,
            "faults": stage.faults,
            "crashes": stage.crashes,
            "carrier_failures": stage.faulty_hours,
            "due": {
                "messages": _states(session, Message.kind, Message.status),
                "reminders": _states(session, Reminder.template, Reminder.status),
                "occasions": _states(session, Occasion.questionnaire, Occasion.status),
                "visits": _states(session, Visit.setting, Visit.status),
                "tasks": _states(session, Task.kind, Task.status),
                "timers": _states(session, Timer.kind, Timer.reason),
                "inbound": _states(session, Inbound.found_by, Inbound.status),
            },
            "twice": _twice(session),
            "fevers": fevers,
            "alerts": _states(session, Alert.severity, Alert.status),
            "audit_entries": verdict.sealed,
            "unexplained": unexplained,
        }


def _states(session: Session, group: Any, state: Any) -> dict[str, dict[str, int]]:
    rows = session.execute(select(group, state, func.count()).group_by(group, state).order_by(group, state))
    found: dict[str, dict[str, int]] = {}
    for name, status, count in rows:
        found.setdefault(str(name), {})[str(status)] = count
    return found


def _twice(session: Session) -> dict[str, int]:
    """Messages that a carrier took more than once, by kind: only a page or a safety text may be."""
    taken = (
        select(Attempt.message_id)
        .where(Attempt.provider_id.is_not(None))
        .group_by(Attempt.message_id)
        .having(func.count(func.distinct(Attempt.provider_id)) > 1)
    )
    return dict(Counter(session.scalars(select(Message.kind).where(Message.id.in_(taken)))))


def _fever(session: Session, one: dict[str, Any], stage: Rehearsal) -> dict[str, Any]:
    said = one["said_at"]
    row = session.execute(
        select(Inbound, Alert)
        .outerjoin(AlertReport, AlertReport.inbound_id == Inbound.id)
        .outerjoin(Alert, Alert.id == AlertReport.alert_id)
        .where(Inbound.provider_id == one["sid"])
        .order_by(Alert.id)
    ).first()
    found: dict[str, Any] = {"patient": one["patient"], "said_at": said.isoformat(), "unexplained": []}
    if row is None:
        found["unexplained"].append(f"fever of {one['patient']} at {said}: the text was never stored")
        return found
    inbound, alert = row
    found["found_by"] = inbound.found_by
    if alert is None:
        found["unexplained"].append(f"fever of {one['patient']} at {said}: no case ({inbound.status})")
        return found
    paged = session.scalar(
        select(func.min(Message.sent_at)).where(
            Message.alert_id == alert.id, Message.kind == "page", Message.sent_at >= said
        )
    )
    found |= {
        "case": alert.id,
        "severity": alert.severity,
        "seconds_to_page": _seconds(said, paged or alert.first_paged_at),
        "seconds_to_human": _seconds(said, alert.acknowledged_at),
        "outcome": alert.outcome,
        "status": alert.status,
    }
    if found["seconds_to_human"] is None or found["seconds_to_human"] > LONG:
        found["why"] = _why(session, alert, said, stage.reactions)
    if paged is None and alert.first_paged_at is None:
        found["unexplained"].append(f"case {alert.id}: nobody was paged")
    return found


def _why(session: Session, alert: Alert, said: Any, reactions: Mapping[str, str]) -> list[str]:
    """Each page until somebody took the case: when, to whom, by what, and what came of it."""
    pages = session.execute(
        select(Message, Staff.name)
        .join(Staff, Staff.id == Message.staff_id)
        .where(Message.alert_id == alert.id, Message.kind == "page", Message.channel.in_(("sms", "voice")))
        .order_by(Message.sent_at, Message.id)
    )
    return [
        f"+{_seconds(said, page.sent_at or page.send_at)} s {page.channel} {name}: "
        + reactions.get(page.provider_id or "", f"{page.status}, {page.reason or 'no word of it'}")
        for page, name in pages
        if alert.acknowledged_at is None or (page.sent_at or page.send_at) <= alert.acknowledged_at
    ]


def _seconds(start: Any, end: Any) -> int | None:
    return None if end is None else round((end - start).total_seconds())


def _unexplained(session: Session, stage: Rehearsal) -> list[str]:
    now = stage.end
    lines = [
        f"message {one.id} ({one.kind} {one.template}) is {one.status} since {one.send_at}"
        for one in session.scalars(
            select(Message).where(Message.status.in_(UNFINISHED), Message.send_at < now).order_by(Message.id)
        )
    ]
    lines += [
        f"message {one} ended without a reason"
        for one in session.scalars(
            select(Message.id).where(Message.status.in_(NEED_REASON), Message.reason.is_(None))
        )
    ]
    for name, query in (
        ("reminder", select(Reminder.id).where(Reminder.status == "pending", Reminder.due_at < now)),
        ("occasion", select(Occasion.id).where(Occasion.next_due_at < now)),
        ("inbound", select(Inbound.id).where(Inbound.status != "handled")),
        ("run", select(EscalationRun.id).where(EscalationRun.due_at < now)),
        ("timer", select(Timer.id).where(Timer.done_at.is_(None), Timer.due_at < now)),
        (
            "task",
            select(Task.id).join(Patient).where(Task.status == "open", Task.due_at < now),
        ),
    ):
        lines += [f"{name} {one} was due and nothing came of it" for one in session.scalars(query)]
    twice = _twice(session)
    lines += [f"{kind}s sent twice: {twice[kind]}" for kind in ("reminder", "question") if kind in twice]
    said = {text.sid for text in stage.simulator.inbound}
    stored = set(session.scalars(select(Inbound.provider_id)))
    lines += [f"text {sid} was never stored" for sid in sorted(said - stored)]
    return lines
