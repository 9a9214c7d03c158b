"""Pages and notices of a case as messages: who gets which text, with which code and link."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session

from service.models import Alert, ContactMethod, Page, Patient, ReplyCode, Staff
from service.prepared import Prepared
from service.use_cases import bulk, links, outbox, rows, staff, staff_messages, tasks
from service.use_cases.outbox import Enqueued
from workflows import reply_codes
from workflows.alerts import Decision, Notice, NoticeKind, PageOrder
from workflows.reply_codes import CodeAction

LINK_LIFE = timedelta(hours=24)
CODE_LOCK = 8_241_972  # an advisory lock on PostgreSQL: two cases opened at once get two codes
FOLLOW_UP = timedelta(hours=2)
CASES_IN_USE = Prepared(select(Alert.case).where(
    or_(Alert.status != "closed", Alert.opened_at > bindparam("since"), Alert.closed_at > bindparam("since"))
))
CODES_IN_USE = Prepared(select(ReplyCode.code).where(ReplyCode.issued_at > bindparam("since")))
LATEST_CASE = Prepared(select(Alert.case).order_by(Alert.id.desc()).limit(1))
ADDRESSES = Prepared(
    select(ContactMethod.id, ContactMethod.channel, ContactMethod.address)
    .where(
        ContactMethod.staff_id == bindparam("staff"),
        ContactMethod.channel == bindparam("channel"),
        ContactMethod.opted_out_at.is_(None),
        ContactMethod.verified_at.is_not(None),
    )
    .order_by(ContactMethod.id)
)
CODES = bulk.table_of(ReplyCode)
ISSUE_AGAIN = Prepared(
    update(CODES)
    .where(CODES.c.alert_id == bindparam("of_alert"), CODES.c.phone == bindparam("of_phone"))
    .values(issued_at=bindparam("issued_at"))
)


def new_case_code(session: Session, now: datetime) -> str:
    """A case code that no telephone has seen within seven days. Serialised, so that no two cases share one."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CODE_LOCK})
    since = now - reply_codes.NOT_REUSED_WITHIN
    session.flush()
    used = {code for query in (CASES_IN_USE, CODES_IN_USE) for (code,) in query.all(session, since=since)}
    latest = LATEST_CASE.first(session)
    return reply_codes.allocate(used, after=latest.case if latest else "")


def send(session: Session, alert: Alert, decision: Decision, *, now: datetime) -> None:
    """A page row and a message for every order; each address of the person on that channel gets its own message."""
    alone = any(notice.kind is NoticeKind.NOBODY_ON_CALL for notice in decision.notices)
    exhausted = any(notice.kind is NoticeKind.EXHAUSTED for notice in decision.notices)
    for order in decision.pages:
        template = _template(order, nobody_on_call=alone, exhausted=exhausted)
        messages = [_enqueue(session, alert, order, one, template, now) for one in _addresses(session, order)]
        if not messages:
            continue
        rows.add(
            session, Page, alert_id=alert.id, step=order.step, loop=order.loop, staff_id=order.staff_id,
            recipient=f"{order.recipient}#{order.staff_id}", channel=order.channel, message_id=messages[-1].id,
            created_at=now,
        )  # fmt: skip


def reachable(session: Session, orders: Sequence[PageOrder]) -> tuple[PageOrder, ...]:
    """Those of the orders for which there is an address at all."""
    return tuple(order for order in orders if _addresses(session, order))


def tell(session: Session, alert: Alert, decision: Decision, *, now: datetime, via: str = "") -> None:
    """The notices of a decision, each by its way: to the patient, to one person, to operations."""
    for number, notice in enumerate(decision.notices):
        key = f"alert:{alert.id}:{notice.kind}:{decision.alert.loop}.{decision.alert.step}.{number}"
        if notice.kind in (NoticeKind.ADVICE, NoticeKind.PATIENT_GO_IN):
            template = notice.why if notice.kind is NoticeKind.ADVICE else "go_in"
            advise(session, alert, alert.patient, template, dedupe=key, now=now)
        elif notice.kind is NoticeKind.UNREACHABLE:
            _unreachable(session, alert, notice, now)
        elif notice.kind in (NoticeKind.NOBODY_ON_CALL, NoticeKind.EXHAUSTED):
            _alarm_case(session, alert, notice, key, now)
        elif notice.kind is NoticeKind.TAKEN:
            _taken(session, alert, notice, key, via, now)
        elif notice.kind is NoticeKind.REOPENED and notice.staff_id is not None:
            owner = rows.get(session, Staff, notice.staff_id)
            fields = {"case": alert.case, "patient": alert.patient.code, "url": link(session, alert, owner, now)}
            staff_messages.to_staff(session, owner, "outcome_due", fields, dedupe=key, alert_id=alert.id, now=now)


def advise(
    session: Session,
    alert: Alert,
    patient: Patient,
    template: str,
    *,
    dedupe: str,
    now: datetime,
    inbound_id: int | None = None,
) -> Enqueued:
    """A safety message to the patient; a call where the carrier no longer lets our texts through."""
    return outbox.enqueue(
        session,
        now=now,
        kind="safety",
        template=template,
        fields={},
        dedupe=dedupe,
        patient=patient,
        channel="voice" if patient.opted_out_by_carrier else None,
        alert_id=alert.id,
        inbound_id=inbound_id,
    )


def link(session: Session, alert: Alert, person: Staff, now: datetime) -> str:
    """A fresh single-use link to the alert page, for this person."""
    token = links.make(
        session, kind="page", now=now, lifetime=LINK_LIFE, staff_id=person.id, alert_id=alert.id
    )
    return f"/a/{token}"


def _template(order: PageOrder, *, nobody_on_call: bool, exhausted: bool) -> str:
    if order.recipient == "owner":
        return "page_joined"
    if exhausted:
        return "exhausted"
    if nobody_on_call and order.recipient == "fallback":
        return "nobody_on_call"
    return "page" if (order.step, order.loop) == (0, 0) else "page_again"


def _addresses(session: Session, order: PageOrder) -> list[Any]:
    bulk.flush_of(session, ContactMethod)
    return ADDRESSES.all(session, staff=order.staff_id, channel=order.channel)


def _enqueue(
    session: Session, alert: Alert, order: PageOrder, contact: Any, template: str, now: datetime
) -> Enqueued:
    person = rows.get(session, Staff, order.staff_id)
    zone = alert.patient.site.timezone
    fields = {
        "case": alert.case,
        "patient": alert.patient.code,
        "time": staff_messages.clock(alert.reported_at, zone),
        "take": reply_codes.code_for(alert.case, CodeAction.ACKNOWLEDGE),
        "pass_on": reply_codes.code_for(alert.case, CodeAction.PASS_ON),
        "url": link(session, alert, person, now),
    }
    if template == "exhausted":
        fields.pop("pass_on")
    if template == "page_joined":
        fields["time"] = staff_messages.clock(now, zone)
        fields.pop("take")
        fields.pop("pass_on")
    if contact.channel in ("sms", "voice"):
        _give_code(session, alert, person, contact.address, now)
    return outbox.enqueue(
        session,
        now=now,
        kind="page",
        template=template,
        fields=fields,
        dedupe=f"alert:{alert.id}:page:{order.loop}.{order.step}:{contact.id}",
        staff=person,
        channel=contact.channel,
        address=contact.address,
        lane="pages",
        # An owner's case is acknowledged already and still wants the page; it is stale after a quarter of an
        # hour.
        wanted_while="" if order.recipient == "owner" else "alert_open",
        expires_at=now + timedelta(minutes=15) if order.recipient == "owner" else None,
        alert_id=alert.id,
    )


def _give_code(session: Session, alert: Alert, person: Staff, phone: str, now: datetime) -> None:
    if ISSUE_AGAIN.run(session, of_alert=alert.id, of_phone=phone, issued_at=now):
        return
    rows.add(
        session, ReplyCode, alert_id=alert.id, staff_id=person.id, phone=phone, code=alert.case, issued_at=now
    )


def _taken(session: Session, alert: Alert, notice: Notice, key: str, via: str, now: datetime) -> None:
    """The taker is told by the way they came; everybody else who was paged by text can go back to sleep."""
    assert notice.staff_id is not None
    owner = rows.get(session, Staff, notice.staff_id)
    others = session.scalars(
        select(ReplyCode)
        .join(Page, Page.alert_id == ReplyCode.alert_id)
        .where(ReplyCode.alert_id == alert.id, ReplyCode.staff_id != owner.id, Page.staff_id == ReplyCode.staff_id)
        .distinct()
    ).all()
    taken_at = alert.acknowledged_at or now
    fields = {
        "case": alert.case,
        "patient": alert.patient.code,
        "who": staff_messages.shown(owner),
        "time": staff_messages.clock(taken_at, alert.patient.site.timezone),
    }
    for code in others:
        person = rows.get(session, Staff, code.staff_id)
        staff_messages.to_staff(
            session, person, "acknowledged", fields, dedupe=f"{key}:{code.id}", alert_id=alert.id, now=now
        )


def _unreachable(session: Session, alert: Alert, notice: Notice, now: datetime) -> None:
    assert notice.staff_id is not None
    lost = rows.get(session, Staff, notice.staff_id)
    for person in staff.with_role(session, alert.site_id, *staff_messages.OPERATIONS, "coordinator"):
        staff_messages.to_staff(
            session,
            person,
            "unreachable",
            {"who": staff_messages.shown(lost), "case": alert.case},
            dedupe=f"alert:{alert.id}:unreachable:{lost.id}:{person.id}",
            alert_id=alert.id,
            now=now,
        )


def _alarm_case(session: Session, alert: Alert, notice: Notice, key: str, now: datetime) -> None:
    words = {
        NoticeKind.NOBODY_ON_CALL: f"case {alert.case}: nobody is on call at {alert.patient.site.code}",
        NoticeKind.EXHAUSTED: f"case {alert.case}: the whole ladder was paged and nobody took it",
    }[notice.kind]
    zone = alert.patient.site.timezone
    staff_messages.alarm(session, words, site_id=alert.site_id, dedupe=key, now=now, zone=zone)
    tasks.open_task(
        session,
        kind=str(notice.kind),
        level="red",  # no clock of its own: the case climbs already
        now=now,
        patient=alert.patient,
        dedupe=f"alert:{alert.id}:{notice.kind}",
        detail={"case": alert.case},
        alert_id=alert.id,
    )


def paged_people(session: Session, alert_id: int) -> int:
    """How many people were paged for this case."""
    return session.scalar(select(func.count(Page.staff_id.distinct())).where(Page.alert_id == alert_id)) or 0
