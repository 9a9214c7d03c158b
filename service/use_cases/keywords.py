"""What a patient's keywords set off: call me, OK, change, stop, start, "wrong number"."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from service.models import Inbound, Patient
from service.use_cases import outbox, patients, tasks, visits
from workflows.protocol import Level
from workflows.replies import Intent, Reply

OPTED_OUT_WITHIN = timedelta(hours=24)


def follow(session: Session, patient: Patient, reply: Reply, inbound: Inbound, *, now: datetime) -> None:
    """Do what each keyword asks, in the order of the intents."""
    for intent in reply.intents:
        if intent is Intent.CALL_ME:
            _task(session, patient, "call_requested", inbound, now=now)
            _answer(session, patient, "call_booked", inbound, now=now)
        elif intent is Intent.CONFIRM_VISIT:
            visits.patient_confirms(session, patient, now=now)
        elif intent is Intent.CHANGE_VISIT:
            visits.patient_asks_change(session, patient, now=now)
        elif intent is Intent.OPT_OUT:
            _stop(session, patient, reply.opt_out, inbound, now=now)
        elif intent is Intent.START:
            _start(session, patient, inbound, now=now)
        elif intent is Intent.NOT_MINE:
            _not_mine(session, patient, inbound, now=now)


def _stop(session: Session, patient: Patient, scope: str, inbound: Inbound, *, now: datetime) -> None:
    """Messages stop, care does not: a person agrees another way with the patient."""
    patients.update(
        session,
        patient,
        reason="the patient's own text",
        actor=f"patient:{patient.id}",
        now=now,
        opted_out=scope,
    )
    tasks.open_task(
        session, kind="opted_out", level=Level.AMBER.value, now=now, patient=patient, rules=("N-UNDEL",),
        dedupe=f"opted_out:{inbound.id}", detail={"scope": scope}, due_at=now + OPTED_OUT_WITHIN, inbound_id=inbound.id,
    )  # fmt: skip
    _answer(session, patient, "opt_out", inbound, now=now)


def _start(session: Session, patient: Patient, inbound: Inbound, *, now: datetime) -> None:
    if patient.opted_out is None:
        return
    patient.opted_out_by_carrier = False
    patients.update(
        session,
        patient,
        reason="the patient's own text",
        actor=f"patient:{patient.id}",
        now=now,
        opted_out=None,
    )
    _answer(session, patient, "opt_in", inbound, now=now)


def _not_mine(session: Session, patient: Patient, inbound: Inbound, *, now: datetime) -> None:
    """A stranger has the number: nothing about the study is sent there until a person has found the right
    one.
    """
    patient.unreachable_at = now
    patients.update(
        session, patient, reason="the number is not theirs", actor="system", now=now, opted_out="all"
    )
    tasks.open_task(
        session, kind="undeliverable", level=Level.AMBER.value, now=now, patient=patient, rules=("N-UNDEL",),
        dedupe=f"not_theirs:{inbound.id}", detail={"why": "the number is not theirs"}, inbound_id=inbound.id,
    )  # fmt: skip
    _answer(session, patient, "not_yours", inbound, now=now)


def _task(session: Session, patient: Patient, kind: str, inbound: Inbound, *, now: datetime) -> None:
    tasks.open_task(
        session, kind=kind, level=Level.AMBER.value, now=now, patient=patient, dedupe=f"{kind}:{inbound.id}",
        inbound_id=inbound.id,
    )  # fmt: skip


def _answer(session: Session, patient: Patient, template: str, inbound: Inbound, *, now: datetime) -> None:
    outbox.enqueue(
        session, now=now, kind="reply", template=template, patient=patient, dedupe=f"{template}:{inbound.id}",
        inbound_id=inbound.id,
    )  # fmt: skip
