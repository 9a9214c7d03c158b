"""Delivery receipts: every one is kept, one that raises the rank moves the message. A receipt stops no escalation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import String, Update, bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from notifications.carriers.twilio_codes import Outcome, classify
from notifications.message import Channel, DeliveryStatus, may_move
from service.models import Attempt, ContactMethod, Message, Patient, Receipt
from service.prepared import Prepared, Within
from service.use_cases import outbox_failures
from service.use_cases.outbox_failures import Failure

GOOD = frozenset(
    {DeliveryStatus.ACCEPTED, DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.DELIVERED}
)
DONE = DeliveryStatus.DELIVERED
NOW = bindparam("now", type_=Message.sent_at.type)
# The message is locked; its attempt is read without a lock and is guarded by what each change says of it.
FIND = (
    select(
        Message.id, Message.attempts, Message.staff_id, Message.patient_id, Message.channel, Message.address,
        Attempt.id.label("attempt_id"), Attempt.number, Attempt.provider_id,
        Patient.unreachable_at,
    )
    .join(Attempt, Attempt.message_id == Message.id)
    .outerjoin(Patient, Patient.id == Message.patient_id)
    .with_for_update(of=Message, key_share=True)
)  # fmt: skip
BY_ATTEMPT = Prepared(FIND.where(Attempt.id == bindparam("one")))
BY_PROVIDER = Prepared(FIND.where(Attempt.provider_id == bindparam("one")))
KEPT = ("message_id", "attempt_id", "provider_id", "status", "error_code", "form", "received_at", "applied")
KEEP = Prepared(insert(Receipt).values({name: bindparam(name) for name in KEPT}))


def _risen(table: Any, status: DeliveryStatus) -> Update:
    """The row "row" takes `status`, if its rank rises by it."""
    lower = ", ".join(f"'{one.value}'" for one in DeliveryStatus if may_move(one, status))
    name = table.__tablename__
    return (
        update(table)
        .where(table.id == bindparam("row"), text(f"{name}.status IN ({lower})"))
        .values(status=status.value)
    )


MOVE_ATTEMPT = {
    status: Prepared(
        _risen(Attempt, status).values(
            error_code=func.coalesce(bindparam("code", type_=String()), Attempt.error_code),
            error=func.coalesce(bindparam("why", type_=String()), Attempt.error),
        )
    )
    for status in GOOD
}
MOVE_MESSAGE = {
    status: Prepared(
        _risen(Message, status).values(
            reason=None,
            sent_at=func.coalesce(Message.sent_at, NOW),
            claimer=None,
            lease_until=None,
            unknown_since=None,
            **({"ended_at": NOW} if status is DONE else {}),
        )
    )
    for status in GOOD
}
ADOPT = Prepared(
    update(Attempt)
    .where(Attempt.id == bindparam("row"), Attempt.provider_id.is_(None))
    .values(provider_id=bindparam("given"))
)
ADOPT_MESSAGE = Prepared(update(Message).where(Message.id == bindparam("row")).values(provider_id=bindparam("given")))
WORKS = (
    update(ContactMethod)
    .where(
        ContactMethod.staff_id == bindparam("staff"),
        ContactMethod.channel == bindparam("by"),
        ContactMethod.address == bindparam("to"),
    )
    .values(failed_at=None)
)
TAKES_CALLS = Prepared(WORKS)
TAKES_TEXTS = Prepared(WORKS.values(last_delivered_at=bindparam("now")))
REACHABLE = Prepared(
    update(Patient)
    .where(Patient.id == bindparam("row"))
    .values(unreachable_at=None, version_id=Patient.version_id + 1)
)


def is_good(word: str, code: str) -> bool:
    """Whether it says that all goes well: then nobody needs to do anything, and prepared statements alone keep it."""
    return classify(word, code or None).status in GOOD


def apply_receipt(
    session: Within,
    *,
    attempt_id: int | None,
    provider_id: str,
    word: str,
    code: str,
    form: Mapping[str, str],
    now: datetime,
) -> bool:
    """Keep one callback and apply it; whether it raised the message's rank. Bad news needs a session.

    `attempt_id` is ours, out of the callback's address; without it `provider_id` finds the attempt. `word` and `code`
    are the carrier's.
    """
    outcome = classify(word, code or None)
    if outcome.status in GOOD:
        message_id, attempt, applied = _good(session, attempt_id, provider_id, code, outcome, now=now)
    else:
        assert isinstance(session, Session)
        message_id, attempt, applied = _bad(session, attempt_id, provider_id, code, outcome, now=now)
    KEEP.run(
        session, message_id=message_id, attempt_id=attempt, provider_id=provider_id or None, status=word,
        error_code=code or None, form=dict(form), received_at=now, applied=applied,
    )  # fmt: skip
    return applied


Applied = tuple[int | None, int | None, bool]


def _good(
    session: Within, attempt_id: int | None, provider_id: str, code: str, outcome: Outcome, *, now: datetime
) -> Applied:
    """Good news of any attempt counts for the message."""
    find, one = (BY_PROVIDER, provider_id) if attempt_id is None else (BY_ATTEMPT, attempt_id)
    row = find.first(session, one=one)
    if row is None:
        return None, None, False
    if provider_id and row.provider_id is None:
        _adopt(session, row, provider_id)
    applied = False
    if MOVE_ATTEMPT[outcome.status].run(session, row=row.attempt_id, code=code or None, why=outcome.reason or None):
        applied = bool(MOVE_MESSAGE[outcome.status].run(session, row=row.id, now=now))
        if applied and outcome.status is DONE:
            _delivered(session, row, now=now)
    return row.id, row.attempt_id, applied


def _adopt(session: Within, row: Any, provider_id: str) -> None:
    """The carrier's id of an attempt whose answer we never had."""
    ADOPT.run(session, row=row.attempt_id, given=provider_id)
    if row.number == row.attempts:
        ADOPT_MESSAGE.run(session, row=row.id, given=provider_id)


def _bad(
    session: Session, attempt_id: int | None, provider_id: str, code: str, outcome: Outcome, *, now: datetime
) -> Applied:
    """Bad news counts only of the newest attempt, and people follow from it."""
    wanted = Attempt.id == attempt_id if attempt_id is not None else Attempt.provider_id == provider_id
    found = session.execute(
        select(Message.id, Message.alert_id).join(Attempt, Attempt.message_id == Message.id).where(wanted)
    ).first()
    if found is None:
        return None, None, False
    outbox_failures.lock_case(session, found.alert_id)
    # the message first, then its attempt: every writer locks in this order
    message = session.get_one(Message, found.id, with_for_update={"key_share": True}, populate_existing=True)
    attempt = session.scalars(
        select(Attempt).where(wanted, Attempt.message_id == found.id).execution_options(populate_existing=True)
    ).one()
    if provider_id and attempt.provider_id is None:
        attempt.provider_id = provider_id
        if attempt.number == message.attempts:
            message.provider_id = provider_id
    applied = False
    if may_move(DeliveryStatus(attempt.status), outcome.status):
        attempt.status = outcome.status.value
        attempt.error_code, attempt.error = code or attempt.error_code, outcome.reason or attempt.error
        newest = attempt.number == message.attempts
        if newest and may_move(DeliveryStatus(message.status), outcome.status):
            applied = True
            message.status, message.reason = outcome.status.value, None
            message.sent_at = message.sent_at or now
            message.claimer = message.lease_until = message.unknown_since = None
            failure = Failure(
                outcome.status, code, outcome.reason, outcome.next_channel, outcome.opted_out, outcome.not_mobile
            )
            outbox_failures.end(session, message, failure, now=now)
    session.flush()
    return message.id, attempt.id, applied


def _delivered(session: Within, message: Any, *, now: datetime) -> None:
    if message.staff_id is not None:
        told = {"staff": message.staff_id, "by": message.channel, "to": message.address}
        if message.channel == Channel.VOICE:  # a voice mail takes calls too: only a key proves that a human hears them
            TAKES_CALLS.run(session, **told)
        else:
            TAKES_TEXTS.run(session, now=now, **told)
    elif message.unreachable_at is not None:
        REACHABLE.run(session, row=message.patient_id)
