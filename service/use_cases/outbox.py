"""The outbox: a message is a row, written in the transaction of what it tells. Sending is `service/sender.py`'s."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from notifications.catalog import CATALOG
from notifications.message import Channel, DeliveryStatus
from notifications.phone import PhoneError, national, parse_phone
from service.models import ContactMethod, Message, Patient, Site, Staff
from service.prepared import Prepared
from service.use_cases import audit, bulk, rows
from service.use_cases.studies import design_of

PAGES, BULK = "pages", "bulk"
URGENT_KINDS = frozenset({"safety", "page", "reply"})
KINDS = URGENT_KINDS | {"question", "reminder", "notice"}
NOTIFY = "vigilia_pages"
FROM_SITE = frozenset({"tel", "emergency", "place"})
ROWS = bulk.table_of(Message).c
BY_CAUSE = Prepared(select(ROWS.id).where(ROWS.dedupe == bindparam("dedupe")))
SITE = Prepared(
    select(Site.telephone, Site.country, Site.emergency_number, Site.place).where(Site.id == bindparam("site"))
)


class Enqueued(NamedTuple):
    """A message's row; `is_new`: written now, not known before."""

    id: int
    is_new: bool


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
) -> Enqueued:
    """Write one message into the outbox; the row that `dedupe` names already stays as it is.

    `send_at` (default now) is when it may leave, `due_at` when it was due (for the record). `fields` go over what the
    patient's site fills in by itself (tel, emergency, place). ValueError for a kind or template that does not exist.
    """
    if kind not in KINDS or template not in CATALOG:
        raise ValueError(f"no such kind or template: {kind!r}, {template!r}")
    lane = lane or (PAGES if kind in URGENT_KINDS else BULK)
    channel = str(channel or (patient.channel if patient else Channel.SMS))
    filled = dict(fields or {})
    if patient is not None:
        filled = _from_site(session, patient, template) | filled
    number = rows.add_once(
        session,
        Message,
        "dedupe",
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
    if number is None:
        return Enqueued(BY_CAUSE.first(session, dedupe=dedupe).id, is_new=False)
    wake(session, lane)
    return Enqueued(number, is_new=True)


def wake(session: Session, lane: str) -> None:
    """After this session's commit, wake the senders of `lane`; over PostgreSQL, those of other processes for pages only
    (NOTIFY costs two thirds of the insert throughput)."""
    lanes: set[str] = session.info.setdefault("lanes", set())
    if lane == PAGES and lane not in lanes and session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"NOTIFY {NOTIFY}"))
    lanes.add(lane)


def fields_for(session: Session, patient: Patient) -> dict[str, str]:
    """What the patient's site fills into texts: `tel` as one dials it there, `emergency`, `place`."""
    there = session.identity_map.get(identity_key(Site, patient.site_id))
    site = there or SITE.first(session, site=patient.site_id)
    return {"tel": telephone_of(site), "emergency": site.emergency_number, "place": site.place}


def _from_site(session: Session, patient: Patient, template: str) -> dict[str, str]:
    """Those of them that the text has room for."""
    wanted = {*CATALOG[template].fields, *CATALOG[CATALOG[template].minimal or template].fields}
    if wanted.isdisjoint(FROM_SITE):
        return {}
    return {name: value for name, value in fields_for(session, patient).items() if name in wanted}


def telephone_of(site: Any) -> str:
    """The site's telephone as one dials it there ("(16) 3602-1000"); as it was typed where it is no such number."""
    return _dialled(site.telephone, site.country)


@lru_cache(maxsize=1024)
def _dialled(telephone: str, country: str) -> str:
    try:
        return national(parse_phone(telephone, country), country)
    except PhoneError:
        return telephone


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
    given = {"patient_id": patient_id, "occasion_id": occasion_id, "visit_id": visit_id, "alert_id": alert_id}
    about = {name: value for name, value in given.items() if value is not None}
    if not about:
        raise ValueError("cancel_for: name a patient, occasion, visit or alert")
    bulk.flush_of(session, Message)
    ended = {"status": DeliveryStatus.CANCELLED.value, "reason": reason, "ended_at": now}
    values = {f"about_{name}": value for name, value in about.items()} | ended
    found = _cancel(tuple(about), None if kinds is None else tuple(sorted(kinds))).all(session, **values)
    bulk.bring_in_line(session, Message, [{"id": number} | ended for (number,) in found])
    return len(found)


@lru_cache(maxsize=64)
def _cancel(about: tuple[str, ...], kinds: tuple[str, ...] | None) -> Prepared:
    wheres = [ROWS[name] == bindparam(f"about_{name}") for name in about]
    if kinds is not None:
        wheres.append(or_(*(ROWS.kind == kind for kind in kinds)))
    ended = {name: bindparam(name, type_=ROWS[name].type) for name in ("status", "reason", "ended_at")}
    statement = update(bulk.table_of(Message)).where(text("status = 'ready'"), *wheres)
    return Prepared(statement.values(ended).returning(ROWS.id))


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
