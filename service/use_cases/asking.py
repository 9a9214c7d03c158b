"""Questions go out by text: one open at a time; a form that is answered elsewhere is announced with its
link.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from service.models import Occasion, Patient
from service.use_cases import links, occasions, outbox, patient_facts, patient_push, responses, studies
from workflows.protocol import Item, ItemType, Questionnaire

SMS = "sms"


def begin(session: Session, patient: Patient, occasion: Occasion, *, now: datetime) -> None:
    """An occasion has opened: its first question goes out by text, or the link where it is answered.

    An older form that is still waiting gives way: answers go to the new one. A less urgent form waits its
    turn.
    """
    form = patient_facts.questionnaire_of(session, patient, occasion.questionnaire)
    key = f"begin:{occasion.opened_at}"  # one that was paused opens again, and asks again
    if not by_text(form):
        if form.announce:
            _announce(session, patient, occasion, form.announce, kind="question", key=key, now=now)
            _announce_in_app(session, patient, occasion, now=now)
        return
    for other in occasions.asked_beside(session, patient, occasion, now=now):
        if (
            other.questionnaire != occasion.questionnaire
            and _urgency(session, patient, other) <= form.urgency
        ):
            return
        other.item = None
    item = responses.next_item(session, patient, occasion, now=now)
    if item is None:
        occasions.finish(session, occasion, now=now)
        return
    ask(session, patient, occasion, item, kind="question", key=key, now=now)
    _announce_in_app(session, patient, occasion, now=now)


def remind(session: Session, patient: Patient, occasion: Occasion, *, now: datetime) -> None:
    """No answer yet: the form's reminder, or the question that is open once more."""
    form = patient_facts.questionnaire_of(session, patient, occasion.questionnaire)
    key = f"remind:{occasion.reminders_sent}"
    if not by_text(form):
        if form.reminder:
            _announce(session, patient, occasion, form.reminder, kind="reminder", key=key, now=now)
        return
    item = form.item(occasion.item) if occasion.item else None
    if item is None:  # it gave way to another form, which is reminded of by itself
        return
    template = form.reminder if item.type is ItemType.TEMPERATURE and form.reminder else item.sms
    send(session, patient, occasion, template, kind="reminder", key=key, now=now)


def ask(
    session: Session, patient: Patient, occasion: Occasion, item: Item, *, kind: str, key: str, now: datetime
) -> None:
    """Open a question: `kind` "question" when the hour has come, "reply" as the answer to the patient's own
    text.
    """
    occasions.ask(session, occasion, item.key)
    send(session, patient, occasion, item.sms, kind=kind, key=f"{item.key}:{key}", now=now)


def send(
    session: Session,
    patient: Patient,
    occasion: Occasion,
    template: str,
    *,
    kind: str,
    key: str,
    now: datetime,
) -> None:
    outbox.enqueue(
        session, now=now, kind=kind, template=template, patient=patient, occasion_id=occasion.id,
        fields=_link(session, patient, occasion, now) if _is_minimal(session, patient) else None,
        dedupe=f"ask:{occasion.id}:{key}", wanted_while="occasion_open", expires_at=occasion.missed_at,
    )  # fmt: skip


def _announce(
    session: Session,
    patient: Patient,
    occasion: Occasion,
    template: str,
    *,
    kind: str,
    key: str,
    now: datetime,
) -> None:
    outbox.enqueue(
        session, now=now, kind=kind, template=template, patient=patient, occasion_id=occasion.id,
        fields=_link(session, patient, occasion, now), dedupe=f"announce:{occasion.id}:{key}",
        wanted_while="occasion_open", expires_at=occasion.missed_at,
    )  # fmt: skip


def _announce_in_app(session: Session, patient: Patient, occasion: Occasion, *, now: datetime) -> None:
    if patient.push_subscription is not None:
        url = _link(session, patient, occasion, now)["url"]
        patient_push.announce(session, patient, occasion, url, now=now)


def _link(session: Session, patient: Patient, occasion: Occasion, now: datetime) -> dict[str, str]:
    lifetime = max(occasion.missed_at - now, timedelta(minutes=1))
    token = links.make(
        session, kind="questions", now=now, lifetime=lifetime, patient_id=patient.id, occasion_id=occasion.id
    )
    return {"url": f"/q/{token}"}


def _is_minimal(session: Session, patient: Patient) -> bool:
    return studies.design_for(session, patient).profile == "minimal"


def by_text(form: Questionnaire) -> bool:
    return SMS in form.channels


def _urgency(session: Session, patient: Patient, occasion: Occasion) -> int:
    return patient_facts.questionnaire_of(session, patient, occasion.questionnaire).urgency
