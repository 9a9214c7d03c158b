"""Why is it as it is? One line for a message, a visit, an occasion, an alert; a few for a patient.

    message/12  visit/3  occasion/5  alert/7  P-001
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.phone import mask
from service.errors import NotFound, Problem
from service.models import (
    Alert,
    AlertLog,
    Attempt,
    EscalationRun,
    Inbound,
    Message,
    Occasion,
    Patient,
    Receipt,
    Reminder,
    Staff,
    Task,
    Visit,
)

RECENT = 5


def explain(session: Session, reference: str) -> list[str]:
    """The lines about `reference`. NotFound where there is nothing; Problem for what is no reference."""
    kind, slash, number = reference.partition("/")
    if not slash:
        found = session.scalars(select(Patient).where(Patient.code == reference)).all()
        if not found:
            raise NotFound(f"no patient is called {reference!r}; give message/12, visit/3, occasion/5, alert/7, task/2")
        return [line for patient in found for line in _patient(session, patient)]
    if kind not in TABLES or not (number.isascii() and number.isdigit()):
        raise Problem(f"{reference!r}: give {', '.join(f'{one}/ID' for one in TABLES)} or a patient's code")
    table, sentence = TABLES[kind]
    row = session.get(table, int(number)) if int(number) < 2**63 else None
    if row is None:
        raise NotFound(f"there is no {kind} {number}")
    return [f"{reference}: {sentence(session, row)}"]


def at(instant: datetime | None) -> str:
    """An instant as the lines show it."""
    return f"{instant:%Y-%m-%d %H:%M:%SZ}" if instant else "never"


def message_line(session: Session, message: Message) -> str:
    """Why this message went, or did not go."""
    to = mask(message.address) if message.channel in ("sms", "whatsapp", "voice") else message.channel
    what = f"{message.kind} {message.template!r} by {message.channel} to {to}"
    parts = [f"{what}, due {at(message.due_at)}: {message.status}"]
    if message.reason:
        parts.append(message.reason)
    if message.status == "ready":
        parts.append(f"leaves at {at(message.send_at)}")
    if message.wanted_while:
        parts.append(f"only while {message.wanted_while.replace('_', ' is ')}")
    attempts = session.scalars(
        select(Attempt).where(Attempt.message_id == message.id).order_by(Attempt.number)
    ).all()
    for attempt in attempts:
        words = f"attempt {attempt.number} {attempt.status}"
        if attempt.provider_id:
            words += f" as {attempt.provider_id}"
        if attempt.error:
            words += f" ({attempt.error})"
        parts.append(words)
    receipts = session.scalars(select(Receipt).where(Receipt.message_id == message.id).order_by(Receipt.id)).all()
    if receipts:
        parts.append("receipts " + ", ".join(one.status + ("" if one.applied else " (kept)") for one in receipts))
    if message.sent_at:
        parts.append(f"left at {at(message.sent_at)}")
    return "; ".join(parts)


def visit_line(session: Session, visit: Visit) -> str:
    """Why this visit is when it is."""
    parts = [
        f"{visit.code} of {visit.patient.code} on {visit.date} ({visit.status}), window {visit.window_start} to "
        f"{visit.window_end}, counted from {visit.anchor}{' (projected)' if visit.projected else ''}"
    ]
    if visit.merged_into:
        parts.append(f"held with {visit.merged_into}")
    if visit.flags:
        parts.append(f"flags {', '.join(visit.flags)}")
    if visit.booked_at:
        parts.append(f"booked for {at(visit.booked_at)}")
    if visit.completed_on:
        parts.append(f"done on {visit.completed_on}")
    for reminder in session.scalars(select(Reminder).where(Reminder.visit_id == visit.id).order_by(Reminder.due_at)):
        words = f"reminder {reminder.key} {at(reminder.due_at)} {reminder.status}"
        parts.append(words + (f" ({reminder.reason})" if reminder.reason else ""))
    return "; ".join(parts)


def occasion_line(session: Session, occasion: Occasion) -> str:
    """Why this questionnaire was asked, answered, missed."""
    parts = [
        f"{occasion.questionnaire} of {occasion.patient.code} for {occasion.for_date}: {occasion.status}, opens "
        f"{at(occasion.opens_at)}, late {at(occasion.late_at)}, missed {at(occasion.missed_at)}"
    ]
    if occasion.ended_reason:
        parts.append(occasion.ended_reason)
    if occasion.next_due_at:
        parts.append(f"next step {at(occasion.next_due_at)}")
    if occasion.item:
        parts.append(f"waits for {occasion.item}")
    if occasion.answered_at:
        parts.append(f"answered {at(occasion.answered_at)}")
    if occasion.reminders_sent:
        parts.append(f"{occasion.reminders_sent} reminders")
    return "; ".join(parts)


def alert_line(session: Session, alert: Alert) -> str:
    """Where this case stands, and every step it took."""
    parts = [f"case {alert.case} of {alert.patient.code}: {alert.status}, reported {at(alert.reported_at)}"]
    if alert.acknowledged_by_id:
        owner = session.get_one(Staff, alert.acknowledged_by_id)
        parts.append(f"taken by {owner.name} {at(alert.acknowledged_at)} via {alert.acknowledged_via}")
    if alert.outcome:
        parts.append(f"outcome {alert.outcome} {at(alert.outcome_at)}")
    run = session.scalars(select(EscalationRun).where(EscalationRun.alert_id == alert.id)).first()
    if run is not None and run.due_at:
        parts.append(f"step {run.step} of loop {run.loop}, next {at(run.due_at)}")
    log = session.scalars(select(AlertLog).where(AlertLog.alert_id == alert.id).order_by(AlertLog.id))
    parts += [f"{one.at:%H:%M:%S} {one.event} ({one.actor})" for one in log]
    return "; ".join(parts)


def task_line(session: Session, task: Task) -> str:
    """Why this task is there and what became of it."""
    parts = [f"{task.kind} ({task.level}) {task.status}, opened {at(task.created_at)}"]
    if task.rules:
        parts.append(f"by {', '.join(task.rules)}")
    if task.due_at:
        parts.append(f"to be seen by {at(task.due_at)}")
    if task.seen_by:
        parts.append(f"seen by {task.seen_by} {at(task.seen_at)}")
    if task.done_by:
        parts.append(f"done by {task.done_by} {at(task.done_at)}")
    return "; ".join(parts)


def inbound_line(session: Session, inbound: Inbound) -> str:
    """What was made of a text; never its words."""
    parts = [
        f"text from {mask(inbound.from_address)} received {at(inbound.received_at)} ({inbound.found_by}): "
        f"{inbound.status}"
    ]
    if inbound.error:
        parts.append(f"{inbound.tries} tries, {inbound.error}")
    if inbound.patient_id:
        parts.append(f"patient {session.get_one(Patient, inbound.patient_id).code}")
    if inbound.staff_id:
        parts.append(f"staff {inbound.staff_id}")
    if inbound.handled_at:
        parts.append(f"handled {at(inbound.handled_at)}")
    return "; ".join(parts)


def _patient(session: Session, patient: Patient) -> list[str]:
    scope = f", opted out of {patient.opted_out}" if patient.opted_out else ""
    scope += ", in hospital" if patient.admitted_at else ""
    lines = [f"{patient.code}: {patient.status} since {patient.enrolled_on}{scope}, by {patient.channel}"]
    for kind, (table, sentence) in TABLES.items():
        rows = session.scalars(
            select(table).where(table.patient_id == patient.id).order_by(table.id.desc()).limit(RECENT)
        ).all()
        lines += [f"{kind}/{row.id}: {sentence(session, row)}" for row in reversed(rows)]
    return lines


TABLES: Mapping[str, tuple[Any, Callable[[Session, Any], str]]] = {
    "message": (Message, message_line),
    "visit": (Visit, visit_line),
    "occasion": (Occasion, occasion_line),
    "alert": (Alert, alert_line),
    "task": (Task, task_line),
    "inbound": (Inbound, inbound_line),
}
