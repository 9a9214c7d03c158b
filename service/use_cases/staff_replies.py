"""A text or a key from a member of staff: codes, "ok", STOP, a verification code."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Alert, Inbound, Message, ReplyCode, Staff
from service.use_cases import audit, case_acts, contacts, pages, staff_messages
from workflows import reply_codes
from workflows.alerts import AlertStatus
from workflows.reply_codes import CodeAction, CodeReply

STOP_WORDS = frozenset("STOP STOPALL UNSUBSCRIBE CANCEL END QUIT PARAR PARE SAIR".split())
START_WORDS = frozenset("START UNSTOP VOLTAR INICIAR".split())
BARE_WORDS = frozenset("OK OKAY SIM YES PEGO TAKE 4".split())
LISTED = 3  # more would not fit one text


def staff_text(session: Session, staff: Staff, inbound: Inbound, *, now: datetime) -> str:
    """Do what a text of an on-call person asks. What was heard, for the inbound's record.

    A bare "ok" takes a case only when exactly one open case was paged to that phone; with more it lists them
    and takes none. What cannot be read gets an answer that says that nothing was taken.
    """
    words = " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", inbound.body).upper()))
    phone = inbound.from_address
    if words in STOP_WORDS:
        return _stop(session, staff, phone, inbound, now)
    if words in START_WORDS:
        contacts.set_opted_out(session, staff, phone, False, now=now)
        return "start"
    if re.fullmatch(r"[0-9]{6}", words):
        right = contacts.verify_by_text(session, staff, phone, words, now=now)
        _answer(session, staff, inbound, "contact_verified" if right else "ack_unknown", {}, now)
        return "contact code" if right else "wrong contact code"
    replies = reply_codes.read_codes(inbound.body)
    if replies:
        return "; ".join(_code(session, staff, inbound, reply, now) for reply in replies)
    waiting = _open_alerts(session, phone)
    if words in BARE_WORDS and len(waiting) == 1:
        return _take(session, staff, inbound, waiting[0], now)
    if waiting:
        cases = ", ".join(
            f"{reply_codes.code_for(each.case, CodeAction.ACKNOWLEDGE)} {each.patient.code}"
            for each in waiting[:LISTED]
        )
        _answer(session, staff, inbound, "ack_list", {"cases": cases}, now)
        return "listed"
    latest = _latest(session, phone) if words in BARE_WORDS else None
    if latest is not None:
        return _take(session, staff, inbound, latest, now)
    _answer(session, staff, inbound, "ack_unknown", {}, now)
    return "unknown"


def voice_digit(session: Session, message: Message, digits: str, *, now: datetime) -> str:
    """A key pressed on a page's call: 4 takes the case, 5 passes it on.

    "taken" | "passed" | "already_taken" | "closed" | "unknown", for the words that end the call.
    """
    action = reply_codes.DIGITS.get(digits.strip()[:1])
    if action is None or message.alert_id is None or message.staff_id is None:
        return "unknown"
    staff = session.get_one(Staff, message.staff_id)
    alert = session.get_one(Alert, message.alert_id)
    if alert.status == AlertStatus.CLOSED:
        return "closed"
    if action is CodeAction.PASS_ON:
        mine = alert.status == AlertStatus.OPEN or alert.acknowledged_by_id == staff.id
        case_acts.pass_on(session, alert, staff=staff, via="voice", now=now)
        return "passed" if mine else "already_taken"
    ack = case_acts.acknowledge(session, alert, staff=staff, via="voice", now=now)
    return "taken" if ack.by is not None and ack.by.id == staff.id else "already_taken"


def _code(session: Session, staff: Staff, inbound: Inbound, reply: CodeReply, now: datetime) -> str:
    given = session.scalars(
        select(ReplyCode)
        .where(ReplyCode.phone == inbound.from_address, ReplyCode.code == reply.case)
        .order_by(ReplyCode.issued_at.desc(), ReplyCode.id.desc())
    ).first()
    if given is None:
        _answer(session, staff, inbound, "ack_unknown", {}, now)
        return "unknown code"
    alert = session.get_one(Alert, given.alert_id)
    if reply.action is CodeAction.PASS_ON:
        return _pass_on(session, staff, inbound, alert, now)
    return _take(session, staff, inbound, alert, now)


def _take(session: Session, staff: Staff, inbound: Inbound, alert: Alert, now: datetime) -> str:
    if alert.status == AlertStatus.CLOSED:
        _answer(session, staff, inbound, "already_closed", {"case": alert.case}, now, alert)
        return "already closed"
    ack = case_acts.acknowledge(session, alert, staff=staff, via="sms", now=now)
    if ack.by is None or ack.by.id == staff.id:
        url = pages.link(session, alert, staff, now)
        fields = {"case": alert.case, "patient": alert.patient.code, "url": url}
        _answer(session, staff, inbound, "acknowledged_you", fields, now, alert)
        return "taken"
    _who_has_it(session, staff, inbound, alert, ack.by, ack.at or now, now)
    return "already taken"


def _pass_on(session: Session, staff: Staff, inbound: Inbound, alert: Alert, now: datetime) -> str:
    if alert.status == AlertStatus.CLOSED:
        _answer(session, staff, inbound, "already_closed", {"case": alert.case}, now, alert)
        return "already closed"
    if alert.status == AlertStatus.ACKNOWLEDGED and alert.acknowledged_by_id != staff.id:
        owner = session.get_one(Staff, alert.acknowledged_by_id)
        _who_has_it(session, staff, inbound, alert, owner, alert.acknowledged_at or now, now)
        return "already taken"
    paged = case_acts.pass_on(session, alert, staff=staff, via="sms", now=now)
    who = staff_messages.shown(paged[0]) if paged else "-"
    _answer(session, staff, inbound, "passed_on", {"case": alert.case, "who": who}, now, alert)
    return "passed on"


def _who_has_it(
    session: Session, staff: Staff, inbound: Inbound, alert: Alert, owner: Staff, at: datetime, now: datetime
) -> None:
    time = staff_messages.clock(at, alert.patient.site.timezone)
    fields = {"case": alert.case, "who": staff_messages.shown(owner), "time": time}
    _answer(session, staff, inbound, "already_taken", fields, now, alert)


def _stop(session: Session, staff: Staff, phone: str, inbound: Inbound, now: datetime) -> str:
    """The carrier blocks that number now: the chain has lost a person, and somebody must know at once."""
    contacts.set_opted_out(session, staff, phone, True, now=now)
    words = f"{staff_messages.shown(staff)} sent STOP: texts to that on-call phone are blocked"
    staff_messages.alarm(session, words, site_id=staff.site_id, dedupe=f"inbound:{inbound.id}:stop", now=now)
    audit.record(session, "staff:stop", actor=f"staff:{staff.id}", now=now, subject_id=staff.id)
    return "stop"


def _open_alerts(session: Session, phone: str) -> list[Alert]:
    return list(
        session.scalars(
            select(Alert)
            .join(ReplyCode, ReplyCode.alert_id == Alert.id)
            .where(ReplyCode.phone == phone, Alert.status == str(AlertStatus.OPEN))
            .order_by(Alert.opened_at, Alert.id)
        )
    )


def _latest(session: Session, phone: str) -> Alert | None:
    """The latest case of that phone that somebody has: its "ok" is answered with who."""
    return session.scalars(
        select(Alert)
        .join(ReplyCode, ReplyCode.alert_id == Alert.id)
        .where(ReplyCode.phone == phone, Alert.status == str(AlertStatus.ACKNOWLEDGED))
        .order_by(ReplyCode.issued_at.desc(), ReplyCode.id.desc())
    ).first()


def _answer(
    session: Session,
    staff: Staff,
    inbound: Inbound,
    template: str,
    fields: dict[str, str],
    now: datetime,
    alert: Alert | None = None,
) -> None:
    staff_messages.to_staff(
        session,
        staff,
        template,
        fields,
        kind="reply",
        address=inbound.from_address,
        dedupe=f"inbound:{inbound.id}:{template}:{alert.id if alert else 0}",
        alert_id=alert.id if alert else None,
        inbound_id=inbound.id,
        now=now,
    )
