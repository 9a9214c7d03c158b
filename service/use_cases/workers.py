"""Signs of life of the working parts, and how late the work is. Times of heartbeats are machine time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.models import Heartbeat
from service.use_cases import sweeps

FORGET = timedelta(days=1)  # a part that died stays visible so long, then its row goes


def beat(session: Session, *, name: str, kind: str, machine_now: datetime, **detail: object) -> None:
    """The part `name` of `kind` ("scheduler", "lane:pages", ...) is alive."""
    row = session.get(Heartbeat, name)
    if row is None:
        session.add(Heartbeat(name=name, kind=kind, seen_at=machine_now, detail=dict(detail)))
    else:
        row.seen_at, row.detail = machine_now, dict(detail)


def stop(session: Session, names: list[str]) -> None:
    """These parts ended as they were told to."""
    session.execute(delete(Heartbeat).where(Heartbeat.name.in_(names)))


def forget(session: Session, *, machine_now: datetime) -> None:
    """Drop the rows of parts not seen for a day, while another of their kind lives."""
    living = select(Heartbeat.kind).where(Heartbeat.seen_at > machine_now - FORGET)
    session.execute(
        delete(Heartbeat)
        .where(Heartbeat.seen_at < machine_now - FORGET, Heartbeat.kind.in_(living))
        .execution_options(synchronize_session=False)
    )


def late_by(session: Session, *, now: datetime) -> timedelta:
    """How late the oldest thing that is due is; zero when nothing is."""
    rows, messages = sweeps.look(session)
    found = [one for one in (sweeps.soonest(rows), messages.send_at) if one is not None]
    return max([timedelta()] + [now - one for one in found])
