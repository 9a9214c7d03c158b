"""Two patients on one telephone: which of them wrote? A fever does not wait for the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Alert, AlertLog, AlertReport, Inbound, Patient, Timer
from service.use_cases import alerts, outbox, reports, triaging
from service.use_cases.timers import WHICH_PATIENT
from workflows.ear import hear, hears_distress
from workflows.enrolment import PatientStatus
from workflows.words import plain

ASK_MINUTES = 60
MOST = 5


def choose(
    session: Session, found: Sequence[Patient], inbound: Inbound, *, now: datetime
) -> tuple[Patient, Inbound] | None:
    """Who wrote, and which text is theirs (the one they were asked about). None: they were asked."""
    active = [patient for patient in found if patient.status == PatientStatus.ENROLLED]
    if len(found) == 1 or len(active) == 1:
        return (active or list(found))[0], inbound
    options = (active or list(found))[:MOST]
    asked = _asked(session, options)
    if asked is not None:
        patient = _named(options, asked, inbound.body)
        if patient is not None:
            asked.done_at, asked.reason = now, f"answered: {patient.code}"
            return patient, _words(session, asked, inbound, patient)
    if hears_distress(inbound.body):
        _one_of(session, options, inbound, now=now)
    _ask(session, options, asked, inbound, now=now)
    return None


def _asked(session: Session, options: Sequence[Patient]) -> Timer | None:
    query = select(Timer).where(
        Timer.kind == WHICH_PATIENT,
        Timer.done_at.is_(None),
        Timer.patient_id.in_([patient.id for patient in options]),
    )
    return session.scalars(query.order_by(Timer.id.desc()).limit(1)).first()


def _named(options: Sequence[Patient], asked: Timer, text: str) -> Patient | None:
    """The patient that an answer names: by its number in the list, or by the code."""
    said = re.sub(r"[^a-z0-9]", "", plain(text))
    codes: list[str] = asked.detail["codes"]
    for place, code in enumerate(codes, 1):
        if said in (str(place), re.sub(r"[^a-z0-9]", "", code.lower())):
            return next((patient for patient in options if patient.code == code), None)
    return None


def _words(session: Session, asked: Timer, answer: Inbound, patient: Patient) -> Inbound:
    """The text that was waiting for its writer; the answer to "who?" says nothing else."""
    waiting = session.get(Inbound, asked.detail["inbound"])
    if waiting is None:
        return answer
    waiting.patient_id = patient.id
    return waiting


def _one_of(session: Session, options: Sequence[Patient], inbound: Inbound, *, now: datetime) -> None:
    """Raised at once for the first of them, and said to be "one of"."""
    codes = [patient.code for patient in options]
    heard = hear(inbound.body)
    source = reports.Source(inbound.channel, carrier_at=inbound.carrier_at, inbound=inbound)
    reports.report_for_one_of(session, options[0], heard, source, codes=codes, now=now)


def say_whose(session: Session, patient: Patient, words: Inbound, *, now: datetime) -> None:
    """Somebody said that `patient` wrote the words that had raised a case as "one of": that case stays open, for only a
    human closes one, but it says so, its owner is paged again, and a case of the patient's own names it.
    """
    first = session.scalars(
        select(Alert)
        .join(AlertReport, AlertReport.alert_id == Alert.id)
        .where(AlertReport.inbound_id == words.id, AlertReport.source.startswith(f"inbound:{words.id}:"))
        .order_by(AlertReport.id)
        .limit(1)
    ).first()
    if first is None or first.status == "closed":
        return
    own = alerts.open_of(session, patient.id)
    other = own if own is not None and own.id != first.id else None
    alerts.open_or_join(
        session, first.patient, source=f"whose:{words.id}", level=first.severity, hits=(), reported_at=now,
        summary={"named": patient.code, "other_case": other.case if other else ""}, inbound_id=words.id, now=now,
        advise=False,
    )  # fmt: skip
    if other is None:
        return
    newest = alerts.reports_of(session, other)[-1]
    newest.summary = {**newest.summary, "other_case": first.case, "other_patient": first.patient.code}
    detail = {"note": f"{first.case} {first.patient.code}, {other.case} {patient.code}"}
    for case in (first, other):
        session.add(AlertLog(alert_id=case.id, at=now, actor="system", event="same_words", detail=detail))
    session.flush()


def _ask(
    session: Session, options: Sequence[Patient], asked: Timer | None, inbound: Inbound, *, now: datetime
) -> None:
    if asked is not None:
        asked.done_at, asked.reason = now, "a newer text came"
    codes = [patient.code for patient in options]
    triaging.wait(
        session, options[0], WHICH_PATIENT, minutes=ASK_MINUTES, now=now, codes=codes, inbound=inbound.id
    )
    shown = ", ".join(f"{place} = {code}" for place, code in enumerate(codes, 1))
    outbox.enqueue(
        session, now=now, kind="reply", template="which_patient", patient=options[0], fields={"options": shown},
        dedupe=f"which:{inbound.id}", inbound_id=inbound.id,
    )  # fmt: skip
