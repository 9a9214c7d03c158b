"""The ladder of one alert: rows to values, `workflows.escalation` decides, values back to rows.

Every change of an alert goes through `apply`, so that its log, its pages and its audit line are written in
the same transaction. Alert and run are read with a row lock, alert first: an acknowledgement and a tick that
meet are settled there on PostgreSQL, by the single writer on SQLite, and by `version_id` on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, not_, or_, select, text
from sqlalchemy.orm import Session, aliased

from service.db import as_json
from service.models import Alert, AlertLog, EscalationRun, Message, Page, Patient, Site, Staff
from service.prepared import Prepared, Within
from service.use_cases import bulk, contacts, fallback, oncall, pages, rows, staff
from service.use_cases.sweep import LIMIT, Sweep
from workflows import escalation
from workflows.alerts import AlertState, AlertStatus, Decision, Outcome
from workflows.escalation import Contact
from workflows.protocol import EscalationPolicy, EscalationStep, Level

DEAD = ("undelivered", "failed_permanent", "failed_temporary", "expired")
SYSTEM = "system"
ALERTS, RUNS = bulk.table_of(Alert), bulk.table_of(EscalationRun)
HOLD_ALERT = Prepared(select(*ALERTS.c).where(ALERTS.c.id == bindparam("alert")).with_for_update())
HOLD_RUN = Prepared(select(*RUNS.c).where(RUNS.c.alert_id == bindparam("alert")).with_for_update())
ALERT_OF_RUN = Prepared(select(EscalationRun.alert_id).where(EscalationRun.id == bindparam("run")))


def locked(session: Session, alert_id: int) -> tuple[Alert, EscalationRun]:
    """The alert and its run, locked until the end of the transaction and read afresh."""
    # Not session.get(..., with_for_update=): that refuses a row that has changed since this session first read it,
    # and somebody who comes second must be told who has the case, not fail.
    session.flush()
    alert = rows.stand(session, Alert, HOLD_ALERT.first(session, alert=alert_id))
    rows.know(session, rows.know(session, alert, "patient", Patient), "site", Site)
    return alert, rows.stand(session, EscalationRun, HOLD_RUN.first(session, alert=alert_id))


def state_of(alert: Alert, run: EscalationRun) -> AlertState:
    """The rows as a value."""
    return AlertState(
        status=AlertStatus(alert.status),
        severity=Level(alert.severity),
        opened_at=alert.opened_at,
        step=run.step,
        loop=run.loop,
        due_at=run.due_at,
        acknowledged_by=alert.acknowledged_by_id,
        acknowledged_at=alert.acknowledged_at,
        outcome_due_at=alert.outcome_due_at,
        outcome=Outcome(alert.outcome) if alert.outcome else None,
        repaged_at=run.repaged_at,
        declined=tuple(run.declined),
    )


def policy_of(alert: Alert) -> EscalationPolicy:
    """The policy as it was when the alert was opened (or raised)."""
    kept = dict(alert.policy)
    steps = tuple(
        EscalationStep(each["after"], tuple(each["recipients"]), tuple(each["channels"]), each["repeat"])
        for each in kept.pop("steps")
    )
    exhausted = tuple(kept.pop("exhausted_recipients"))
    return EscalationPolicy(steps=steps, exhausted_recipients=exhausted, **kept)


def snapshot(policy: EscalationPolicy) -> dict[str, object]:
    """The policy as it is kept on the alert."""
    return as_json(asdict(policy))


def reach(
    session: Session, site_id: int, policy: EscalationPolicy, at: datetime
) -> dict[str, tuple[Contact, ...]]:
    """Every recipient of the policy with the contacts of the people who are it at `at`."""
    people = {who: _people(session, site_id, who, at) for who in escalation.recipients(policy)}
    everyone = {person for each in people.values() for person in each}
    by_person: dict[int, list[Contact]] = {person: [] for person in everyone}
    for contact in contacts.of_staff(session, everyone):
        by_person[contact.staff_id].append(contacts.as_rule(contact, at))
    return {who: tuple(one for person in each for one in by_person[person]) for who, each in people.items()}


def apply(
    session: Session, alert: Alert, run: EscalationRun, decision: Decision, *, now: datetime, via: str = ""
) -> None:
    """Write what was decided: the state, one log row for each line, the pages, the notices."""
    if not decision.changed and not decision.notices:
        return
    state = decision.alert
    rows.change(
        session, alert, status=str(state.status), severity=str(state.severity),
        acknowledged_by_id=state.acknowledged_by, acknowledged_at=state.acknowledged_at,
        outcome_due_at=state.outcome_due_at,
        first_paged_at=alert.first_paged_at or (now if decision.pages else None),
    )  # fmt: skip
    exhausted = now if escalation.is_exhausted(state, policy_of(alert)) else None
    rows.change(
        session, run, step=state.step, loop=state.loop, due_at=state.due_at, repaged_at=state.repaged_at,
        declined=list(state.declined), exhausted_at=run.exhausted_at or exhausted,
    )  # fmt: skip
    for line in decision.log:
        detail = {"step": line.step, "loop": line.loop, "note": line.note, "via": via}
        actor = f"staff:{line.actor}" if line.actor is not None else SYSTEM
        rows.add(session, AlertLog, alert_id=alert.id, at=now, actor=actor, event=line.event, detail=detail)
    pages.send(session, alert, decision, now=now)
    pages.tell(session, alert, decision, now=now, via=via)
    session.flush()


def climb(session: Session, alert: Alert, run: EscalationRun, *, now: datetime) -> Decision:
    """One look at the ladder: what is due at `now` happens."""
    policy = policy_of(alert)
    decision = escalation.on_due(
        state_of(alert, run), policy, reach(session, alert.site_id, policy, now), now
    )
    apply(session, alert, run, decision, now=now)
    return decision


def escalate_due(session: Session, run_id: int, *, now: datetime) -> Decision:
    """For the tick: the run's next rung, or the reopening of a case without an outcome. Not due any more: nothing."""
    alert_id = ALERT_OF_RUN.first(session, run=run_id).alert_id
    alert, run = locked(session, alert_id)
    return climb(session, alert, run, now=now)


def next_steps(session: Session, alert: Alert, now: datetime) -> list[tuple[datetime, str, list[Staff]]]:
    """If nobody takes it: (when, recipient, people), for the alert page."""
    run = session.scalars(select(EscalationRun).where(EscalationRun.alert_id == alert.id)).one()
    policy = policy_of(alert)
    coming = escalation.preview(
        state_of(alert, run), policy, reach(session, alert.site_id, policy, now)
    )
    return [(at, who, [session.get_one(Staff, each) for each in people]) for at, who, people in coming]


def _people(session: Session, site_id: int, recipient: str, at: datetime) -> list[int]:
    if recipient.startswith("role:"):
        return staff.ids_with_role(session, site_id, recipient.removeprefix("role:"))
    if recipient == escalation.FALLBACK:
        return fallback.of_site(session, rows.get(session, Site, site_id))
    return [duty.staff_id for duty in oncall.who(session, site_id, at) if duty.layer == recipient]


def due(session: Within, now: datetime, limit: int) -> Sequence[int]:
    """Run ids that are due at `now`, oldest first. Two queries: each has its own partial index."""
    given = {"now": now, "limit": limit}
    rungs, outcomes = RUNGS_DUE.all(session, **given), OUTCOMES_DUE.all(session, **given)
    waiting = sorted((at, run_id) for at, run_id in (*rungs, *outcomes) if at is not None)
    return [run_id for _, run_id in waiting][:limit]


def failed_due(session: Within, now: datetime, limit: int) -> Sequence[int]:
    """Runs whose latest rung has no living page left although the next one is not due yet."""
    return [run_id for (run_id,) in DEAD_RUNGS.all(session, now=now, limit=limit)]


def move_on(session: Session, run_id: int, *, now: datetime) -> None:
    """Every page of the latest rung failed for good: the next rung follows now, not when its time comes."""
    alert_id = ALERT_OF_RUN.first(session, run=run_id).alert_id
    alert, run = locked(session, alert_id)
    session.flush()
    if IS_DEAD.first(session, now=now, run=run_id) is None:
        return
    hurried = escalation.page_failed(
        state_of(alert, run), step=run.step - 1, loop=run.loop, others_alive=False, now=now
    )
    apply(session, alert, run, hurried, now=now)
    climb(session, alert, run, now=now)


def page_failed(session: Session, message: Message, *, now: datetime) -> None:
    """A page of a case failed: the ladder moves on now if that was the last living page of its rung. A contact
    that was refused for good is not tried again for an hour. The same message again changes nothing."""
    refused = message.status == "failed_permanent"
    for contact in contacts.of_staff(session, [message.staff_id] if message.staff_id and refused else []):
        if (contact.channel, contact.address) == (message.channel, message.address):
            contact.failed_at = now
    session.flush()
    run_id = session.scalar(select(EscalationRun.id).where(EscalationRun.alert_id == message.alert_id))
    if run_id is not None:
        move_on(session, run_id, now=now)


def _dead_rung() -> tuple[ColumnElement[bool], ...]:
    latest = aliased(Page)
    of_rung = and_(
        latest.alert_id == EscalationRun.alert_id,
        latest.loop == EscalationRun.loop,
        latest.step == EscalationRun.step - 1,
        latest.message_id == Message.id,
        # A browser that takes the push is no sign that a person is there.
        Message.channel != "webpush",
    )
    # A call that nobody answers did ring: the person keeps the time that the policy gives them.
    unanswered = and_(Message.channel == "voice", Message.status == "undelivered")
    dead = or_(*(Message.status == status for status in DEAD))
    failed = exists().where(of_rung, dead, not_(unanswered))
    alive = exists().where(of_rung, not_(dead))
    return (EscalationRun.due_at.is_not(None), EscalationRun.due_at > bindparam("now"), failed, ~alive)


RUNGS_DUE = Prepared(
    select(EscalationRun.due_at, EscalationRun.id)
    .where(EscalationRun.due_at.is_not(None), EscalationRun.due_at <= bindparam("now"))
    .order_by(EscalationRun.due_at)
    .limit(LIMIT)
)
OUTCOMES_DUE = Prepared(
    select(Alert.outcome_due_at, EscalationRun.id)
    .join(EscalationRun, EscalationRun.alert_id == Alert.id)
    .where(text("alert.status = 'acknowledged'"), Alert.outcome_due_at <= bindparam("now"))
    .order_by(Alert.outcome_due_at)
    .limit(LIMIT)
)
DEAD_RUNGS = Prepared(select(EscalationRun.id).where(*_dead_rung()).order_by(EscalationRun.due_at).limit(LIMIT))
IS_DEAD = Prepared(select(EscalationRun.id).where(EscalationRun.id == bindparam("run"), *_dead_rung()))


def _handle_due(session: Session, run_id: int, now: datetime) -> None:
    escalate_due(session, run_id, now=now)


def _handle_failed(session: Session, run_id: int, now: datetime) -> None:
    move_on(session, run_id, now=now)


CLIMBING = select(func.min(EscalationRun.due_at)).where(EscalationRun.due_at.is_not(None))
OUTCOMES = select(func.min(Alert.outcome_due_at)).where(Alert.status == "acknowledged")
SWEEPS = (
    Sweep("escalation", due, _handle_due, (CLIMBING, OUTCOMES)),
    Sweep("failed_pages", failed_due, _handle_failed, (CLIMBING,), watches=True),
)
