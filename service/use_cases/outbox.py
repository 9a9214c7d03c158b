"""The outbox: a message is a row, written in the transaction of what it tells. Sending is `service/sender.py`'s."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from notifications.catalog import CATALOG
from notifications.message import Channel, DeliveryStatus
from notifications.phone import PhoneError, national, parse_phone
from service.models import ContactMethod, Message, Patient, Site, Staff
from service.use_cases import audit
from service.use_cases.studies import design_of

PAGES, BULK = "pages", "bulk"
URGENT_KINDS = frozenset({"safety", "page", "reply"})
KINDS = URGENT_KINDS | {"question", "reminder", "notice"}
NOTIFY = "vigilia_pages"


def enqueue(
    session: Session,
    *,
    now: datetime,
    kind: str,
    template: str,
    dedupe: str,
    fields: Mapping[str, Any] | None = None,
    patient: Patient | None = None,
    staff: Staff | None = None,
    channel: str | None = None,
    address: str | None = None,
    language: str | None = None,
    lane: str | None = None,
    send_at: datetime | None = None,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
    wanted_while: str = "",
    occasion_id: int | None = None,
    visit_id: int | None = None,
    alert_id: int | None = None,
    inbound_id: int | None = None,
    task_id: int | None = None,
) -> Message:
    """Write one message into the outbox; the row that `dedupe` names already is returned as it is.

    `send_at` (default now) is when it may leave, `due_at` when it was due (for the record). `fields` go over what the
    patient's site fills in by itself (tel, emergency, place). ValueError for a kind or template that does not exist.
    """
    if kind not in KINDS or template not in CATALOG:
        raise ValueError(f"no such kind or template: {kind!r}, {template!r}")
    known = session.scalars(select(Message).where(Message.dedupe == dedupe)).first()
    if known is not None:
        return known
    lane = lane or (PAGES if kind in URGENT_KINDS else BULK)
    channel = str(channel or (patient.channel if patient else Channel.SMS))
    filled = dict(fields or {})
    if patient is not None:
        wanted = set(CATALOG[template].fields) | set(CATALOG[CATALOG[template].minimal or template].fields)
        filled = {name: value for name, value in fields_for(session, patient).items() if name in wanted} | filled
    message = Message(
        patient_id=patient.id if patient else None,
        staff_id=staff.id if staff else None,
        site_id=patient.site_id if patient else staff.site_id if staff else None,
        occasion_id=occasion_id,
        visit_id=visit_id,
        alert_id=alert_id,
        inbound_id=inbound_id,
        task_id=task_id,
        kind=kind,
        lane=lane,
        channel=channel,
        address=address or _address(session, patient, staff, channel),
        language=language or (patient.language if patient else staff.language if staff else "en"),
        profile=_profile(session, patient),
        template=template,
        fields=filled,
        wanted_while=wanted_while,
        send_at=send_at or now,
        due_at=due_at or send_at or now,
        expires_at=expires_at,
        status=DeliveryStatus.READY.value,
        dedupe=dedupe,
        created_at=now,
    )
    session.add(message)
    session.flush()
    wake(session, lane)
    return message


def wake(session: Session, lane: str) -> None:
    """After this session's commit, wake the senders of `lane`; over PostgreSQL, those of other processes for pages only
    (NOTIFY costs two thirds of the insert throughput)."""
    lanes: set[str] = session.info.setdefault("lanes", set())
    if lane == PAGES and lane not in lanes and session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"NOTIFY {NOTIFY}"))
    lanes.add(lane)


def fields_for(session: Session, patient: Patient) -> dict[str, str]:
    """What the patient's site fills into texts: `tel` as one dials it there, `emergency`, `place`."""
    site = patient.site
    return {"tel": telephone_of(site), "emergency": site.emergency_number, "place": site.place}


def telephone_of(site: Site) -> str:
    """The site's telephone as one dials it there ("(16) 3602-1000"); as it was typed where it is no such number."""
    try:
        return national(parse_phone(site.telephone, site.country), site.country)
    except PhoneError:
        return site.telephone


def _profile(session: Session, patient: Patient | None) -> str:
    if patient is None:
        return "full"
    return design_of(session, patient.study_version_id).profile


def _address(session: Session, patient: Patient | None, staff: Staff | None, channel: str) -> str:
    if patient is not None:
        return patient.phone
    if staff is None:
        raise ValueError("address: give one, a patient or a member of staff")
    found = session.scalars(
        select(ContactMethod.address)
        .where(ContactMethod.staff_id == staff.id, ContactMethod.channel == channel)
        .order_by(ContactMethod.verified_at.is_(None), ContactMethod.id)
    ).first()
    if found is None:
        raise ValueError(f"address: staff {staff.id} has no {channel}")
    return found


def cancel_for(
    session: Session,
    *,
    now: datetime,
    reason: str,
    patient_id: int | None = None,
    occasion_id: int | None = None,
    visit_id: int | None = None,
    alert_id: int | None = None,
    kinds: frozenset[str] | set[str] | tuple[str, ...] | None = None,
) -> int:
    """Cancel what has not left yet for one patient, occasion, visit or alert; how many. Each row keeps `reason`."""
    about = {
        Message.patient_id: patient_id,
        Message.occasion_id: occasion_id,
        Message.visit_id: visit_id,
        Message.alert_id: alert_id,
    }
    wheres = [column == value for column, value in about.items() if value is not None]
    if not wheres:
        raise ValueError("cancel_for: name a patient, occasion, visit or alert")
    if kinds is not None:
        wheres.append(Message.kind.in_(sorted(kinds)))
    done = session.execute(
        update(Message)
        .where(Message.status == DeliveryStatus.READY.value, *wheres)
        .values(status=DeliveryStatus.CANCELLED.value, reason=reason, ended_at=now)
        .execution_options(synchronize_session="fetch")
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def cancel_message(session: Session, message: Message, *, reason: str, actor: str, now: datetime) -> bool:
    """Cancel one message that has not left; whether it could be. Audited: a person did it."""
    session.refresh(message, with_for_update={"key_share": True})
    if message.status != DeliveryStatus.READY:
        return False
    message.status, message.reason, message.ended_at = DeliveryStatus.CANCELLED.value, reason, now
    audit.record(
        session, "message:cancel", actor=actor, now=now, subject_id=message.id, patient_id=message.patient_id,
        detail={"reason": reason},
    )  # fmt: skip
    return True


def due(session: Session, now: datetime, *, lane: str | None = None) -> int:
    """How many messages wait to be claimed at `now`."""
    return int(session.scalar(ready(select(func.count()), lane).where(Message.send_at <= now)) or 0)


def ready(statement: Any, lane: str | None) -> Any:
    """The statement over the messages of `lane` (None: of both) that wait to be sent."""
    statement = statement.select_from(Message).where(text("message.status = 'ready'"))
    return statement.where(Message.lane == lane) if lane else statement
