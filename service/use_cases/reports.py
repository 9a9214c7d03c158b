"""One report of a patient: what was answered and what else the words say. Stored, triaged and acted on at
once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.models import Inbound, Occasion, Patient, Response
from service.use_cases import audit, occasions, patient_facts, readings, rows, studies, triaging
from service.use_cases.patient_facts import Given, Known
from service.use_cases.readings import Kept, Taken
from workflows.answers import Answer
from workflows.ear import Heard
from workflows.protocol import LEVELS, Level, Questionnaire
from workflows.questionnaires import SITE_ITEM
from workflows.questionnaires import next_item as next_question
from workflows.triage import Hit, triage


@dataclass(frozen=True)
class Outcome:
    """What came of a report. `hits` are new ones; `done`: nothing more is asked; `next_item` is an item's
    key; `kept` and `taken` are the answers and the temperatures that it stored.
    """

    level: Level
    hits: tuple[Hit, ...] = ()
    done: bool = False
    next_item: str | None = None
    ask: str = ""
    kept: tuple[Kept, ...] = field(default=(), compare=False)
    taken: tuple[Taken, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Source:
    """Where words came from, and when: by the phone's clock, the carrier's, and ours."""

    channel: str
    typed_by: str = "patient"
    phone_at: datetime | None = None
    carrier_at: datetime | None = None
    client_id: str | None = None
    inbound: Inbound | None = None

    def said_at(self, now: datetime) -> datetime:
        """The time of the words; a clock that runs ahead of ours is not believed."""
        return min(self.phone_at or self.carrier_at or now, now)


def report(
    session: Session,
    patient: Patient,
    form: Questionnaire,
    answers: Mapping[str, Answer],
    source: Source,
    *,
    now: datetime,
    occasion: Occasion | None = None,
    heard: Heard | None = None,
    corrects: int | None = None,
    reason: str | None = None,
    known: Known | None = None,
) -> Outcome:
    """One report: answers to a form (maybe none), and what else the words say. Stored, triaged, acted on.

    `known`: what the text found, where the caller has asked.
    """
    at = source.said_at(now)
    inbound_id = source.inbound.id if source.inbound else None
    context = occasion or patient_facts.latest_occasion(session, patient, at=at)
    context_form = form if occasion else patient_facts.daily_form(session, patient)
    found = known is not None and context is not None and context is known.occasion
    before = known.given if known and found else patient_facts.answers_of(session, context, context_form)
    behind = known.behind if known else patient_facts.background(session, patient, at=at)
    prior = readings.reading_of(session, context) if before.begun else None
    kept = _store(session, patient, form, answers, source, occasion, before, corrects, reason, now)
    taken = readings.record(session, patient, kept, at, inbound_id=inbound_id, reason=reason, now=now)
    if taken:
        triaging.settle(session, patient, *triaging.WAIT_FOR_READING, reason="a temperature came", now=now)
    elif occasion is not None:
        told = readings.with_site(session, patient, kept, occasion, inbound_id=inbound_id, now=now)
        taken = (told,) if told else ()
    reading = taken[-1] if taken else None
    own = {key: answer.value for key, answer in answers.items()}
    values = {**before.values, **own}
    current = reading or prior
    facts = patient_facts.gather(
        session, patient, at=at, questionnaire=context_form, answers=values, reading=current, heard=heard,
        behind=behind.with_taken(taken),
    )  # fmt: skip
    rules = studies.design_for(session, patient).triage
    result = triage(rules, facts)
    hits: tuple[Hit, ...] = ()
    if result.hits:
        hits = triaging.news(
            result,
            triage(rules, patient_facts.without(facts, context_form, before.values, prior)),
            triage(rules, patient_facts.alone(facts, context_form, own, reading, heard)),
        )
    triaging.follow(
        session, patient, result, hits, key=_key(patient, source, kept), reported_at=at,
        summary=_summary(answers, heard, current, source), now=now, occasion=occasion,
        reading_id=current.id if current else None, response_id=kept[-1].id if kept else None, inbound_id=inbound_id,
    )  # fmt: skip
    if kept:
        audit.record(
            session, "response:record", actor=_actor(patient, source), now=now, patient_id=patient.id,
            subject_id=kept[-1].id, detail={"items": sorted(answers), "channel": source.channel, "corrects": corrects},
        )  # fmt: skip
    if occasion is None:
        return Outcome(_worst(hits), hits, done=True, ask=result.ask if hits else "", kept=kept, taken=taken)
    red = result.level is Level.RED
    item = None if red else next_question(form, values, facts)
    if occasion.status in (occasions.OPEN, occasions.LATE):
        if red:
            occasions.stop_asking(session, occasion, reason="a red answer", now=now)
        elif item is None:
            occasions.finish(session, occasion, now=now)
        elif occasion.item is not None:
            occasions.ask(session, occasion, item.key)
    return Outcome(
        result.level,
        hits,
        done=item is None,
        next_item=item.key if item else None,
        ask=result.ask,
        kept=kept,
        taken=taken,
    )


def _worst(hits: tuple[Hit, ...]) -> Level:
    return max((hit.level for hit in hits), key=LEVELS.index, default=Level.NOTHING)


def _older(before: Given, key: str, occasion: Occasion | None) -> int | None:
    """An answer given twice in a form replaces the first one."""
    row = before.rows.get(key) if occasion is not None else None
    return None if row is None else row.id


def _store(
    session: Session,
    patient: Patient,
    form: Questionnaire,
    answers: Mapping[str, Answer],
    source: Source,
    occasion: Occasion | None,
    before: Given,
    corrects: int | None,
    reason: str | None,
    now: datetime,
) -> tuple[Kept, ...]:
    """The answers of one text are one statement."""
    older = {key: corrects or _older(before, key, occasion) for key in answers}
    ids = rows.add_all(
        session,
        Response,
        "item",
        [
            {
                "patient_id": patient.id,
                "occasion_id": occasion.id if occasion else None,
                "inbound_id": source.inbound.id if source.inbound else None,
                "questionnaire": form.key if occasion else None,
                "item": key,
                "value": {"value": _as_stored(answer.value)},
                "raw": answer.raw,
                "channel": source.channel,
                "typed_by": source.typed_by,
                "phone_at": source.phone_at,
                "carrier_at": source.carrier_at,
                "received_at": now,
                "corrects_id": older[key],
                "reason": reason,
                "client_id": f"{source.client_id}:{key}" if source.client_id else None,
            }
            for key, answer in answers.items()
        ],
    )
    if SITE_ITEM in answers:
        patient.temp_site = str(answers[SITE_ITEM].value)
    return tuple(Kept(ids[key], key, answer, older[key]) for key, answer in answers.items())


def _as_stored(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return None if value is None else str(value)


def _key(patient: Patient, source: Source, kept: Sequence[Kept]) -> str:
    """What names this report: a case has each report once. One text may be two patients' report, one after
    the other.
    """
    if source.inbound is not None:
        return f"inbound:{source.inbound.id}:{patient.id}"
    return f"response:{kept[-1].id if kept else 0}"


def _summary(
    answers: Mapping[str, Answer], heard: Heard | None, reading: Taken | None, source: Source
) -> dict[str, Any]:
    """What the person on call is shown, in the patient's own words first."""
    said = source.inbound.body if source.inbound is not None else ""
    signs = sorted(heard.signs) if heard else []
    return {
        "text": said,
        "temperature": {"celsius": reading.celsius, "site": reading.site} if reading else None,
        "answers": {key: answer.raw for key, answer in answers.items()},
        "heard": sorted({*signs, *(heard.red_words if heard else ())}),
        "fever": bool(heard and heard.fever_without_number),
        "channel": source.channel,
    }


def _actor(patient: Patient, source: Source) -> str:
    return f"patient:{patient.id}" if source.typed_by == "patient" else source.typed_by


def report_for_one_of(
    session: Session, patient: Patient, heard: Heard, source: Source, *, codes: list[str], now: datetime
) -> None:
    """Distress that belongs to one of several people: a red case at once for the first, which names them all.

    Nothing is stored as the patient's own answer, for it may not be theirs.
    """
    triaging.raise_red(
        session, patient, "one_of_several", source=_key(patient, source, ()),
        reported_at=source.said_at(now), inbound_id=source.inbound.id if source.inbound else None,
        summary={**_summary({}, heard, None, source), "one_of": codes, "celsius": str(heard.highest or "")}, now=now,
    )  # fmt: skip
