"""Notifications in the patient's own app: beside the texts, never instead of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from notifications.message import Channel
from service.errors import NotFound
from service.models import Message, Occasion, Patient
from service.use_cases import audit, links, outbox, patients

GONE = frozenset({"404", "410"})


def subscribe(session: Session, token: str, subscription: Mapping[str, Any], *, now: datetime) -> Patient:
    """The browser of whoever holds the link is told of questions from now on, in place of the one before.

    `subscription`: `endpoint` and `keys`, checked already. NotFound for no such link, Expired (410) for an old one.
    """
    link = links.find(session, token, kind="questions", now=now)
    if link.patient_id is None:
        raise NotFound("there is no such link")
    patient = patients.get(session, link.patient_id)
    if patient.push_subscription != dict(subscription):
        _change(session, patient, dict(subscription), actor=f"patient:{patient.id}", now=now)
    return patient


def forget(session: Session, message: Message, code: str, *, now: datetime) -> None:
    """A notification failed with `code`: a subscription that its service no longer knows is not kept.

    A newer one, of another browser, stays.
    """
    patient = session.get(Patient, message.patient_id) if message.patient_id else None
    if code in GONE and patient is not None and patient.push_subscription is not None:
        if _address(patient.push_subscription) == message.address:
            _change(session, patient, None, actor="system", now=now)


def announce(session: Session, patient: Patient, occasion: Occasion, url: str, *, now: datetime) -> None:
    """Say in the app that a question is ready, without a word of what it is about. ValueError where there is no app."""
    if patient.push_subscription is None:
        raise ValueError(f"patient {patient.id} has no app")
    outbox.enqueue(
        session, now=now, kind="question", template="question_minimal", patient=patient, occasion_id=occasion.id,
        channel=Channel.WEBPUSH.value, address=_address(patient.push_subscription), lane=outbox.BULK,
        fields={"url": url}, dedupe=f"push:{occasion.id}:begin:{occasion.opened_at}", wanted_while="occasion_open",
        expires_at=occasion.missed_at,
    )  # fmt: skip


def _change(
    session: Session, patient: Patient, subscription: dict[str, Any] | None, *, actor: str, now: datetime
) -> None:
    """The trail names the push services only: the rest of an endpoint is a key to the phone."""
    before = patient.push_subscription
    patient.push_subscription = subscription
    audit.record(
        session, "patient:push", actor=actor, now=now, subject_id=patient.id, patient_id=patient.id,
        detail={"was": _service(before), "is": _service(subscription)},
    )  # fmt: skip


def _service(subscription: Mapping[str, Any] | None) -> str | None:
    return urlsplit(str(subscription["endpoint"])).hostname if subscription else None


def _address(subscription: Mapping[str, Any]) -> str:
    return json.dumps(subscription, sort_keys=True)
