"""One visit: booked, moved, held, missed, cancelled."""

from __future__ import annotations

from datetime import date as Day
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import Conflict, NotFound, Stale
from service.models import Patient, Visit
from service.use_cases import anchors, audit, bulk, calendar, calendar_frame, held, sites, studies
from service.use_cases.appointments import next_appointment, patient_asks_change, patient_confirms
from workflows.decisions import RuleViolation
from workflows.enrolment import ENDED
from workflows.protocol import Setting
from workflows.visit_reminders import local_instant
from workflows.visits import OPEN, VisitStatus, check_move, check_status, is_inside

__all__ = ["add_unscheduled", "change", "get", "next_appointment", "patient_asks_change", "patient_confirms"]

UNSCHEDULED = "UNS"


def get(session: Session, visit_id: int) -> Visit:
    """One visit; NotFound."""
    visit = session.get(Visit, visit_id) if 0 < visit_id < 2**63 else None
    if visit is None:
        raise NotFound(f"there is no visit {visit_id}")
    return visit


def change(
    session: Session,
    visit: Visit,
    *,
    status: str | None = None,
    date: Day | None = None,
    booked_at: datetime | None = None,
    completed_on: Day | None = None,
    reason: str = "",
    expect_version: int | None = None,
    actor: str,
    now: datetime,
) -> Visit:
    """Book (`booked_at`), move (`date`), complete, miss, cancel or plan again.

    What is merged into the visit goes with it, except a cancellation. A visit that dates an anchor records
    the anchor, and the calendar follows. RuleViolation outside the window without a reason; Stale when
    `expect_version` is not the row's; Conflict for a patient who has left.
    """
    patient = visit.patient
    calendar_frame.lock(session, patient)
    session.refresh(visit)  # as it is once nobody else is changing this calendar
    if expect_version is not None and visit.version_id != expect_version:
        raise Stale(f"the visit {visit.code} has changed since you read it")
    wanted = _wanted(visit, status, date, booked_at, completed_on)
    if patient.status in ENDED and wanted in OPEN:
        raise Conflict(f"the patient is {patient.status}: nothing more is booked")
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    acts: dict[str, Any] = {"reason": reason.strip(), "actor": actor, "now": now}
    if wanted is VisitStatus.COMPLETED:
        _complete(session, visit, completed_on or date or min(visit.date, today), today, **acts)
    elif wanted is VisitStatus.BOOKED:
        _book(session, visit, date, booked_at, **acts)
    else:
        _set_status(session, visit, wanted, today, **acts)
    session.flush()
    return visit


def add_unscheduled(
    session: Session, patient: Patient, *, date: Day, label: str = "", reason: str, actor: str, now: datetime
) -> Visit:
    """A visit that no protocol planned: UNS1, UNS2 ... Booked where it is still to come, completed where it
    was.
    """
    if not reason.strip():
        raise RuleViolation("reason", reason, "say why")
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    if not patient.enrolled_on <= date <= today + timedelta(days=366):
        raise RuleViolation("date", date, f"from the enrolment on {patient.enrolled_on} to a year from today")
    if patient.status in ENDED and date > today:
        raise Conflict(f"the patient is {patient.status}: nothing more is booked")
    calendar_frame.lock(session, patient)
    number = sum(1 for visit in calendar.visits_of(session, patient) if visit.anchor == "") + 1
    design = studies.design_for(session, patient)
    planned = next((dict(one.label) for one in design.encounters if one.timing is None), {"en": "Unscheduled visit"})
    over = date < today
    visit = Visit(
        patient_id=patient.id,
        site_id=patient.site_id,
        code=f"{UNSCHEDULED}{number}",
        label={"en": label.strip()} if label.strip() else planned,
        anchor="",
        setting=str(Setting.CLINIC),
        status=(VisitStatus.COMPLETED if over else VisitStatus.BOOKED).value,
        date=date,
        window_start=date,
        window_end=date,
        projected=False,
        flags=[],
        booked_at=None if over else _clinic_hour(patient, date),
        completed_on=date if over else None,
        updated_at=now,
    )
    session.add(visit)
    session.flush()
    audit.record(
        session, "visit:add", actor=actor, now=now, subject_id=visit.id, patient_id=patient.id,
        detail={"code": visit.code, "date": date, "reason": reason.strip()},
    )  # fmt: skip
    return visit


def _wanted(
    visit: Visit, status: str | None, date: Day | None, booked_at: datetime | None, completed_on: Day | None
) -> VisitStatus:
    """The status that is asked for: said, or understood from what was given."""
    if status is not None:
        try:
            return VisitStatus(status)
        except ValueError:
            raise RuleViolation("status", status, f"is none of {', '.join(VisitStatus)}") from None
    if completed_on is not None:
        return VisitStatus.COMPLETED
    if booked_at is not None or date is not None:
        return VisitStatus.BOOKED
    raise RuleViolation("status", None, f"nothing to change about {visit.code}")


def _book(
    session: Session,
    visit: Visit,
    date: Day | None,
    booked_at: datetime | None,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    patient = visit.patient
    zone = ZoneInfo(patient.timezone)
    if booked_at is not None and booked_at.tzinfo is None:
        booked_at = booked_at.replace(tzinfo=zone)
    day = booked_at.astimezone(zone).date() if booked_at else date or visit.date
    if date is not None and date != day:
        raise RuleViolation("booked_at", booked_at, f"is not on {date} where the patient lives")
    old = VisitStatus(visit.status)
    told = (visit.date, visit.booked_at or _clinic_hour(patient, visit.date))
    if old not in OPEN:
        check_status(old, VisitStatus.BOOKED, reason)
        visit.status = VisitStatus.PLANNED.value
    if visit.anchor:
        _take_plan_window(session, visit, now)
    else:
        visit.window_start = visit.window_end = day  # unscheduled: any day will do
    check_move(visit, day, reason)
    if booked_at is None:
        same = visit.booked_at.astimezone(zone).time() if visit.booked_at else None
        booked_at = local_instant(day, same, zone) if same else _clinic_hour(patient, day)
    for one in _appointment(session, visit):
        if one is not visit and not is_inside(one, day):
            continue  # it does not fit there: the plan gives it a day of its own
        before = {"status": old if one is visit else one.status, "date": one.date, "booked_at": one.booked_at}
        if one.date != day or old is not VisitStatus.BOOKED:
            one.confirmed_at = None
        one.status, one.date, one.booked_at = VisitStatus.BOOKED.value, day, booked_at
        one.completed_on, one.updated_at = None, now
        one.sequence += 1
        if reason:
            held.deviate(session, one, day, kind=held.MOVED_OUTSIDE, reason=reason, actor=actor, now=now)
        verb = "visit:move" if before["date"] != day else "visit:book"
        detail = {"before": before, "after": {"date": day, "booked_at": booked_at}, "reason": reason}
        audit.record(
            session, verb, actor=actor, now=now, subject_id=one.id, patient_id=patient.id, detail=detail
        )
    session.flush()
    held.plan_anchor(session, visit, day, reopened=old is VisitStatus.COMPLETED, actor=actor, now=now)
    calendar.refresh(session, patient, now=now)
    moved = {visit.code} if told != (day, booked_at) else set()
    calendar.remind(session, patient, moved=moved, now=now)


def _complete(
    session: Session, visit: Visit, day: Day, today: Day, *, reason: str, actor: str, now: datetime
) -> None:
    patient = visit.patient
    if day > today:
        raise RuleViolation("completed_on", day, "cannot be in the future")
    if visit.status != VisitStatus.COMPLETED:
        check_status(VisitStatus(visit.status), VisitStatus.COMPLETED, reason)
    if visit.status in OPEN:
        _take_plan_window(session, visit, now)
    if visit.anchor and not is_inside(visit, day) and not reason:
        words = f"is outside {visit.window_start} to {visit.window_end}: a reason makes it a deviation"
        raise RuleViolation("completed_on", day, words)
    anchor = held.dated_by(session, visit)
    members, writes = [one for one in _appointment(session, visit) if one is not visit], bulk.Writes(session)
    if anchor is not None and patient.status not in ENDED:
        anchors.commit(
            session, patient, anchor=anchor, date=day, reason=reason or f"{visit.code} took place", actor=actor,
            now=now,
        )  # fmt: skip
    else:
        held.complete(writes, visit, day, reason=reason, actor=actor, now=now)
    for one in members:
        if one.status in OPEN and (anchor is None or one.merged_into == visit.code):
            held.complete(writes, one, day, reason=reason, actor=actor, now=now)
    writes.flush()
    calendar.remind(session, patient, now=now)
    _end_study(session, [visit, *members], day, actor=actor, now=now)


def _end_study(session: Session, done: list[Visit], day: Day, *, actor: str, now: datetime) -> None:
    """The end-of-study visit ends the study for its patient."""
    from service.use_cases import patients

    patient = done[0].patient
    design = studies.design_for(session, patient)
    last = {one.code for one in design.encounters if one.ends_study}
    if patient.status not in ENDED and any(one.code in last for one in done):
        patients.set_status(
            session, patient, status="completed", on=day, reason="end-of-study visit", actor=actor, now=now
        )


def _set_status(
    session: Session, visit: Visit, wanted: VisitStatus, today: Day, *, reason: str, actor: str, now: datetime
) -> None:
    """Missed, cancelled, or planned again: the plan decides about the date then."""
    old = VisitStatus(visit.status)
    check_status(old, wanted, reason)
    if wanted is VisitStatus.MISSED and visit.date > today:
        raise RuleViolation("status", str(wanted), f"the visit is on {visit.date}: it is not missed yet")
    if wanted is old:
        return
    for one in [visit] if wanted is VisitStatus.CANCELLED else _appointment(session, visit):
        before = {"status": one.status, "date": one.date, "booked_at": one.booked_at}
        one.status, one.updated_at = wanted.value, now
        one.flags = []
        if wanted is VisitStatus.PLANNED:
            one.booked_at = one.confirmed_at = None
        one.sequence += 1
        audit.record(
            session, f"visit:{VERBS[wanted]}", actor=actor, now=now, subject_id=one.id, patient_id=one.patient_id,
            detail={"before": before, "reason": reason},
        )  # fmt: skip
    session.flush()
    if wanted is VisitStatus.MISSED:
        calendar.remind(session, visit.patient, now=now)
    else:
        held.unplan_anchor(session, visit)
        calendar.refresh(session, visit.patient, now=now)


VERBS = {VisitStatus.MISSED: "miss", VisitStatus.CANCELLED: "cancel", VisitStatus.PLANNED: "plan"}


def _appointment(session: Session, visit: Visit) -> list[Visit]:
    """The visit, and the open ones that are held with it. One that was merged into another is on its own
    from now.
    """
    visit.merged_into = None
    members = session.scalars(
        select(Visit).where(Visit.patient_id == visit.patient_id, Visit.merged_into == visit.code)
    )
    return [visit, *(one for one in members if one.status in OPEN)]


def _take_plan_window(session: Session, visit: Visit, now: datetime) -> None:
    """The window of today's plan: a visit that stayed when its plan moved is judged by the new one."""
    if not visit.anchor:
        return
    for plan in calendar.plan(session, visit.patient, now=now):
        if plan.code == visit.code:
            visit.window_start, visit.window_end = plan.window_start, plan.window_end
            visit.anchor, visit.projected, visit.flags = plan.anchor, plan.projected, []


def _clinic_hour(patient: Patient, day: Day) -> datetime:
    return local_instant(day, sites.clinic_hour(patient.site), patient.timezone)
