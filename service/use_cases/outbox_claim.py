"""Claiming: a batch of due messages becomes one sender's, for as long as its lease (machine time) lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, String, bindparam, delete, insert, literal, select, text, update
from sqlalchemy.orm import Session

from notifications.message import DeliveryStatus
from service.db import Base, UtcDateTime
from service.killpoints import reach
from service.models import Attempt, Message
from service.prepared import Prepared, Within, dialect_of
from service.use_cases import outbox_failures, pacing, wanted
from service.use_cases.among import IDS, among
from service.use_cases.pacing import Pace
from service.use_cases.wanted import SEND, Outgoing, Verdict

ATTEMPT = Base.metadata.tables["attempt"]
COLUMNS = [getattr(Message, one.name) for one in fields(Outgoing) if one.name != "attempt_id"]
DUE = (
    select(*COLUMNS)
    .where(text("message.status = 'ready'"), Message.lane == bindparam("lane"), Message.send_at <= bindparam("now"))
    .order_by(Message.send_at, Message.id)
    .limit(bindparam("limit", type_=Integer()))
    .with_for_update(skip_locked=True, key_share=True)
)
ANY_CHANNEL = Prepared(DUE)
CLAIMED = (
    update(Message)
    .where(among(Message.id, IDS))
    .values(
        status=DeliveryStatus.CLAIMED.value,
        claimer=bindparam("by"),
        lease_until=bindparam("until"),
        attempts=Message.attempts + 1,
    )
)
CLAIM = Prepared(CLAIMED)
NEW_ATTEMPT = ["message_id", "number", "claimer", "claimed_at", "status"]
BEGUN = (
    bindparam("by", type_=String()), bindparam("at", type_=UtcDateTime()), literal(DeliveryStatus.CLAIMED.value)
)  # fmt: skip
MADE = (ATTEMPT.c.message_id, ATTEMPT.c.id)
BEGIN_ATTEMPTS = Prepared(
    insert(ATTEMPT)
    .from_select(NEW_ATTEMPT, select(Message.id, Message.attempts, *BEGUN).where(among(Message.id, IDS)))
    .returning(*MADE)
)


def _together() -> Any:
    """Both in one statement (PostgreSQL): a page waits for each round trip."""
    claimed = CLAIMED.returning(Message.id, Message.attempts).cte("claimed")
    begun = select(claimed.c.id, claimed.c.attempts, *BEGUN)
    return insert(ATTEMPT).from_select(NEW_ATTEMPT, begun).returning(*MADE)


CLAIM_AND_BEGIN = Prepared(_together())


def claim_due(
    session: Session,
    *,
    lane: str,
    limit: int,
    claimer: str,
    now: datetime,
    machine_now: datetime,
    lease_seconds: float,
    daily_cap: int,
    pace: Pace | None = None,
) -> tuple[list[Outgoing], int]:
    """Claim at most `limit` due messages of `lane`, oldest first: those to send now, each with a new attempt, and
    how many rows were ended or put off because they are not wanted (now).

    Rows that another sender is claiming at this moment are skipped, not waited for. `pace`: what a number has no room
    for stays ready.
    """
    room = pacing.room(session, pace, machine_now=machine_now) if pace else {}
    rows = _due(session, lane, now, limit, pace, room)
    if not rows:
        return [], 0
    found = [Outgoing(*row) for row in rows]
    verdicts = wanted.check(session, found, now=now, daily_cap=daily_cap)
    going = [one for one in found if verdicts[one.id] is SEND]
    putting = [one for one in found if verdicts[one.id] is not SEND]
    for one in putting:
        _put_away(session, one, verdicts[one.id], now=now)
    if pace:
        going = _paced(going, pace, room)
        pacing.count(session, pace, going, machine_now=machine_now)
    claimed = _claim(session, going, claimer, machine_now, lease_seconds) if going else []
    reach("claiming")
    return claimed, len(putting)


def _due(
    session: Session, lane: str, now: datetime, limit: int, pace: Pace | None, room: dict[str, int]
) -> Sequence[Any]:
    given = {"lane": lane, "now": now}
    if pace is None:
        return ANY_CHANNEL.all(session, limit=limit, **given)
    full = sorted(channel for channel, number in pace.bulk.items() if not room[number])
    free = DUE.where(Message.channel.not_in(full))
    return session.execute(free, {"limit": min(limit, sum(room.values()) or limit), **given}).all()


def _paced(going: Sequence[Outgoing], pace: Pace, room: dict[str, int]) -> list[Outgoing]:
    """As many as their numbers have room for, the oldest first."""
    left, kept = dict(room), []
    for one in going:
        number = pace.number_of(one)
        if left.get(number, 1) > 0:
            left[number] = left.get(number, 1) - (number in room)
            kept.append(one)
    return kept


def _claim(
    session: Session, going: Sequence[Outgoing], claimer: str, machine_now: datetime, lease_seconds: float
) -> list[Outgoing]:
    given = {"ids": [one.id for one in going], "by": claimer, "at": machine_now}
    until = machine_now + timedelta(seconds=lease_seconds)
    if dialect_of(session) == "postgresql":
        made = CLAIM_AND_BEGIN.all(session, until=until, **given)
    else:
        CLAIM.run(session, ids=given["ids"], by=claimer, until=until)
        made = BEGIN_ATTEMPTS.all(session, **given)
    ids: dict[int, int] = {row.message_id: row.id for row in made}
    return [Outgoing(**vars(one) | {"attempts": one.attempts + 1, "attempt_id": ids[one.id]}) for one in going]


def _put_away(session: Session, one: Outgoing, verdict: Verdict, *, now: datetime) -> None:
    assert verdict.status is not None
    values: dict[str, object] = {"status": verdict.status.value, "reason": verdict.reason}
    values |= {"send_at": verdict.until} if verdict.until else {"ended_at": now}
    session.execute(
        update(Message).where(Message.id == one.id).values(values).execution_options(synchronize_session=False)
    )
    if verdict.moves_on:
        outbox_failures.move_on(session, session.get_one(Message, one.id), now=now, instead=True)


def hand_back(session: Session, messages: Sequence[Outgoing], *, claimer: str, reason: str) -> int:
    """Make claimed messages, for which no carrier was called, ready again; how many. Their attempt is forgotten."""
    done = 0
    for one in messages:
        changed = session.execute(
            update(Message)
            .where(
                Message.id == one.id, Message.status == DeliveryStatus.CLAIMED.value, Message.claimer == claimer,
                Message.attempts == one.attempts,
            )
            .values(
                status=DeliveryStatus.READY.value, attempts=one.attempts - 1, claimer=None, lease_until=None,
                reason=reason,
            )
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        if changed.rowcount:  # type: ignore[attr-defined]
            session.execute(delete(Attempt).where(Attempt.id == one.attempt_id))
            done += 1
    return done


def still_wanted(session: Within, one: Outgoing, *, now: datetime, daily_cap: int) -> Verdict:
    """The check once more, just before sending."""
    return wanted.check(session, [one], now=now, daily_cap=daily_cap)[one.id]
