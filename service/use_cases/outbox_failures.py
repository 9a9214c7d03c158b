"""What follows from a message that did not arrive: opt-outs, the next channel, a task, the next person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.catalog import CATALOG
from notifications.message import Channel, DeliveryStatus
from service.models import Alert, ContactMethod, Message, Patient, Staff
from service.use_cases import audit, escalations, outbox, patient_push, tasks

URGENT = frozenset({"safety", "page"})


@dataclass(frozen=True)
class Failure:
    """Why it did not arrive, in the words of `notifications`' code tables."""

    status: DeliveryStatus
    code: str
    reason: str
    next_channel: bool = False
    opted_out: bool = False
    not_mobile: bool = False


def lock_case(session: Session, alert_id: int | None) -> None:
    """Lock the case before one of its messages, as those do who acknowledge it: no two then wait for each other."""
    if alert_id is not None:
        session.execute(select(Alert.id).where(Alert.id == alert_id).with_for_update(key_share=True))


def end(session: Session, message: Message, failure: Failure, *, now: datetime) -> None:
    """Close `message` with the failure and do what follows from it."""
    message.status, message.ended_at = failure.status.value, now
    message.reason = f"{failure.reason} ({failure.code})" if failure.code else failure.reason
    follow(session, message, failure, now=now)


def follow(session: Session, message: Message, failure: Failure, *, now: datetime) -> None:
    """What follows for people; may be called again for the same message without doing it twice."""
    if message.patient_id is not None and message.channel == Channel.WEBPUSH:
        patient_push.forget(session, message, failure.code, now=now)
        return  # the text beside it went by itself
    if failure.opted_out:
        _opt_out(session, message, now=now)
    if message.staff_id is not None:
        _flag(session, message, failure, now=now)
    elif message.patient_id is not None and failure.status is not DeliveryStatus.EXPIRED:
        _open_task(session, message, failure, now=now)
    move_on(session, message, now=now, instead=True)


def move_on(session: Session, message: Message, *, now: datetime, instead: bool) -> None:
    """Use the next channel or tell the next person, now. `instead`: this message itself is over."""
    if message.kind == "page" and message.alert_id is not None:
        if instead:
            session.flush()
            escalations.page_failed(session, message, now=now)
        return
    if message.patient_id is None or not (instead or message.kind in URGENT):
        return
    channel = _next_channel(message)
    patient = session.get(Patient, message.patient_id)
    if channel is None or patient is None:
        return
    following = outbox.enqueue(
        session, now=now, kind=message.kind, template=message.template, fields=message.fields, patient=patient,
        channel=channel, lane=message.lane, due_at=message.due_at, expires_at=message.expires_at,
        wanted_while=message.wanted_while, occasion_id=message.occasion_id, visit_id=message.visit_id,
        alert_id=message.alert_id, inbound_id=message.inbound_id, task_id=message.task_id,
        dedupe=f"{message.dedupe}/{channel}",
    )  # fmt: skip
    if instead:
        message.reason = f"{message.reason}; goes on by {channel} as message {following.id}"


def _next_channel(message: Message) -> str | None:
    if message.channel == Channel.WHATSAPP:
        return Channel.SMS.value
    spoken = Channel.VOICE in CATALOG[message.template].channels
    if message.channel == Channel.SMS and message.kind in URGENT and spoken:
        return Channel.VOICE.value
    return None


def _flag(session: Session, message: Message, failure: Failure, *, now: datetime) -> None:
    """A contact that was refused, or whose telephone is off. A call that nobody answers did ring."""
    for contact in _contacts(session, message):
        if failure.status is DeliveryStatus.FAILED_PERMANENT:
            contact.failed_at = now
        elif failure.status is DeliveryStatus.UNDELIVERED and message.channel != Channel.VOICE:
            contact.undelivered_at = now


def _opt_out(session: Session, message: Message, *, now: datetime) -> None:
    for contact in _contacts(session, message) if message.staff_id else ():
        contact.opted_out_at = contact.opted_out_at or now
    patient = session.get(Patient, message.patient_id) if message.patient_id else None
    if patient is not None and not patient.opted_out_by_carrier:
        patient.opted_out, patient.opted_out_by_carrier, patient.opted_out_at = "all", True, now
        audit.record(
            session, "patient:opt_out", actor="system", now=now, subject_id=patient.id, patient_id=patient.id,
            detail={"scope": "all", "by": "carrier", "message": message.id},
        )  # fmt: skip


def _open_task(session: Session, message: Message, failure: Failure, *, now: datetime) -> None:
    patient = session.get(Patient, message.patient_id)
    assert patient is not None
    if failure.not_mobile or failure.opted_out or message.kind in URGENT:
        patient.unreachable_at = patient.unreachable_at or now
    tasks.open_task(
        session, kind="undeliverable", level="amber", rules=("N-UNDEL",), patient=patient, now=now,
        dedupe=f"undeliverable:{patient.id}:{now.date()}", detail={"message": message.id, "why": failure.reason},
    )  # fmt: skip


def _contacts(session: Session, message: Message) -> list[ContactMethod]:
    return list(
        session.scalars(
            select(ContactMethod)
            .join(Staff, Staff.id == ContactMethod.staff_id)
            .where(
                ContactMethod.staff_id == message.staff_id,
                ContactMethod.address == message.address,
                # a text that failed, or a STOP, says nothing about calls to that number
                ContactMethod.channel == message.channel,
            )
        )
    )
