"""Stops of the protocol ("no infusion by day 28"): a timer that plans anew on the day, and tells a coordinator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from service.models import Patient, Timer
from service.use_cases import studies, tasks
from service.use_cases.sweep import Sweep
from workflows.anchors import AnchorDate, day_of, due_stops, resolve_anchors
from workflows.enrolment import PatientStatus
from workflows.visit_reminders import local_instant

KIND = "calendar_stop"
WAITING = select(Timer).where(Timer.patient_id == bindparam("patient"), Timer.kind == KIND, Timer.done_at.is_(None))


def sync(
    session: Session, patient: Patient, *, now: datetime, anchors: Mapping[str, AnchorDate], is_first: bool = False
) -> None:
    """One waiting timer for each stop whose anchor has not happened; none for the others. `anchors`: resolved."""
    design = studies.design_for(session, patient)
    waiting = {timer.detail["stop"]: timer for timer in ([] if is_first else _waiting(session, patient))}
    for stop in design.stops:
        limit = day_of(anchors, stop.by)
        timer = waiting.pop(stop.id, None)
        if limit is None or anchors[stop.anchor].is_actual:
            if timer is not None:
                timer.done_at, timer.reason = now, "the anchor has its date"
            continue
        due = local_instant(limit + timedelta(days=1), time(8, 0), patient.timezone)
        if timer is not None:
            timer.due_at = due
        elif due > now:
            session.add(
                Timer(patient_id=patient.id, kind=KIND, due_at=due, detail={"stop": stop.id}, created_at=now)
            )


def cancel_all(session: Session, patient: Patient, *, reason: str, now: datetime) -> None:
    """The patient has left: nothing is stopped any more."""
    for timer in _waiting(session, patient):
        timer.done_at, timer.reason = now, reason


def _waiting(session: Session, patient: Patient) -> Sequence[Timer]:
    return session.scalars(WAITING, {"patient": patient.id}).all()


def due(session: Session, now: datetime, limit: int) -> Sequence[int]:
    """Timers of stops that have come."""
    return session.scalars(
        select(Timer.id)
        .where(Timer.done_at.is_(None), Timer.due_at <= now, Timer.kind == KIND)
        .order_by(Timer.due_at)
        .limit(limit)
    ).all()


def handle(session: Session, timer_id: int, now: datetime) -> None:
    """Plan anew without the stopped visits, and open a task that says so."""
    from service.use_cases import calendar

    timer = session.get_one(Timer, timer_id)
    patient = session.get_one(Patient, timer.patient_id)
    timer.done_at, timer.reason = now, "the day has passed"
    if patient.status != PatientStatus.ENROLLED:
        return
    design = studies.design_for(session, patient)
    anchors = resolve_anchors(design, calendar.recorded(session, patient), patient.timezone)
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    for stop in due_stops(design, anchors, today):
        tasks.open_task(
            session, kind=stop.task, level="amber", now=now, patient=patient, rules=(stop.id,),
            dedupe=f"stop:{patient.id}:{stop.id}",
        )  # fmt: skip
    calendar.refresh(session, patient, now=now)


WAITS = (select(func.min(Timer.due_at)).where(Timer.done_at.is_(None), Timer.kind == KIND),)
SWEEPS = (Sweep("calendar_stops", due, handle, WAITS),)
