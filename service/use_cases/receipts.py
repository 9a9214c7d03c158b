"""Delivery receipts: every one is kept, one that raises the rank moves the message. A receipt stops no escalation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from notifications.carriers.twilio_codes import classify
from notifications.message import Channel, DeliveryStatus, may_move
from service.models import Attempt, ContactMethod, Message, Patient, Receipt
from service.use_cases import outbox_failures
from service.use_cases.outbox_failures import Failure

GOOD = frozenset(
    {DeliveryStatus.ACCEPTED, DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.DELIVERED}
)
DONE = DeliveryStatus.DELIVERED


def apply_receipt(
    session: Session,
    *,
    attempt_id: int | None,
    provider_id: str,
    word: str,
    code: str,
    form: Mapping[str, str],
    now: datetime,
) -> Receipt:
    """Keep one callback and apply it. `attempt_id` is ours, out of the callback's address; without it `provider_id`
    finds the attempt. `word` and `code` are the carrier's."""
    outcome = classify(word, code or None)
    message, attempt = _find(session, attempt_id, provider_id, bad=outcome.status not in GOOD)
    receipt = Receipt(
        message_id=message.id if message else None,
        attempt_id=attempt.id if attempt else None,
        provider_id=provider_id or None,
        status=word,
        error_code=code or None,
        form=dict(form),
        received_at=now,
        applied=False,
    )
    session.add(receipt)
    if message is not None and attempt is not None:
        if provider_id and attempt.provider_id is None:
            attempt.provider_id = provider_id
            if attempt.number == message.attempts:
                message.provider_id = provider_id
        if may_move(DeliveryStatus(attempt.status), outcome.status):
            attempt.status = outcome.status.value
            attempt.error_code, attempt.error = code or attempt.error_code, outcome.reason or attempt.error
            receipt.applied = _move(session, message, attempt, outcome.status, now=now)
            if receipt.applied and outcome.status not in GOOD:
                failure = Failure(
                    outcome.status, code, outcome.reason, outcome.next_channel, outcome.opted_out, outcome.not_mobile
                )
                outbox_failures.end(session, message, failure, now=now)
    session.flush()
    return receipt


def _find(
    session: Session, attempt_id: int | None, provider_id: str, *, bad: bool
) -> tuple[Message | None, Attempt | None]:
    wanted = Attempt.id == attempt_id if attempt_id is not None else Attempt.provider_id == provider_id
    row = session.execute(
        select(Message.id, Message.alert_id).join(Attempt, Attempt.message_id == Message.id).where(wanted)
    ).first()
    if row is None:
        return None, None
    message_id = row.id
    if bad:
        outbox_failures.lock_case(session, row.alert_id)
    # the message first, then its attempt: every writer locks in this order
    message = session.get(Message, message_id, with_for_update={"key_share": True}, populate_existing=True)
    attempt = session.scalars(
        select(Attempt).where(wanted, Attempt.message_id == message_id).execution_options(populate_existing=True)
    ).one()
    return message, attempt


def _move(session: Session, message: Message, attempt: Attempt, status: DeliveryStatus, *, now: datetime) -> bool:
    """Good news of any attempt counts for the message, bad news only of the newest."""
    if status not in GOOD and attempt.number != message.attempts:
        return False
    if not may_move(DeliveryStatus(message.status), status):
        return False
    message.status, message.reason = status.value, None
    message.sent_at = message.sent_at or now
    message.claimer = message.lease_until = message.unknown_since = None
    if status is DONE:
        message.ended_at = now
        _delivered(session, message, now=now)
    return True


def _delivered(session: Session, message: Message, *, now: datetime) -> None:
    if message.staff_id is not None:
        # a voice mail takes calls too: only a key proves that a human hears them
        works = {} if message.channel == Channel.VOICE else {"last_delivered_at": now}
        session.execute(
            update(ContactMethod)
            .where(
                ContactMethod.staff_id == message.staff_id, ContactMethod.channel == message.channel,
                ContactMethod.address == message.address,
            )
            .values(failed_at=None, **works)
        )  # fmt: skip
    elif message.patient_id is not None:
        patient = session.get(Patient, message.patient_id)
        if patient is not None and patient.unreachable_at is not None:
            patient.unreachable_at = None
