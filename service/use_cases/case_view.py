"""Everything the alert page shows about a case, in one read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import (
    Alert,
    AlertReport,
    AnchorDate,
    Message,
    Observation,
    Page,
    Patient,
    Reading,
    Site,
    Staff,
)
from service.use_cases import alerts, escalations, studies

READINGS, LABS = 6, 8
CLIMBS = ("step", "repeat", "exhausted", "owner_repaged", "handed_over")
COUNTED_FROM = ("infusion_1", "atg_start", "enrolment")


@dataclass(frozen=True)
class Coming:
    """A rung still to come: who is paged at `at` if nobody takes the case."""

    at: datetime
    recipient: str
    people: tuple[Staff, ...]


@dataclass(frozen=True)
class Paged:
    """One person that a rung paged: (channel, status of its message) of each page."""

    name: str
    ways: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Happened:
    """A line of the case's log with the person's name; `who` "" for the service itself. `paged`: whom this rung paged,
    each with the channels, and what has become of the messages that is worth knowing at night (it did not arrive)."""

    at: datetime
    event: str
    who: str
    note: str
    paged: tuple[Paged, ...] = ()


@dataclass(frozen=True)
class CaseView:
    """A case as the person on call needs it. `day` counts from the anchor `day_of`; None: no date is known.

    `minutes` since the patient's words. `told_before`: the study lets the alert page say what was reported before
    somebody takes the case."""

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
    minutes: int


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
        happened=_happened(session, alert),
        coming=tuple(Coming(at, who, tuple(people)) for at, who, people in escalations.next_steps(session, alert, now)),
        day=day,
        day_of=day_of,
        told_before=studies.design_for(session, patient).settings.get("before_the_tap", "strict") == "report",
        minutes=max(0, int((now - alert.reported_at).total_seconds() // 60)),
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


def _happened(session: Session, alert: Alert) -> tuple[Happened, ...]:
    log = alerts.log_of(session, alert)
    numbers = {int(line.actor.partition(":")[2]) for line in log if line.actor.startswith("staff:")}
    names = {one.id: one.name for one in session.scalars(select(Staff).where(Staff.id.in_(numbers)))}
    paged = _paged(session, alert)
    return tuple(
        Happened(
            line.at,
            line.event,
            names.get(int(line.actor.partition(":")[2]), "") if line.actor.startswith("staff:") else "",
            str(line.detail.get("note") or ""),
            paged.get((line.detail.get("loop"), line.detail.get("step")), ()) if line.event in CLIMBS else (),
        )
        for line in log
    )


def _paged(session: Session, alert: Alert) -> dict[tuple[Any, Any], tuple[Paged, ...]]:
    """(loop, step) -> whom that rung paged."""
    rungs: dict[tuple[Any, Any], dict[str, list[tuple[str, str]]]] = {}
    rows = session.execute(
        select(Page.loop, Page.step, Staff.name, Page.channel, Message.status)
        .join(Staff, Staff.id == Page.staff_id)
        .outerjoin(Message, Message.id == Page.message_id)
        .where(Page.alert_id == alert.id)
        .order_by(Page.id)
    )
    for loop, step, name, channel, status in rows:
        rungs.setdefault((loop, step), {}).setdefault(name, []).append((channel, status or ""))
    return {key: tuple(Paged(name, tuple(ways)) for name, ways in people.items()) for key, people in rungs.items()}
