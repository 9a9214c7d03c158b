"""Timers that wait for a patient's word: a second reading, an answer to an urgent question, arrival at a
hospital.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.models import Alert, Inbound, Patient, Timer
from service.use_cases import alerts, audit, outbox, patient_facts, studies, tasks, triaging
from service.use_cases.sweep import Sweep, due_by
from workflows.enrolment import PatientStatus
from workflows.protocol import Level
from workflows.replies import Reply
from workflows.words import plain

WHICH_PATIENT = "which_patient"
KINDS = (*triaging.WAIT_FOR_READING, triaging.ADVICE_CHECK, triaging.ADVICE_SILENCE, WHICH_PATIENT)
ARRIVED, ON_THE_WAY, NOT_GOING = "1", "2", "3"


# timers that ran out
due = due_by(Timer.id, Timer.due_at, Timer.done_at.is_(None), Timer.kind.in_(KINDS))


def handle(session: Session, timer_id: int, now: datetime) -> None:
    """Do what the timer was set for."""
    patient, timer = patient_facts.hold_with(session, Timer, timer_id)
    if timer.done_at is not None or timer.due_at > now:
        return
    timer.done_at, timer.reason = now, "ran out"
    if patient.status == PatientStatus.DIED:
        timer.reason = "the patient has died"
    elif timer.kind == triaging.RECHECK:
        _ask_again(session, patient, timer, now)
    elif timer.kind == triaging.ADVICE_CHECK:
        _did_you_arrive(session, patient, timer, now)
    elif timer.kind == triaging.ADVICE_SILENCE:
        _rejoin(session, patient, timer, "no_word_after_advice", now)
    elif timer.kind == WHICH_PATIENT:
        _never_said_who(session, patient, timer, now)
    else:
        _silent(session, patient, timer, now)
    audit.record(
        session, f"timer:{timer.kind}", actor="system", now=now, subject_id=timer.id, patient_id=patient.id
    )


def _ask_again(session: Session, patient: Patient, timer: Timer, now: datetime) -> None:
    """The temperature once more; a recheck passes quiet hours."""
    outbox.enqueue(
        session, now=now, kind="safety", template="recheck", patient=patient, dedupe=f"timer:{timer.id}:ask",
        occasion_id=None,
    )  # fmt: skip


def _silent(session: Session, patient: Patient, timer: Timer, now: datetime) -> None:
    """No reading came: red pages, amber is a call task."""
    level = Level(timer.detail.get("level", Level.AMBER.value))
    rules = list(timer.detail.get("rules", ()))
    inbound_id = timer.detail.get("inbound")
    if level is Level.RED:
        alerts.open_or_join(
            session, patient, source=f"timer:{timer.id}", level=level.value, hits=rules, reported_at=timer.created_at,
            summary=_why(session, timer, "no_temperature"), inbound_id=inbound_id, now=now,
        )  # fmt: skip
        return
    tasks.open_task(
        session, kind="recheck_silent", level=level.value, now=now, patient=patient, rules=rules,
        dedupe=f"timer:{timer.id}", detail={"why": "no_second_measurement"}, inbound_id=inbound_id,
    )  # fmt: skip


def _why(session: Session, timer: Timer, why: str) -> dict[str, str]:
    inbound = session.get(Inbound, timer.detail["inbound"]) if timer.detail.get("inbound") else None
    return {"text": inbound.body if inbound else "", "why": why}


def _did_you_arrive(session: Session, patient: Patient, timer: Timer, now: datetime) -> None:
    alert = session.get(Alert, timer.detail.get("alert"))
    if alert is None or alert.status == "closed":
        timer.reason = "the case is closed"
        return
    outbox.enqueue(
        session, now=now, kind="safety", template="safety_question", patient=patient,
        dedupe=f"timer:{timer.id}:ask", alert_id=alert.id,
    )  # fmt: skip
    minutes = studies.design_for(session, patient).settings.get("advice_silence_minutes", 30)
    triaging.wait(session, patient, triaging.ADVICE_SILENCE, minutes=int(minutes), now=now, alert=alert.id)


def _rejoin(session: Session, patient: Patient, timer: Timer, why: str, now: datetime) -> None:
    """The case's owner is told again; a case that was closed meanwhile is left closed."""
    alert = session.get(Alert, timer.detail.get("alert"))
    if alert is None or alert.status == "closed":
        timer.reason = "the case is closed"
        return
    triaging.raise_red(
        session, patient, "advice_unanswered", source=f"timer:{timer.id}", reported_at=now, summary={"why": why},
        now=now, advise=False,
    )  # fmt: skip


def answers_advice(
    session: Session, patient: Patient, inbound: Inbound, reply: Reply, *, now: datetime
) -> bool:
    """Whether the text answers "did you reach the hospital?"; then it is acted on."""
    said = plain(inbound.body).strip(" .!,)")
    if said not in (ARRIVED, ON_THE_WAY, NOT_GOING):
        return False
    ended = triaging.settle(session, patient, triaging.ADVICE_SILENCE, reason=f"answered {said}", now=now)
    if not ended:
        return False
    timer = ended[0]
    alert = session.get(Alert, timer.detail.get("alert"))
    audit.record(
        session, "advice:answer", actor=f"patient:{patient.id}", now=now, subject_id=timer.detail.get("alert"),
        patient_id=patient.id, detail={"answer": said},
    )  # fmt: skip
    if said == NOT_GOING and alert is not None:
        _rejoin(session, patient, timer, "not_going_in", now)
    elif said == ON_THE_WAY and alert is not None:
        minutes = studies.design_for(session, patient).settings.get("advice_check_minutes", 60)
        triaging.wait(session, patient, triaging.ADVICE_CHECK, minutes=int(minutes), now=now, alert=alert.id)
    return True


def _never_said_who(session: Session, patient: Patient, timer: Timer, now: datetime) -> None:
    """Two patients share the phone and nobody said whose words these were: a human reads them."""
    tasks.open_task(
        session, kind="which_patient", level=Level.AMBER.value, now=now, patient=patient,
        dedupe=f"timer:{timer.id}", detail={"patients": timer.detail.get("codes", [])},
        inbound_id=timer.detail.get("inbound"),
    )  # fmt: skip


WAITS = (select(func.min(Timer.due_at)).where(Timer.done_at.is_(None), Timer.kind.in_(KINDS)),)
SWEEPS = (Sweep("timers", due, handle, WAITS),)
