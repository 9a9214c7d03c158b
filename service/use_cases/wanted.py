"""Is a message still wanted? Asked when it is claimed and once more just before it leaves; each no has its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, func, select

from notifications.message import DeliveryStatus
from service.models import Alert, ContactMethod, Message, Occasion, Patient, Staff, Task, Visit
from service.prepared import Prepared, Within
from service.use_cases.among import IDS, among
from workflows.sending import ROUTINE, may_send


@dataclass(frozen=True)
class Outgoing:
    """A message in a sender's hand: its row's columns, and its attempt once it is claimed."""

    id: int
    kind: str
    lane: str
    channel: str
    address: str
    language: str
    profile: str
    template: str
    fields: Mapping[str, Any]
    patient_id: int | None
    staff_id: int | None
    occasion_id: int | None
    visit_id: int | None
    alert_id: int | None
    task_id: int | None
    wanted_while: str
    due_at: datetime
    expires_at: datetime | None
    attempts: int
    attempt_id: int = 0


@dataclass(frozen=True)
class Verdict:
    """SEND is `status` None. Else what becomes of the row; READY with `until`: it waits until then.

    `moves_on`: the person cannot be reached this way, so whoever is next is due now.
    """

    status: DeliveryStatus | None = None
    reason: str = ""
    until: datetime | None = None
    moves_on: bool = False


SEND = Verdict()

# Columns, not objects: a batch of a hundred looks at as many people.
PATIENT = Prepared(
    select(Patient.id, Patient.status, Patient.consented, Patient.opted_out, Patient.timezone).where(
        among(Patient.id, IDS)
    )
)
# a row for each of a person's telephones that opted out, or one without any
STAFF = Prepared(
    select(Staff.id, Staff.active, ContactMethod.channel, ContactMethod.address)
    .outerjoin(ContactMethod, and_(ContactMethod.staff_id == Staff.id, ContactMethod.opted_out_at.is_not(None)))
    .where(among(Staff.id, IDS))
)
SENT_SINCE = Prepared(
    select(Message.patient_id, func.count())
    .where(
        among(Message.patient_id, IDS),
        Message.created_at >= bindparam("week"),
        Message.sent_at >= bindparam("midnight"),
        Message.kind.in_(sorted(ROUTINE)),
        Message.channel != "webpush",  # it stands beside a text, and may not use up the day's
    )
    .group_by(Message.patient_id)
)


@dataclass(frozen=True)
class Check:
    """What a message's `wanted_while` looks at, and the states in which the message is still wanted."""

    noun: str
    state: Prepared
    wanted: frozenset[str]

    @property
    def column(self) -> str:
        return f"{self.noun}_id"


def _check(table: Any, *wanted: str) -> Check:
    state = Prepared(select(table.id, table.status).where(among(table.id, IDS)))
    return Check(table.__tablename__, state, frozenset(wanted))


CHECKS: Mapping[str, Check] = {
    "occasion_open": _check(Occasion, "upcoming", "open", "late"),
    "visit_planned": _check(Visit, "planned", "booked"),
    "alert_open": _check(Alert, "open"),
    "task_open": _check(Task, "open"),
}


def check(session: Within, messages: Sequence[Outgoing], *, now: datetime, daily_cap: int) -> dict[int, Verdict]:
    """A verdict for each message, with a handful of queries for all of them."""
    patients = _rows(session, PATIENT, (m.patient_id for m in messages))
    staff, opted_out = _staff_rows(session, {m.staff_id for m in messages if m.staff_id is not None})
    states = {
        key: {row.id: row.status for row in _rows(session, one.state, ids).values()}
        for key, one in CHECKS.items()
        if (ids := [getattr(m, one.column) for m in messages if m.wanted_while == key])
    }
    routine = {m.patient_id for m in messages if m.kind in ROUTINE and m.patient_id is not None}
    sent = _sent_today(session, [patients[one] for one in sorted(routine)], now)
    verdicts: dict[int, Verdict] = {}
    for message in messages:
        verdict = _lapsed(message, states, now)
        if verdict is SEND and message.staff_id is not None:
            verdict = _staff(message, staff.get(message.staff_id), opted_out)
        if verdict is SEND and message.patient_id is not None:
            patient = patients[message.patient_id]
            verdict = _patient(message, patient, now=now, sent_today=sent.get(patient.id, 0), cap=daily_cap)
            if verdict is SEND and message.kind in ROUTINE and message.channel != "webpush":
                sent[patient.id] = sent.get(patient.id, 0) + 1
        verdicts[message.id] = verdict
    return verdicts


def _rows(session: Within, columns: Prepared, ids: Iterable[int | None]) -> dict[int, Any]:
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    return {row.id: row for row in columns.all(session, ids=sorted(wanted))}


def _lapsed(message: Outgoing, states: Mapping[str, Mapping[int, str]], now: datetime) -> Verdict:
    if message.wanted_while:
        one = CHECKS[message.wanted_while]
        state = states[message.wanted_while].get(getattr(message, one.column) or 0)
        if state not in one.wanted:
            return Verdict(DeliveryStatus.CANCELLED, f"no longer wanted: {one.noun} is {state or 'gone'}")
    if message.expires_at is not None and message.expires_at <= now:
        return Verdict(DeliveryStatus.EXPIRED, f"too late: it was of use until {message.expires_at:%Y-%m-%d %H:%MZ}")
    return SEND


def _staff_rows(session: Within, ids: set[int]) -> tuple[dict[int, Any], set[tuple[int, str, str]]]:
    """These people, and which of their telephones have opted out."""
    rows = STAFF.all(session, ids=sorted(ids)) if ids else []
    return {row.id: row for row in rows}, {(row.id, row.channel, row.address) for row in rows if row.channel}


def _staff(message: Outgoing, staff: Any, opted_out: set[tuple[int, str, str]]) -> Verdict:
    if staff is None or not staff.active:
        return Verdict(DeliveryStatus.FAILED_PERMANENT, "this person has left the team", moves_on=True)
    if (staff.id, message.channel, message.address) in opted_out and message.kind != "reply":
        return Verdict(DeliveryStatus.FAILED_PERMANENT, "this telephone has opted out", moves_on=True)
    return SEND


def _patient(message: Outgoing, patient: Any, *, now: datetime, sent_today: int, cap: int) -> Verdict:
    answer = may_send(
        message.kind,
        status=patient.status,
        consented=patient.consented,
        opted_out=patient.opted_out,
        zone=ZoneInfo(patient.timezone),
        sent_today=sent_today,
        cap=cap,
        now=now,
    )
    if answer is None:
        return SEND
    if answer.until is None:
        return Verdict(DeliveryStatus.CANCELLED, answer.reason)
    if message.expires_at is not None and answer.until >= message.expires_at:
        return Verdict(DeliveryStatus.EXPIRED, f"{answer.reason}, and tomorrow is too late for it")
    return Verdict(DeliveryStatus.READY, answer.reason, answer.until)


def _sent_today(session: Within, patients: Sequence[Any], now: datetime) -> dict[int, int]:
    """How many routine messages left today, each patient's own day: one query a zone. No entry: none."""
    zones: dict[str, list[int]] = {}
    for patient in patients:
        zones.setdefault(patient.timezone, []).append(patient.id)
    sent: dict[int, int] = {}
    for zone, ids in zones.items():
        local = now.astimezone(ZoneInfo(zone))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)
        week = midnight - timedelta(days=7)
        for patient_id, number in SENT_SINCE.all(session, ids=ids, midnight=midnight, week=week):
            sent[patient_id or 0] = number
    return sent
