"""Shorthand for tests of cases: a patient, a red report, a look at what was written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from service.demo import seed
from service.models import Alert, EscalationRun, Inbound, Message, Patient, Staff
from service.use_cases import alerts, escalations
from tests.conftest import START


def at(seconds: float) -> datetime:
    """So many seconds after the start of the test."""
    return START + timedelta(seconds=seconds)


def patient(session: Any, code: str = "P-001") -> Patient:
    return seed.enrol(session, code, on=START.date(), now=START)


def person(session: Any, name: str) -> Staff:
    return session.scalars(select(Staff).where(Staff.name == name)).one()


def red(session: Any, who: Patient, *, source: str = "text:1", seconds: float = 0, **more: Any) -> Alert:
    """A red report of that patient."""
    return alerts.open_or_join(
        session,
        who,
        source=source,
        level="red",
        hits=["T-RED"],
        reported_at=at(seconds),
        summary={"text": "38,9"},
        now=at(seconds),
        **more,
    )


def run_of(session: Any, alert: Alert) -> EscalationRun:
    return session.scalars(select(EscalationRun).where(EscalationRun.alert_id == alert.id)).one()


def messages(session: Any, **where: Any) -> list[Message]:
    return list(session.scalars(select(Message).filter_by(**where).order_by(Message.id)))


def pages_to(session: Any, alert: Alert, *, since: int = 0) -> list[tuple[str, str]]:
    """(name, channel) of each page of a case, in the order written, after message `since`."""
    found = [one for one in messages(session, alert_id=alert.id, kind="page") if one.id > since]
    return [(session.get(Staff, one.staff_id).name, one.channel) for one in found]


def climb_to(session: Any, seconds: float) -> None:
    """Every due look at every ladder until then, each at its own time."""
    while True:
        due_at = escalations.SWEEPS[0].next_due(session)
        if due_at is None or due_at > at(seconds):
            return
        for run_id in escalations.due(session, due_at, 100):
            escalations.SWEEPS[0].handle(session, run_id, due_at)


def text_from(session: Any, who: Staff, body: str, *, seconds: float = 60, phone: str = "") -> str:
    """A text of one of the team; what was heard."""
    numbers = {one.name: one.phone for one in seed.TEAM}
    now = at(seconds)
    inbound = Inbound(
        provider_id=f"SM{body}{seconds}{who.id}",
        channel="sms",
        from_address=phone or numbers[who.name],
        to_address="+5516330000002",
        body=body,
        form={},
        received_at=now,
        next_try_at=now,
    )
    session.add(inbound)
    session.flush()
    return alerts.staff_text(session, who, inbound, now=now)
