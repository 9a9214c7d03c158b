"""Texts from numbers that belong to nobody: they may raise an alarm, never close one, and are told nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Inbound, Patient, Site
from service.use_cases import outbox, reports, staff_messages, tasks
from workflows.ear import Heard, hear, hears_distress
from workflows.enrolment import PatientStatus
from workflows.protocol import Level

PREFIX = {"+55": "pt-BR"}


def take(session: Session, inbound: Inbound, *, now: datetime) -> dict[str, Any]:
    """A relative's number raises the patient's case; any other raises an alarm when it holds distress."""
    heard, distress = hear(inbound.body), hears_distress(inbound.body)
    relatives = _relatives(session, inbound.from_address)
    if relatives and distress:
        source = reports.Source(
            inbound.channel, typed_by="next of kin", carrier_at=inbound.carrier_at, inbound=inbound
        )
        inbound.patient_id = relatives[0].id
        codes = [patient.code for patient in relatives]
        reports.report_for_one_of(session, relatives[0], heard, source, codes=codes, now=now)
    patient = relatives[0] if relatives else None
    site = _only_site(session)
    tasks.open_task(
        session, kind="unknown_sender", level=Level.AMBER.value if distress else Level.NOTHING.value, now=now,
        patient=patient, site_id=site.id if site else None, dedupe=f"stranger:{inbound.id}",
        detail={"text": inbound.body, "from": inbound.from_address, "next_of_kin": bool(relatives)},
        inbound_id=inbound.id,
    )  # fmt: skip
    if distress and patient is None:
        staff_messages.alarm(
            session, f"a cry for help from an unknown number: see text {inbound.id} in the console",
            site_id=site.id if site else None, dedupe=f"stranger:{inbound.id}", now=now,
        )  # fmt: skip
    if distress and site is not None and patient is None:
        _answer(session, inbound, site, now=now)
    return {"stranger": True, "distress": distress, **_as_record(heard)}


def _relatives(session: Session, phone: str) -> list[Patient]:
    query = select(Patient).where(
        Patient.next_of_kin == phone, Patient.status == PatientStatus.ENROLLED.value
    )
    return list(session.scalars(query.order_by(Patient.id)))


def _only_site(session: Session) -> Site | None:
    found = session.scalars(select(Site).limit(2)).all()
    return found[0] if len(found) == 1 else None


def _answer(session: Session, inbound: Inbound, site: Site, *, now: datetime) -> None:
    """Whom to call, without a word on any study or patient."""
    language = next(
        (name for prefix, name in PREFIX.items() if inbound.from_address.startswith(prefix)), "en"
    )
    outbox.enqueue(
        session, now=now, kind="safety", template="help_minimal", address=inbound.from_address, language=language,
        channel=inbound.channel, dedupe=f"stranger:{inbound.id}", inbound_id=inbound.id,
        fields={"tel": outbox.telephone_of(site), "emergency": site.emergency_number},
    )  # fmt: skip


def _as_record(heard: Heard) -> dict[str, Any]:
    return {"signs": sorted(heard.signs), "red_words": sorted(heard.red_words)}
