"""Which events outside systems are told of: read from the audit chain, whose order has no holes.

The chain is written after the fact by one sealer, in the order in which it saw the entries; so a cursor on its numbers
misses nothing, and no use case has to think of webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from service.models import Alert, AuditEntry, Occasion, Patient, Response, Visit


class Event(StrEnum):
    ALERT_OPENED = "alert.opened"
    ALERT_ACKNOWLEDGED = "alert.acknowledged"
    ALERT_CLOSED = "alert.closed"
    VISIT_CHANGED = "visit.changed"
    CALENDAR_CHANGED = "calendar.changed"
    OCCASION_ANSWERED = "occasion.answered"
    TEST = "webhook.test"


ALERTS = {
    "alert:open": Event.ALERT_OPENED,
    "alert:reopen": Event.ALERT_OPENED,
    "alert:acknowledge": Event.ALERT_ACKNOWLEDGED,
    "alert:outcome": Event.ALERT_CLOSED,
}
CALENDAR = ("calendar:plan", "calendar:anchor", "calendar:undo", "patient:amend")


@dataclass(frozen=True)
class Told:
    """One event of a study: `key` names it once and for all, `data` has ids and states only."""

    event: Event
    key: str
    study_id: int
    at: datetime
    data: dict[str, Any]


def of_entry(session: Session, entry: AuditEntry) -> Told | None:
    """The event that an audit entry stands for, with the row's state as it is now; None for most entries."""
    patient = session.get(Patient, entry.patient_id) if entry.patient_id else None
    if patient is None or entry.subject_id is None and entry.action not in CALENDAR:
        return None
    if entry.action in ALERTS:
        return _alert(session, entry, patient)
    if entry.action.startswith("visit:"):
        visit = session.get(Visit, entry.subject_id)
        data = {"id": visit.id, "status": visit.status, "date": visit.date.isoformat()} if visit else None
        return _told(Event.VISIT_CHANGED, entry, patient, data)
    if entry.action in CALENDAR:
        return _told(Event.CALENDAR_CHANGED, entry, patient, {"revision": patient.revision})
    if entry.action == "response:record":
        return _occasion(session, entry, patient)
    return None


def _alert(session: Session, entry: AuditEntry, patient: Patient) -> Told | None:
    alert = session.get(Alert, entry.subject_id)
    event = ALERTS[entry.action]
    if alert is None:
        return None
    if event is Event.ALERT_CLOSED and alert.status != "closed":
        event = Event.ALERT_OPENED  # not reached: it is open again
    return _told(event, entry, patient, {"id": alert.id, "status": alert.status})


def _occasion(session: Session, entry: AuditEntry, patient: Patient) -> Told | None:
    answer = session.get(Response, entry.subject_id)
    occasion = session.get(Occasion, answer.occasion_id) if answer and answer.occasion_id else None
    if occasion is None or occasion.status != "answered":
        return None
    data = {"id": occasion.id, "status": occasion.status}
    return _told(Event.OCCASION_ANSWERED, entry, patient, data, key=f"occasion:{occasion.id}")


def _told(
    event: Event, entry: AuditEntry, patient: Patient, data: dict[str, Any] | None, key: str = ""
) -> Told | None:
    if data is None:
        return None
    whose = {"patient_id": patient.id, "site_id": patient.site_id}
    return Told(event, key or f"audit:{entry.id}", patient.study_id, entry.at, data | whose)
