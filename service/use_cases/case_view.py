"""Everything the alert page shows about a case, in one read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import (
    Alert,
    AlertLog,
    AlertReport,
    AnchorDate,
    Observation,
    Patient,
    Reading,
    Site,
    Staff,
)
from service.use_cases import alerts, escalations, studies

READINGS, LABS = 6, 8
COUNTED_FROM = ("infusion_1", "atg_start", "enrolment")


@dataclass(frozen=True)
class Coming:
    """A rung still to come: who is paged at `at` if nobody takes the case."""

    at: datetime
    recipient: str
    people: tuple[Staff, ...]


@dataclass(frozen=True)
class Happened:
    """A line of the case's log with the person's name; `who` "" for the service itself."""

    at: datetime
    event: str
    who: str
    note: str


@dataclass(frozen=True)
class CaseView:
    """A case as the person on call needs it. `day` counts from the anchor `day_of`; None: no date is known.

    `told_before`: the study lets the alert page say what was reported before somebody takes the case."""

    alert: Alert
    patient: Patient
    site: Site
    owner: Staff | None
    reports: tuple[AlertReport, ...]
    readings: tuple[Reading, ...]
    labs: tuple[Observation, ...]
    happened: tuple[Happened, ...]
    coming: tuple[Coming, ...]
    day: int | None
    day_of: str
    told_before: bool


def of(session: Session, alert: Alert, *, now: datetime) -> CaseView:
    """The view of a case at `now`: newest readings and labs first, the log in its own order."""
    patient = alert.patient
    day, day_of = _study_day(session, patient, now)
    return CaseView(
        alert=alert,
        patient=patient,
        site=patient.site,
        owner=session.get(Staff, alert.acknowledged_by_id) if alert.acknowledged_by_id else None,
        reports=tuple(alerts.reports_of(session, alert)),
        readings=tuple(
            session.scalars(
                select(Reading)
                .where(Reading.patient_id == patient.id)
                .order_by(Reading.taken_at.desc(), Reading.id.desc())
                .limit(READINGS)
            )
        ),
        labs=_latest_labs(session, patient.id),
        happened=tuple(_happened(session, each) for each in alerts.log_of(session, alert)),
        coming=tuple(Coming(at, who, tuple(people)) for at, who, people in escalations.next_steps(session, alert, now)),
        day=day,
        day_of=day_of,
        told_before=studies.design_for(session, patient).settings.get("before_the_tap", "strict") == "report",
    )


def _latest_labs(session: Session, patient_id: int) -> tuple[Observation, ...]:
    rows = session.scalars(
        select(Observation)
        .where(Observation.patient_id == patient_id)
        .order_by(Observation.drawn_on.desc(), Observation.id.desc())
        .limit(200)
    ).all()
    corrected = {row.corrects_id for row in rows}
    newest: dict[str, Observation] = {}
    for row in rows:
        if row.id not in corrected:
            newest.setdefault(row.code, row)
    return tuple(list(newest.values())[:LABS])


def _study_day(session: Session, patient: Patient, now: datetime) -> tuple[int | None, str]:
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    dated = {
        row.name: row.actual_date
        for row in session.scalars(select(AnchorDate).where(AnchorDate.patient_id == patient.id))
        if row.actual_date is not None
    }
    dated.setdefault("enrolment", patient.enrolled_on)
    for name in COUNTED_FROM:
        if name in dated and dated[name] <= today:
            return (today - dated[name]).days, name
    return None, ""


def _happened(session: Session, line: AlertLog) -> Happened:
    kind, _, number = line.actor.partition(":")
    person = session.get(Staff, int(number)) if kind == "staff" and number.isdigit() else None
    return Happened(line.at, line.event, person.name if person else "", str(line.detail.get("note") or ""))
