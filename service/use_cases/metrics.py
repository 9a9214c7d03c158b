"""What the database says about the work, for /metrics. Numbers only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from service.models import Alert, Heartbeat, Inbound, Message, Occasion, Task
from service.use_cases import workers

WAITING = ("ready", "claimed", "unknown")


@dataclass
class Numbers:
    """One reading. `waiting`: messages by lane and state; `alive`: seconds since each kind of part was last seen."""

    late_seconds: float
    waiting: dict[tuple[str, str], int]
    alerts_open: int
    tasks_open: int
    inbound_unread: int
    occasions_open: int
    alive: dict[str, float] = field(default_factory=dict)


def read(session: Session, *, now: datetime, machine_now: datetime) -> Numbers:
    """A few counts by partial indexes; nothing that grows with the study."""
    waiting: dict[tuple[str, str], int] = {}
    for state in WAITING:
        rows = session.execute(
            select(Message.lane, func.count()).where(text(f"message.status = '{state}'")).group_by(Message.lane)
        )
        waiting |= {(lane, state): count for lane, count in rows}
    beats = session.execute(select(Heartbeat.kind, func.max(Heartbeat.seen_at)).group_by(Heartbeat.kind))
    return Numbers(
        late_seconds=workers.late_by(session, now=now).total_seconds(),
        waiting=waiting,
        alerts_open=_count(session, Alert, Alert.status != "closed"),
        tasks_open=_count(session, Task, Task.status == "open"),
        inbound_unread=_count(session, Inbound, Inbound.status != "handled"),
        occasions_open=_count(session, Occasion, Occasion.next_due_at.is_not(None), Occasion.status != "upcoming"),
        alive={kind: (machine_now - seen).total_seconds() for kind, seen in beats},
    )


def _count(session: Session, table: type, *where: object) -> int:
    return int(session.scalar(select(func.count()).select_from(table).where(*where)) or 0)  # type: ignore[arg-type]
