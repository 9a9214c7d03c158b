"""What people do to a case: take it, pass it on, note something, say how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.models import Alert, AlertLog, EscalationRun, Staff
from service.use_cases import audit, contacts, escalations, outbox, pages, tasks
from workflows import alerts as rules
from workflows import escalation
from workflows.alerts import AlertStatus, Decision, Outcome
from workflows.decisions import RuleViolation

LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Ack:
    """`first`: this call took the case. `by` has it, since `at`; both None for a case closed without an owner."""

    first: bool
    by: Staff | None
    at: datetime | None


def acknowledge(session: Session, alert: Alert, *, staff: Staff, via: str, now: datetime) -> Ack:
    """`staff` takes the case. The first wins; a second person learns who has it and changes nothing.

    `via`: sms | voice | link | webpush | console | api. Pages that wait to be sent are cancelled in the same
    transaction; the sender asks again before each page.
    """
    alert, run = escalations.locked(session, alert.id)
    was_open = alert.status == AlertStatus.OPEN
    decision = rules.acknowledge(
        escalations.state_of(alert, run), staff.id, escalations.policy_of(alert), now
    )
    if decision.changed:
        alert.acknowledged_via = via
        reason = f"case {alert.case} was taken"
        outbox.cancel_for(session, now=now, reason=reason, alert_id=alert.id, kinds=("page",))
        _write(session, alert, run, decision, "alert:acknowledge", staff, via, now)
    owner = session.get(Staff, alert.acknowledged_by_id) if alert.acknowledged_by_id else None
    return Ack(first=was_open and decision.changed, by=owner, at=alert.acknowledged_at)


def pass_on(session: Session, alert: Alert, *, staff: Staff, via: str, now: datetime) -> list[Staff]:
    """`staff` cannot take it: the ladder goes on at once. Who is paged now; nobody when it is not theirs to pass on."""
    alert, run = escalations.locked(session, alert.id)
    decision = rules.pass_on(escalations.state_of(alert, run), staff.id, now)
    if not decision.changed:
        return []
    _write(session, alert, run, decision, "alert:pass_on", staff, via, now)
    return _now_paged(session, escalations.climb(session, alert, run, now=now))


def hand_over(session: Session, alert: Alert, *, staff: Staff, to: Staff, via: str, now: datetime) -> bool:
    """`staff` offers the case to `to`, who is paged at once on every channel; the ladder goes on when they do not take
    it in time. False when it is not theirs to give.

    RuleViolation for somebody who cannot be paged.
    """
    usable = [contacts.as_rule(one, now) for one in contacts.of_staff(session, [to.id])]
    channels = tuple(dict.fromkeys(one.channel for one in usable if one.usable and one.channel != "email"))
    if to.id == staff.id or not to.active or to.site_id not in (None, alert.site_id) or not channels:
        raise RuleViolation("to", to.id, "somebody else, of this site, who can be paged")
    alert, run = escalations.locked(session, alert.id)
    within = escalation.gap_after(escalations.policy_of(alert), 0)
    decision = rules.hand_over(escalations.state_of(alert, run), staff.id, to.id, channels, within, now)
    if not decision.changed:
        return False
    reason = f"case {alert.case} was handed over"
    outbox.cancel_for(session, now=now, reason=reason, alert_id=alert.id, kinds=("page",))
    _write(session, alert, run, decision, "alert:hand_over", staff, via, now, to=f"staff:{to.id}")
    return True


def outcome(
    session: Session,
    alert: Alert,
    *,
    staff: Staff,
    outcome: str,
    text: str = "",
    via: str = "console",
    now: datetime,
) -> Alert:
    """How the case ended. `not_reached` opens it again for the others; every other outcome closes it for
    ever.

    RuleViolation for an unknown outcome, and for `other` without a text.
    """
    try:
        ended = Outcome(outcome)
    except ValueError as error:
        raise RuleViolation("outcome", outcome, "one of " + ", ".join(Outcome)) from error
    text = text.strip()[:LONGEST_TEXT]
    if ended is Outcome.OTHER and not text:
        raise RuleViolation("text", text, "say what happened")
    alert, run = escalations.locked(session, alert.id)
    decision = rules.record_outcome(escalations.state_of(alert, run), ended, staff.id, now)
    if not decision.changed:
        raise RuleViolation("outcome", outcome, "the case is closed")
    if alert.acknowledged_via is None:
        alert.acknowledged_via = via
    if decision.alert.status is AlertStatus.CLOSED:
        alert.outcome, alert.outcome_text = str(ended), text or None
        alert.outcome_at = alert.closed_at = now
        alert.outcome_by_id = staff.id
        outbox.cancel_for(
            session, now=now, reason=f"case {alert.case} is closed", alert_id=alert.id, kinds=("page",)
        )
    _write(session, alert, run, decision, "alert:outcome", staff, via, now, outcome=str(ended))
    if ended is Outcome.NOT_REACHED:
        escalations.climb(session, alert, run, now=now)
    if ended is Outcome.SENT_TO_ER:
        tasks.open_task(
            session,
            kind="confirm_arrival",
            level="amber",
            now=now,
            patient=alert.patient,
            dedupe=f"alert:{alert.id}:arrival",
            due_at=now + pages.FOLLOW_UP,
            detail={"case": alert.case},
            alert_id=alert.id,
        )
    return alert


def reopen(session: Session, alert: Alert, *, actor: str, now: datetime) -> Alert:
    """Open an acknowledged case again by hand: its owner is gone and the ladder must find somebody else."""
    alert, run = escalations.locked(session, alert.id)
    if alert.status != AlertStatus.ACKNOWLEDGED:
        raise RuleViolation("status", alert.status, "only an acknowledged case can be opened again")
    decision = rules.reopen(escalations.state_of(alert, run), now)
    escalations.apply(session, alert, run, decision, now=now)
    audit.record(
        session, "alert:reopen", actor=actor, now=now, subject_id=alert.id, patient_id=alert.patient_id
    )
    escalations.climb(session, alert, run, now=now)
    return alert


def note(session: Session, alert: Alert, *, staff: Staff, text: str, now: datetime) -> AlertLog:
    """A remark in the log of the case."""
    text = text.strip()[:LONGEST_TEXT]
    if not text:
        raise RuleViolation("text", text, "an empty note")
    row = AlertLog(alert_id=alert.id, at=now, actor=f"staff:{staff.id}", event="note", detail={"note": text})
    session.add(row)
    session.flush()
    return row


def _write(
    session: Session,
    alert: Alert,
    run: EscalationRun,
    decision: Decision,
    action: str,
    staff: Staff,
    via: str,
    now: datetime,
    **detail: str,
) -> None:
    escalations.apply(session, alert, run, decision, now=now, via=via)
    audit.record(
        session,
        action,
        actor=f"staff:{staff.id}",
        now=now,
        subject_id=alert.id,
        patient_id=alert.patient_id,
        detail={"case": alert.case, "via": via, **detail},
    )


def _now_paged(session: Session, decision: Decision) -> list[Staff]:
    people = dict.fromkeys(page.staff_id for page in decision.pages)
    return [session.get_one(Staff, each) for each in people]


__all__ = ["Ack", "acknowledge", "hand_over", "note", "outcome", "pass_on", "reopen"]
