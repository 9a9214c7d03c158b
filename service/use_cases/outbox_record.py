"""Recording what a carrier answered, guarded by the attempt: a late answer never overwrites a newer one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, String, Update, bindparam, case, cast, column, func, text, update
from sqlalchemy.orm import Session

from notifications.message import DeliveryStatus
from notifications.retry import BULK, PAGES
from service.models import Attempt, Message
from service.prepared import Prepared, Within, dialect_of
from service.use_cases import outbox_failures
from service.use_cases.outbox_failures import Failure
from service.use_cases.wanted import Outgoing

UNANSWERED = text("attempt.status IN ('claimed', 'unknown')")
# ready: about to be sent again, which the answer makes needless
NOT_TAKEN = text("message.status IN ('claimed', 'unknown', 'ready')")


def _answered(given: Any) -> Update:
    """The message whose attempt number `n` is still its last takes status `s` and the carrier's id `p`."""
    return (
        update(Message)
        .where(Message.id == given["m"], Message.attempts == given["n"])
        .values(
            status=case((NOT_TAKEN, given["s"]), else_=Message.status),
            provider_id=given["p"],
            sent_at=func.coalesce(Message.sent_at, bindparam("t", type_=Message.sent_at.type)),
            reason=None,
            claimer=None,
            lease_until=None,
            unknown_since=None,
        )
    )


def _attempted(given: Any) -> Update:
    return (
        update(Attempt)
        .where(Attempt.id == given["a"])
        .values(
            status=case((UNANSWERED, given["s"]), else_=Attempt.status),
            provider_id=given["p"],
            recorded_at=bindparam("t", type_=Attempt.claimed_at.type),
        )
    )


def _rows() -> Any:
    """The answers of a batch as rows, out of one JSON (PostgreSQL): a batch is one statement."""
    kinds: dict[str, Any] = {"m": BigInteger(), "n": BigInteger(), "a": BigInteger(), "s": String(), "p": String()}
    given = func.json_to_recordset(cast(bindparam("rows", type_=String()), JSON))
    columns = given.table_valued(*(column(name, kind) for name, kind in kinds.items()))
    return columns.render_derived(name="given", with_types=True).c


ONE_BY_ONE: Mapping[str, Any] = {name: bindparam(name) for name in "mnasp"}
ANSWERED, ATTEMPTED = Prepared(_answered(ONE_BY_ONE)), Prepared(_attempted(ONE_BY_ONE))
TOGETHER = _rows()
ANSWERED_TOGETHER, ATTEMPTED_TOGETHER = Prepared(_answered(TOGETHER)), Prepared(_attempted(TOGETHER))


@dataclass(frozen=True)
class Taken:
    """The carrier has it, under `provider_id` ("" where it gives none)."""

    message: Outgoing
    provider_id: str
    status: DeliveryStatus


@dataclass(frozen=True)
class Refused:
    """The carrier has it not. `retry`: it may be tried again; `retry_after` seconds at the earliest."""

    message: Outgoing
    failure: Failure
    retry: bool
    retry_after: float | None = None


@dataclass(frozen=True)
class Lost:
    """Nobody knows whether the carrier has it: look it up before sending again."""

    message: Outgoing
    code: str
    reason: str


@dataclass(frozen=True)
class Unwanted:
    """Found unwanted just before sending; no carrier was called."""

    message: Outgoing
    status: DeliveryStatus
    reason: str
    until: datetime | None = None
    moves_on: bool = False


Result = Taken | Refused | Lost | Unwanted


def taken(session: Within, results: Sequence[Taken], *, now: datetime, machine_now: datetime) -> None:
    """Record a batch of acceptances. One that comes after its lease ended still counts, unless the message was sent
    again since: then only the attempt keeps it. A receipt that was quicker is not undone."""
    rows = [
        {"m": one.message.id, "n": one.message.attempts, "a": one.message.attempt_id, "s": one.status.value,
         "p": one.provider_id or None}
        for one in results
    ]  # fmt: skip
    if dialect_of(session) == "postgresql":
        together = json.dumps(rows)
        ANSWERED_TOGETHER.run(session, rows=together, t=now)
        ATTEMPTED_TOGETHER.run(session, rows=together, t=machine_now)
    else:
        for row in rows:
            ANSWERED.run(session, t=now, **row)
            ATTEMPTED.run(session, t=machine_now, **row)


def other(
    session: Session,
    result: Refused | Lost | Unwanted,
    *,
    claimer: str,
    now: datetime,
    machine_now: datetime,
    dice: float,
) -> bool:
    """Record one answer that is not an acceptance; False when the claim was lost meanwhile and nothing was changed.

    `dice` in [0, 1) spreads the next try.
    """
    outbox_failures.lock_case(session, result.message.alert_id)
    message = session.get(Message, result.message.id, with_for_update={"key_share": True}, populate_existing=True)
    attempt = session.get(Attempt, result.message.attempt_id, populate_existing=True)
    if message is None or attempt is None:
        return False
    mine = message.status == DeliveryStatus.CLAIMED and message.claimer == claimer
    if not mine or message.attempts != result.message.attempts:
        return False
    message.claimer, message.lease_until = None, None
    attempt.recorded_at = machine_now
    if isinstance(result, Lost):
        attempt.status = message.status = DeliveryStatus.UNKNOWN.value
        attempt.error_code, attempt.error = result.code, result.reason
        message.reason = f"answer lost: {result.reason}"
        message.lease_until = message.unknown_since = machine_now
    elif isinstance(result, Unwanted):
        attempt.status = DeliveryStatus.CANCELLED.value
        attempt.error = message.reason = result.reason
        message.status = result.status.value
        if result.until is None:
            message.ended_at = now
        else:
            message.send_at = result.until
        if result.moves_on:
            outbox_failures.move_on(session, message, now=now, instead=True)
    else:
        attempt.status = result.failure.status.value
        attempt.error_code, attempt.error = result.failure.code, result.failure.reason
        again = _next_try(message, result, now, dice) if result.retry else None
        if again is None:
            outbox_failures.end(session, message, result.failure, now=now)
        else:
            message.status, message.send_at = DeliveryStatus.READY.value, again
            message.reason = f"{result.failure.reason} ({result.failure.code}); try {message.attempts + 1} follows"
            if result.failure.next_channel:
                outbox_failures.move_on(session, message, now=now, instead=False)
    session.flush()
    return True


def _next_try(message: Message, result: Refused, now: datetime, dice: float) -> datetime | None:
    back_off = PAGES if message.lane == "pages" else BULK
    again = back_off.next_try_at(message.attempts, now=now, jitter=dice, retry_after=result.retry_after)
    return None if again and message.expires_at and again >= message.expires_at else again
