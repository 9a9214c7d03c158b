"""A patient's calendar as rows: planned from the design and the anchors, re-planned without losing
anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from service.models import AnchorDate, CalendarRevision, Patient, StudyVersion, Visit
from service.use_cases import (
    calendar_reminders,
    calendar_rows,
    calendar_stops,
    conflicts,
    occasions,
    sites,
    studies,
)
from service.use_cases.calendar_rows import ENDED, NOT_PLANNED
from workflows import anchors as anchor_rules
from workflows.closed_days import ClosedDays
from workflows.enrolment import PatientStatus
from workflows.protocol import DayRef, StudyDesign
from workflows.replanning import Diff, ExistingVisit
from workflows.visit_calendar import PlannedVisit, plan_visits, replan
from workflows.visits import VisitStatus

OPEN = (VisitStatus.PLANNED.value, VisitStatus.BOOKED.value)
# Put together once: building a statement costs more than the database takes to answer it.
LOCKED = (
    select(Patient, StudyVersion.sha256)
    .join(Patient.study_version)
    .where(Patient.id == bindparam("patient"))
    .options(joinedload(Patient.site, innerjoin=True))
    .with_for_update(key_share=True, of=Patient)
    .execution_options(populate_existing=True)
)
VISITS = select(Visit).where(Visit.patient_id == bindparam("patient")).order_by(Visit.date, Visit.id)
ANCHORS = select(AnchorDate).where(AnchorDate.patient_id == bindparam("patient"))


def lock(session: Session, patient: Patient) -> None:
    """Take the patient's row for this transaction, as it is now: two changes of one calendar follow each
    other.
    """
    found, digest = session.execute(LOCKED, {"patient": patient.id}).one()
    studies.remember(session, found.study_version_id, digest)


def recorded(
    session: Session,
    patient: Patient,
    *,
    design: StudyDesign | None = None,
    visits: Sequence[Visit] | None = None,
    rows: Iterable[AnchorDate] | None = None,
) -> dict[str, anchor_rules.AnchorDate]:
    """The anchors that have dates of their own, and those whose visit was cancelled: they are skipped.

    `design`, `visits` and `rows` are the patient's own, where the caller has them in hand.
    """
    if rows is None:
        rows = anchor_rows(session, patient)
    found = {row.name: as_rule(row) for row in rows}
    given_up = cancelled_by_hand(visits_of(session, patient) if visits is None else visits)
    for anchor in (design or studies.design_for(session, patient)).anchors if given_up else ():
        own = found.get(anchor.name)
        if anchor.recorded_by in given_up and (own is None or own.actual is None):
            found[anchor.name] = anchor_rules.AnchorDate(anchor.name, skipped=True)
    return found


def anchor_rows(session: Session, patient: Patient) -> list[AnchorDate]:
    """The anchors with dates of their own, as they are stored."""
    return list(session.scalars(ANCHORS, {"patient": patient.id}))


def cancelled_by_hand(visits: Sequence[Visit]) -> frozenset[str]:
    """Codes that a person cancelled: planning leaves them out. What planning itself cancelled may come
    back.
    """
    cancelled = (visit for visit in visits if visit.status == VisitStatus.CANCELLED)
    return frozenset(visit.code for visit in cancelled if not is_left_by_plan(visit))


def is_left_by_plan(visit: Visit) -> bool:
    """Whether the visit was cancelled because the plan no longer had it, or the patient had left."""
    return visit.status == VisitStatus.CANCELLED and bool({NOT_PLANNED, ENDED} & set(visit.flags))


def as_rule(row: AnchorDate) -> anchor_rules.AnchorDate:
    """A stored anchor as the rules take it."""
    at = datetime.strptime(row.actual_time, "%H:%M").time() if row.actual_time else None
    return anchor_rules.AnchorDate(row.name, planned=row.planned_date, actual=row.actual_date, actual_time=at)


def anchor_dates(session: Session, patient: Patient) -> dict[str, anchor_rules.AnchorDate]:
    """Every anchor of the design: recorded where it is, else projected."""
    design = studies.design_for(session, patient)
    return anchor_rules.resolve_anchors(design, recorded(session, patient), patient.timezone)


def day_of(session: Session, patient: Patient, ref: DayRef) -> date | None:
    """The local day that `ref` means for this patient; None while its anchor has no date."""
    return anchor_rules.day_of(anchor_dates(session, patient), ref)


def visits_of(session: Session, patient: Patient) -> list[Visit]:
    """Every visit, by date and code."""
    return list(session.scalars(VISITS, {"patient": patient.id}))


def plan(
    session: Session,
    patient: Patient,
    *,
    now: datetime,
    design: StudyDesign | None = None,
    visits: Sequence[Visit] | None = None,
    known: dict[str, anchor_rules.AnchorDate] | None = None,
) -> tuple[PlannedVisit, ...]:
    """What the calendar should be now. `design` in place of the patient's own, for the preview of an
    amendment; `known` as `recorded` gives it.
    """
    there = visits_of(session, patient) if visits is None else visits
    used = design or studies.design_for(session, patient)
    return plan_visits(
        used,
        recorded(session, patient, design=used, visits=there) if known is None else known,
        patient.timezone,
        closed_days(used, patient),
        without=cancelled_by_hand(there),
        today=now.astimezone(ZoneInfo(patient.timezone)).date(),
    )


def closed_days(design: StudyDesign, patient: Patient) -> ClosedDays:
    """The days on which the patient's site is closed: its own, its country's, and the study's."""
    of_site, rule = sites.closed_days(patient.site), design.closed_days
    if rule is None:
        return of_site
    return replace(of_site, weekends=rule.weekends, extra=of_site.extra | frozenset(rule.extra))


def difference(
    session: Session,
    patient: Patient,
    *,
    now: datetime,
    design: StudyDesign | None = None,
    visits: Sequence[Visit] | None = None,
    known: dict[str, anchor_rules.AnchorDate] | None = None,
) -> Diff:
    """What planning anew would do to the rows; nothing is changed."""
    used = design or studies.design_for(session, patient)
    there = visits_of(session, patient) if visits is None else visits
    ends = frozenset(encounter.code for encounter in used.encounters if encounter.ends_study)
    existing = [as_existing(visit, ends) for visit in there if not is_left_by_plan(visit)]
    wanted = plan(session, patient, now=now, design=used, visits=there, known=known)
    return replan(existing, wanted, today=now.astimezone(ZoneInfo(patient.timezone)).date())


def as_existing(visit: Visit, ends: frozenset[str]) -> ExistingVisit:
    """A row as the rules take it; `ends` are the codes that end the study."""
    return ExistingVisit(
        code=visit.code,
        date=visit.date,
        window_start=visit.window_start,
        window_end=visit.window_end,
        status=VisitStatus(visit.status),
        projected=visit.projected,
        merged_into=visit.merged_into,
        flags=tuple(visit.flags),
        anchor=visit.anchor,
        scheduled=visit.anchor != "",
        ends_study=visit.code in ends,
    )


def refresh(
    session: Session,
    patient: Patient,
    *,
    now: datetime,
    settle: Callable[[], None] | None = None,
    visits: Sequence[Visit] | None = None,
    known: dict[str, anchor_rules.AnchorDate] | None = None,
) -> dict[str, Any]:
    """Plan anew and bring visits, reminders and questionnaires in line; the diff of design 6.

    Visits keep their identity and their rows; what is no longer planned is cancelled, not deleted, and
    comes back as the same row. A patient who has left has nothing planned. `settle` is called between
    visits and reminders. `visits` (all of the patient's) and `known` (as `recorded` gives it), where the
    caller has them in hand.
    """
    if patient.status != PatientStatus.ENROLLED:
        return as_dict(Diff()) | {"messages_cancelled": 0, "messages_retimed": 0, "conflicts": []}
    design = studies.design_for(session, patient)
    there = visits_of(session, patient) if visits is None else visits
    is_first = not there  # nothing has been planned: there is nothing else to compare with
    if known is None:
        known = recorded(session, patient, design=design, visits=there)
    with session.no_autoflush:  # what changed row by row is written in one go, at the end
        diff = difference(session, patient, now=now, design=design, visits=there, known=known)
        calendar_rows.apply(session, patient, diff, {visit.code: visit for visit in there}, now=now)
        calendar_rows.rename(design, there, now=now)
        if settle is not None:
            settle()
        if diff.added:
            there = visits_of(session, patient)
        anchors = anchor_rules.resolve_anchors(design, known, patient.timezone)
        moved = {one.code for one in diff.moved}
        reminders = calendar_reminders.sync(
            session, patient, moved=moved, now=now, visits=there, anchors=anchors, is_first=is_first
        )
        questions = occasions.plan(session, patient, now=now, anchors=anchors, is_first=is_first)
        calendar_stops.sync(session, patient, now=now, anchors=anchors, is_first=is_first)
    patient.revision += 1
    shown = as_dict(diff)
    return shown | {
        "messages_cancelled": reminders["cancelled"] + questions.get("cancelled", 0),
        "messages_retimed": reminders["retimed"] + questions.get("retimed", 0),
        "conflicts": conflicts.after(session, patient, there, shown, now=now),
    }


def as_dict(diff: Diff) -> dict[str, Any]:
    """The diff as the API and the preview show it; dates as ISO text."""
    return {
        "moved": [
            {"code": one.code, "from": one.from_date.isoformat(), "to": one.to_date.isoformat()}
            for one in diff.moved
        ],
        "unchanged": list(diff.unchanged),
        "flagged": [{"code": one.code, "why": one.why} for one in diff.flagged],
        "added": [one.code for one in diff.added],
        "removed": list(diff.removed),
        "late": list(diff.late),
    }


def end(session: Session, patient: Patient, *, reason: str, now: datetime) -> None:
    """The patient has left: open visits and what reminds of them are cancelled."""
    for visit in visits_of(session, patient):
        if visit.status in OPEN:
            visit.status, visit.updated_at = VisitStatus.CANCELLED.value, now
            visit.flags = [*visit.flags, ENDED]
            visit.sequence += 1
    calendar_reminders.cancel_all(session, patient, reason=reason)
    calendar_stops.cancel_all(session, patient, reason=reason, now=now)


def as_rows(session: Session, patient: Patient) -> list[dict[str, Any]]:
    """The calendar as design 6 has it, with each visit's id, status, booking, completion and etag."""
    rows = []
    for visit in visits_of(session, patient):
        if visit.status == VisitStatus.CANCELLED and NOT_PLANNED in visit.flags:
            continue
        rows.append(
            {
                "id": visit.id,
                "code": visit.code,
                "label": visit.label.get("en") or next(iter(visit.label.values()), visit.code),
                "anchor": visit.anchor,
                "date": visit.date.isoformat(),
                "window_start": visit.window_start.isoformat(),
                "window_end": visit.window_end.isoformat(),
                "projected": visit.projected,
                "merged_into": visit.merged_into,
                "flags": list(visit.flags),
                "status": visit.status,
                "booked_at": visit.booked_at.isoformat() if visit.booked_at else None,
                "completed_on": visit.completed_on.isoformat() if visit.completed_on else None,
                "etag": f'"{visit.version_id}"',
            }
        )
    return rows


def last_revision(session: Session, patient: Patient) -> CalendarRevision | None:
    """The newest change of the calendar that was not taken back; None where there is none."""
    return session.scalars(
        select(CalendarRevision)
        .where(CalendarRevision.patient_id == patient.id, CalendarRevision.undone_at.is_(None))
        .order_by(CalendarRevision.number.desc())
        .limit(1)
    ).first()
