"""Silence is a signal: unanswered questions become tasks, and unseen tasks climb."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Occasion, Patient, TriageHit
from service.use_cases import calendar, occasions, studies, tasks
from workflows.findings import Finding
from workflows.occasions import OccasionStatus
from workflows.silence import silence_due

LOOK_BACK = timedelta(days=7)


def check(session: Session, patient: Patient, *, now: datetime) -> int:
    """Open a task for each rule of silence that has fired and has none yet; how many rules have fired."""
    design = studies.design_for(session, patient)
    if not design.silence:
        return 0
    rows = session.scalars(
        select(Occasion).where(
            Occasion.patient_id == patient.id,
            Occasion.opens_at >= now - LOOK_BACK,
            Occasion.opens_at <= now,
            Occasion.status != OccasionStatus.UPCOMING.value,
        )
    )
    asked = [occasions.as_asked(session, patient, row) for row in rows]
    dates = {
        name: one.date for name, one in calendar.anchor_dates(session, patient).items() if one.date is not None
    }
    newest = max((one.for_date for one in asked), default=None)
    fired = [one for one in silence_due(design.silence, asked, dates, now) if one.for_dates[-1] == newest]
    for one in fired:
        dedupe = f"silence:{patient.id}:{one.rule_id}:{one.for_dates[-1]}"
        before = tasks.find(session, dedupe)
        if before is not None:
            continue
        session.add(
            TriageHit(
                patient_id=patient.id, rule_id=one.rule_id, rule_version=one.version, level=str(one.level),
                findings=[asdict(Finding("silence", " ".join(map(str, one.for_dates))))], created_at=now,
            )
        )  # fmt: skip
        tasks.open_task(
            session, kind=one.task, level=str(one.level), now=now, patient=patient, rules=(one.rule_id,),
            dedupe=dedupe, detail={"days": [day.isoformat() for day in one.for_dates]},
        )  # fmt: skip
    return len(fired)
