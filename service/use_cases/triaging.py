"""What follows from a triage result: hits are kept, red opens a case, amber a task, a watch starts its
timers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from service.models import Alert, Occasion, Patient, Timer, TriageHit
from service.prepared import Prepared
from service.use_cases import alerts, bulk, outbox, rows, studies, tasks
from workflows.facts import Facts
from workflows.protocol import Level
from workflows.triage import DEFAULT_TASK, Hit, TriageResult, triage

RECHECK, RECHECK_SILENCE = "recheck", "recheck_silence"
FEVER_SILENCE, HELP_SILENCE = "fever_silence", "help_silence"
ADVICE_CHECK, ADVICE_SILENCE = "advice_check", "advice_silence"
RUNNING = Prepared(
    select(Timer.id, Timer.kind)
    .where(Timer.patient_id == bindparam("patient"), Timer.done_at.is_(None))
    .order_by(Timer.id)
)
# Timers that a temperature answers.
WAIT_FOR_READING = (RECHECK, RECHECK_SILENCE, FEVER_SILENCE, HELP_SILENCE)


def follow(
    session: Session,
    patient: Patient,
    result: TriageResult,
    fresh: Sequence[Hit],
    *,
    key: str,
    reported_at: datetime,
    summary: Mapping[str, Any],
    now: datetime,
    occasion: Occasion | None = None,
    reading_id: int | None = None,
    response_id: int | None = None,
    inbound_id: int | None = None,
) -> None:
    """Act on the hits that this report brought (`fresh`). `key` names the report; `occasion` is its form, if
    any.
    """
    if not fresh:
        return
    alert: Alert | None = None
    if any(hit.level is Level.RED for hit in fresh):
        alert = alerts.open_or_join(
            session, patient, source=key, level=Level.RED.value, hits=result.hits, reported_at=reported_at,
            inbound_id=inbound_id, reading_id=reading_id, summary=summary, now=now,
        )  # fmt: skip
        _check_advice(session, patient, alert, now=now)
    keep(
        session, patient, fresh, now=now, response_id=response_id, reading_id=reading_id,
        inbound_id=inbound_id, occasion_id=occasion.id if occasion else None, alert_id=alert.id if alert else None,
    )  # fmt: skip
    if result.level is Level.AMBER:
        _amber(
            session, patient, result, fresh, key=key, summary=summary, now=now, inbound_id=inbound_id,
            occasion=occasion,
        )  # fmt: skip


def raise_red(
    session: Session,
    patient: Patient,
    fact: str,
    *,
    source: str,
    reported_at: datetime,
    summary: Mapping[str, Any],
    now: datetime,
    inbound_id: int | None = None,
    advise: bool = True,
) -> Alert:
    """A red report for what happened, not for what was answered: `fact` is the field of `Facts` that is true.

    The study's rules on that fact are its hits; a study that has none gets the case all the same.
    """
    rules = studies.design_for(session, patient).triage
    hits = triage(rules, Facts(now=reported_at, **{fact: True})).hits  # type: ignore[arg-type]
    alert = alerts.open_or_join(
        session, patient, source=source, level=Level.RED.value, hits=hits, reported_at=reported_at,
        summary=summary, inbound_id=inbound_id, now=now, advise=advise,
    )  # fmt: skip
    keep(session, patient, hits, now=now, inbound_id=inbound_id, alert_id=alert.id)
    return alert


def keep(session: Session, patient: Patient, hits: Sequence[Hit], *, now: datetime, **of: int | None) -> None:
    """The rules that fired, as rows; `of` says what they fired on."""
    for hit in hits:
        rows.add(
            session, TriageHit, patient_id=patient.id, rule_id=hit.rule_id, rule_version=hit.version,
            level=str(hit.level), findings=[asdict(one) for one in hit.findings], created_at=now, **of,
        )  # fmt: skip


def news(combined: TriageResult, before: TriageResult, alone: TriageResult) -> tuple[Hit, ...]:
    """The hits that a report brought: those it has by itself, and those that were not there before it.

    The answers of a form come one by one and are triaged together each time; a rule acts once.
    """
    own = set(alone.rules)
    old = {(hit.rule_id, hit.findings) for hit in before.hits}
    return tuple(hit for hit in combined.hits if hit.rule_id in own or (hit.rule_id, hit.findings) not in old)


def _amber(
    session: Session,
    patient: Patient,
    result: TriageResult,
    fresh: Sequence[Hit],
    *,
    key: str,
    summary: Mapping[str, Any],
    now: datetime,
    inbound_id: int | None,
    occasion: Occasion | None,
) -> None:
    cause = f"occasion:{occasion.id}" if occasion else key
    rules = {hit.rule_id for hit in fresh}
    watch = [rule for rule in studies.design_for(session, patient).triage if rule.id in rules]
    wanted = {rule.task or DEFAULT_TASK for rule in watch if rule.level is Level.AMBER}
    for kind in (kind for kind in result.tasks if kind in wanted):
        tasks.open_task(
            session, kind=kind, level=Level.AMBER.value, now=now, patient=patient, rules=result.rules,
            dedupe=f"triage:{kind}:{cause}", detail=_told(result, summary), inbound_id=inbound_id,
        )  # fmt: skip
    occasion_id = occasion.id if occasion else None
    if result.recheck_minutes and any(rule.recheck_minutes for rule in watch):
        # Asked again once: a watch that is running is not started anew by its own second reading.
        if waiting(session, patient, RECHECK_SILENCE) or _asked_again(session, patient, now):
            return
        wait(session, patient, RECHECK, minutes=result.recheck_minutes, now=now, occasion=occasion_id)
    if result.silence_minutes and any(rule.silence_minutes for rule in watch):
        kind = RECHECK_SILENCE
        if result.ask:
            kind = FEVER_SILENCE if summary.get("fever") else HELP_SILENCE
        wait(
            session, patient, kind, minutes=result.silence_minutes, now=now, occasion=occasion_id,
            level=str(result.silence_level), rules=sorted(rule.id for rule in watch if rule.silence_minutes),
            inbound=inbound_id,
        )  # fmt: skip
    if result.ask:
        outbox.enqueue(
            session, now=now, kind="safety", template=result.ask, patient=patient, dedupe=f"ask:{result.ask}:{key}",
            inbound_id=inbound_id,
        )  # fmt: skip


def _told(result: TriageResult, summary: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hits": [
            {"rule": hit.rule_id, "version": hit.version, "findings": [asdict(one) for one in hit.findings]}
            for hit in result.hits
        ],
        **{k: v for k, v in summary.items() if v},
    }


def _asked_again(session: Session, patient: Patient, now: datetime) -> bool:
    """Whether the temperature was asked again within the last day already."""
    query = select(Timer.id).where(
        Timer.patient_id == patient.id, Timer.kind == RECHECK, Timer.created_at > now - timedelta(hours=12)
    )
    return session.scalars(query.limit(1)).first() is not None


def _check_advice(session: Session, patient: Patient, alert: Alert, *, now: datetime) -> None:
    """After an advice to go in: did the patient get there?"""
    minutes = studies.design_for(session, patient).settings.get("advice_check_minutes")
    if (
        isinstance(minutes, int)
        and minutes > 0
        and not waiting(session, patient, ADVICE_CHECK, ADVICE_SILENCE)
    ):
        wait(session, patient, ADVICE_CHECK, minutes=minutes, now=now, alert=alert.id)


def wait(
    session: Session, patient: Patient, kind: str, *, minutes: int, now: datetime, **detail: Any
) -> Timer:
    """A timer: `kind` is due in so many minutes."""
    timer = Timer(
        patient_id=patient.id,
        kind=kind,
        due_at=now + timedelta(minutes=minutes),
        detail=detail,
        created_at=now,
    )
    session.add(timer)
    session.flush()
    return timer


def waiting(session: Session, patient: Patient, *kinds: str) -> list[Timer]:
    """The patient's timers of these kinds that still run."""
    bulk.flush_of(session, Timer)
    running = RUNNING.all(session, patient=patient.id)
    return [rows.get(session, Timer, number) for number, kind in running if kind in kinds]


def settle(session: Session, patient: Patient, *kinds: str, reason: str, now: datetime) -> list[Timer]:
    """End the timers of these kinds; those that ended."""
    ended = waiting(session, patient, *kinds)
    for timer in ended:
        timer.done_at, timer.reason = now, reason
    return ended
