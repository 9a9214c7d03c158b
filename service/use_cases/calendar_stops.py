"""Stops of the protocol ("no infusion by day 28"): a timer that plans anew on the day, and tells a coordinator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from service.models import Patient, Timer
from service.use_cases import bulk, patient_facts, tasks
from service.use_cases.calendar_frame import Frame
from service.use_cases.sweep import Sweep, due_by
from workflows.anchors import AnchorDate, day_of, due_stops
from workflows.enrolment import PatientStatus
from workflows.visit_reminders import local_instant

KIND = "calendar_stop"
HOUR = time(8, 0)
ROWS = bulk.table_of(Timer).c
WAITING = select(ROWS.id, ROWS.due_at, ROWS.detail).where(
    ROWS.patient_id == bindparam("patient"), ROWS.kind == KIND, ROWS.done_at.is_(None)
)


def sync(
    writes: bulk.Writes,
    patient: Patient,
    there: Iterable[bulk.Values],
    *,
    frame: Frame,
    anchors: Mapping[str, AnchorDate],
    now: datetime,
) -> None:
    """One waiting timer for each stop whose anchor (resolved) has not happened; none for the others. `there`: the rows
    of WAITING.
    """
    waiting = {detail["stop"]: (number, due_at) for number, due_at, detail in there}
    over, retimed, fresh = [], [], []
    for stop in frame.design.stops:
        limit = day_of(anchors, stop.by)
        timer = waiting.get(stop.id)
        if limit is None or anchors[stop.anchor].is_actual:
            if timer is not None:
                over.append((timer[0],))
            continue
        due_at = local_instant(limit + timedelta(days=1), HOUR, frame.zone)
        if timer is not None:
            if timer[1] != due_at:
                retimed.append((timer[0], due_at))
        elif due_at > now:
            fresh.append((due_at, {"stop": stop.id}))
    writes.update(Timer, ("id",), over, {"done_at": now, "reason": "the anchor has its date"})
    writes.update(Timer, ("id", "due_at"), retimed)
    writes.insert(Timer, ("due_at", "detail"), fresh, {"patient_id": patient.id, "kind": KIND, "created_at": now})


def cancel_all(session: Session, patient: Patient, *, reason: str, now: datetime) -> None:
    """The patient has left: nothing is stopped any more."""
    bulk.flush_of(session, Timer)
    writes = bulk.Writes(session)
    gone = [(number,) for number, *_others in session.execute(WAITING, {"patient": patient.id})]
    writes.update(Timer, ("id",), gone, {"done_at": now, "reason": reason})
    writes.flush()


# timers of stops that have come
due = due_by(Timer.id, Timer.due_at, Timer.done_at.is_(None), Timer.kind == KIND)


def handle(session: Session, timer_id: int, now: datetime) -> None:
    """Plan anew without the stopped visits, and open a task that says so."""
    from service.use_cases import calendar
    from service.use_cases.calendar_there import look

    patient, timer = patient_facts.hold_with(session, Timer, timer_id)
    if timer.done_at is not None or timer.due_at > now:  # the calendar was changed while this waited
        return
    timer.done_at, timer.reason = now, "the day has passed"
    if patient.status != PatientStatus.ENROLLED:
        return
    frame, there = look(session, patient, now=now, only_plan=True)
    for stop in due_stops(frame.design, calendar.resolved(frame, there), frame.today):
        tasks.open_task(
            session, kind=stop.task, level="amber", now=now, patient=patient, rules=(stop.id,),
            dedupe=f"stop:{patient.id}:{stop.id}",
        )  # fmt: skip
    calendar.refresh(session, patient, now=now)


WAITS = (select(func.min(Timer.due_at)).where(Timer.done_at.is_(None), Timer.kind == KIND),)
SWEEPS = (Sweep("calendar_stops", due, handle, WAITS),)
