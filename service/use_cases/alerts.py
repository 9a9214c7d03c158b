"""Alerts: opened or joined by a red report, climbed to by an amber task nobody saw, and everything done to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from service.db import as_json
from service.errors import NotFound
from service.models import Alert, AlertLog, AlertReport, EscalationRun, Patient, Task
from service.prepared import Prepared
from service.use_cases import audit, bulk, escalations, pages, rows, studies
from service.use_cases.case_acts import Ack, acknowledge, hand_over, note, outcome, pass_on, reopen
from service.use_cases.staff_replies import staff_text, voice_digit
from workflows import alerts as rules
from workflows import escalation
from workflows.alerts import AlertStatus, NoticeKind
from workflows.protocol import LEVELS, Level

SWEEPS = escalations.SWEEPS
page_failed = escalations.page_failed
HOLD = Prepared(select(Patient.id).where(Patient.id == bindparam("patient")).with_for_update(key_share=True))
OF_SOURCE = Prepared(select(AlertReport.alert_id).where(AlertReport.source == bindparam("source")))
OPEN_OF = Prepared(select(Alert.id).where(Alert.patient_id == bindparam("patient"), text("status <> 'closed'")))


def open_or_join(
    session: Session,
    patient: Patient,
    *,
    source: str,
    level: str,
    hits: Iterable[Any],
    reported_at: datetime,
    summary: Mapping[str, Any],
    now: datetime,
    inbound_id: int | None = None,
    reading_id: int | None = None,
    advise: bool = True,
) -> Alert:
    """A red report opens the patient's case, or joins the open one; the same `source` again changes nothing.

    Alert, ladder, first pages, the advice to the patient and the audit line are one transaction. `hits` are
    the triage rules that fired (their `rule_id` is kept), `summary` what was said, for the alert page. The
    ladder's clock starts `now`; `reported_at` is the time of the patient's words. `advise` False: the caller
    advises the patient itself.
    """
    # Two reports of one patient at once must not open two cases; the second waits here.
    HOLD.all(session, patient=patient.id)
    known = OF_SOURCE.first(session, source=source)
    if known is not None:
        return rows.get(session, Alert, known.alert_id)
    reported = Level(level)
    there = open_of(session, patient.id)
    held = None if there is None else escalations.locked(session, there.id)
    if held is None or held[0].status == AlertStatus.CLOSED:  # somebody closed it while this waited for it
        alert = _open(session, patient, reported, reported_at, now)
    else:
        alert = _join(session, *held, reported, now)
    rows.add(
        session, AlertReport, alert_id=alert.id, source=source, level=str(reported), rules=_rule_ids(hits),
        inbound_id=inbound_id, reading_id=reading_id, summary=as_json(summary), reported_at=reported_at,
        created_at=now,
    )  # fmt: skip
    template = escalations.policy_of(alert).advice
    if advise and template and reported is Level.RED:
        dedupe = f"alert:{alert.id}:advice:{source}"
        pages.advise(session, alert, patient, template, dedupe=dedupe, now=now, inbound_id=inbound_id)
    session.flush()
    return alert


def climb(session: Session, task: Task, *, now: datetime) -> Alert | None:
    """An amber task whose clock ran out unseen becomes a case, or joins the open one. None: it has no patient."""
    if task.patient_id is None:
        return None
    alert = open_or_join(
        session,
        rows.know(session, task, "patient", Patient),
        source=f"task:{task.id}",
        level=str(Level.AMBER),
        hits=task.rules,
        reported_at=task.created_at,
        summary={"task": task.kind, **task.detail},
        inbound_id=task.inbound_id,
        now=now,
        advise=False,
    )
    rows.change(session, task, alert_id=alert.id)
    return alert


def open_of(session: Session, patient_id: int) -> Alert | None:
    """The patient's one case that is not closed."""
    bulk.flush_of(session, Alert)
    found = OPEN_OF.first(session, patient=patient_id)
    return None if found is None else rows.get(session, Alert, found.id)


def has_open(session: Session, patient_id: int) -> bool:
    """Whether the patient has a case that is not closed."""
    bulk.flush_of(session, Alert)
    return OPEN_OF.first(session, patient=patient_id) is not None


def get(session: Session, alert_id: int) -> Alert:
    """NotFound where there is none."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise NotFound("no such case", field="id", value=alert_id)
    return alert


def listed(session: Session, *, site_id: int | None, status: str = "", limit: int = 100) -> list[Alert]:
    """Cases of a site (None: every site), newest first. `status` "" or "live" (not closed) or one of AlertStatus."""
    query = select(Alert).order_by(Alert.id.desc()).limit(limit)
    if site_id is not None:
        query = query.where(Alert.site_id == site_id)
    if status == "live":
        query = query.where(Alert.status != "closed")
    elif status:
        query = query.where(Alert.status == status)
    return list(session.scalars(query))


def log_of(session: Session, alert: Alert) -> list[AlertLog]:
    """What happened in this case, in order."""
    return list(session.scalars(select(AlertLog).where(AlertLog.alert_id == alert.id).order_by(AlertLog.id)))


def reports_of(session: Session, alert: Alert) -> list[AlertReport]:
    """What was said in this case, in order."""
    query = select(AlertReport).where(AlertReport.alert_id == alert.id).order_by(AlertReport.id)
    return list(session.scalars(query))


def _open(session: Session, patient: Patient, level: Level, reported_at: datetime, now: datetime) -> Alert:
    policy = studies.design_for(session, patient).policy(level)
    reach = escalations.reach(session, patient.site_id, policy, now)
    decision = _without_advice(escalation.open_case(level, policy, reach, now))
    number = rows.add(
        session, Alert, patient_id=patient.id, site_id=patient.site_id, case=pages.new_case_code(session, now),
        severity=str(level), policy=escalations.snapshot(policy), reported_at=reported_at, opened_at=now,
    )  # fmt: skip
    rows.add(session, EscalationRun, alert_id=number, started_at=now, due_at=now)
    alert, run = escalations.locked(session, number)
    escalations.apply(session, alert, run, decision, now=now)
    _audit(session, alert, "alert:open", level, now)
    return alert


def _join(session: Session, alert: Alert, run: EscalationRun, level: Level, now: datetime) -> Alert:
    if LEVELS.index(level) > LEVELS.index(Level(alert.severity)):
        alert.policy = escalations.snapshot(studies.design_for(session, alert.patient).policy(level))
    decision = rules.join(escalations.state_of(alert, run), level, escalations.policy_of(alert), now)
    lost = bool(decision.pages) and not pages.reachable(session, decision.pages)
    escalations.apply(session, alert, run, decision, now=now)
    _audit(session, alert, "alert:join", level, now)
    if lost:  # whoever has the case cannot be told: it is nobody's again, now
        again = rules.reopen(escalations.state_of(alert, run), now, "its owner cannot be paged")
        escalations.apply(session, alert, run, again, now=now)
    escalations.climb(session, alert, run, now=now)
    return alert


def _without_advice(decision: rules.Decision) -> rules.Decision:
    """Every report gets its own advice, a joining one too; so it is sent with the report, not with the opening."""
    kept = tuple(each for each in decision.notices if each.kind is not NoticeKind.ADVICE)
    return rules.Decision(decision.alert, decision.pages, kept, decision.log)


def _rule_ids(hits: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(str(getattr(hit, "rule_id", hit)) for hit in hits))


def _audit(session: Session, alert: Alert, action: str, level: Level, now: datetime) -> None:
    detail = {"case": alert.case, "level": str(level)}
    audit.record(
        session,
        action,
        actor=escalations.SYSTEM,
        now=now,
        subject_id=alert.id,
        patient_id=alert.patient_id,
        detail=detail,
    )


__all__: Sequence[str] = (
    "SWEEPS",
    "Ack",
    "acknowledge",
    "climb",
    "get",
    "hand_over",
    "listed",
    "log_of",
    "note",
    "open_of",
    "open_or_join",
    "outcome",
    "page_failed",
    "pass_on",
    "reopen",
    "reports_of",
    "staff_text",
    "voice_digit",
)
