"""What a patient typed on a page or in an app and no question could read: kept in the patient's words, heard as a text
message is, and given to a human.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.models import Inbound, Occasion, Patient
from service.use_cases import inbox, occasions, patient_facts, reports, responses, tasks
from service.use_cases.conversation import A_SENTENCE, TEMP, read_by, temperature_in
from service.use_cases.reports import Outcome, Source
from workflows.answers import Wrong
from workflows.ear import FEVER_FROM, LOW_BELOW, Heard, hear
from workflows.occasions import ANSWERABLE
from workflows.protocol import LEVELS, Level, Questionnaire
from workflows.words import plain, words_of


def sort_out(
    patient: Patient, form: Questionnaire, answers: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The answers that can be read, and the words of the others. RuleViolation for an item that the form has not."""
    wrong = {
        key: responses.as_typed(value)
        for key, value in answers.items()
        if isinstance(responses.read(form, key, value, patient.language), Wrong)
    }
    return {key: value for key, value in answers.items() if key not in wrong}, wrong


def keep(
    session: Session,
    patient: Patient,
    form: Questionnaire,
    texts: Mapping[str, str],
    source: Source,
    *,
    occasion: Occasion | None,
    now: datetime,
    explained: bool = False,
) -> Level:
    """Keep the words for each item; what the rules made of them.

    Distress in them acts at once; the rest is a human's task. `explained`: the patient is told in the same moment, and
    only a second such answer, or whole sentences, need a human. The same words with the same `client_id` are kept once.
    """
    level = Level.NOTHING
    patient_facts.hold(session, patient, occasion)
    for key, text in texts.items():
        inbound = _store(session, patient, key, text, source, occasion, now=now)
        if inbound is None:
            continue
        outcome = _hear(session, patient, form, text, source, inbound, occasion, now=now)
        level = max(level, outcome.level if outcome else Level.NOTHING, key=LEVELS.index)
        first = explained and occasion is not None and occasion.explained == 0
        if occasion is not None:
            occasion.explained += 1
        if not (outcome and outcome.hits) and (not first or len(words_of(plain(text))) >= A_SENTENCE):
            tasks.open_task(
                session, kind="unclear_answer", level=Level.AMBER.value, now=now, patient=patient,
                dedupe=f"text:{inbound.id}", due_at=read_by(patient, now), detail={"text": text, "item": key},
                inbound_id=inbound.id,
            )  # fmt: skip
    return level


def _store(
    session: Session, patient: Patient, key: str, text: str, source: Source, occasion: Occasion | None, *, now: datetime
) -> Inbound | None:
    digest = hashlib.sha256(f"{source.client_id or source.phone_at or now}|{key}|{text}".encode()).hexdigest()
    number = inbox.store(
        session, provider_id=f"{source.channel}:{patient.id}:{digest}", channel=source.channel,
        from_address=f"patient:{patient.id}", to_address="", body=text, media=[],
        form={"item": key, "occasion": occasion.id if occasion else None, "client_id": source.client_id},
        received_at=now, carrier_at=source.phone_at, found_by=source.channel,
    )  # fmt: skip
    if number is None:
        return None
    inbound = session.get_one(Inbound, number)
    inbound.patient_id = patient.id
    inbound.status, inbound.handled_at = inbox.HANDLED, now
    return inbound


def _hear(
    session: Session,
    patient: Patient,
    form: Questionnaire,
    text: str,
    source: Source,
    inbound: Inbound,
    occasion: Occasion | None,
    *,
    now: datetime,
) -> Outcome | None:
    """What the words say beside being no answer; None where they say nothing. Last week's temperature is not new, and
    one that is no fever answers nothing here: it may be another number.
    """
    heard = hear(text, patient.language)
    highest = heard.highest
    if form.recall_days > 1 or (highest is not None and LOW_BELOW <= highest < FEVER_FROM):
        heard = Heard(None, heard.signs, heard.red_words, heard.fever_without_number, heard.help_alone)
    told = temperature_in(heard, text)
    if not told and not heard.distress:
        return None
    day = occasion
    if day is not None and told and TEMP in responses.given(session, day):
        day = None  # another temperature stands there
    said = Source(source.channel, source.typed_by, source.phone_at, source.carrier_at, None, inbound)
    asked = form if day is not None else patient_facts.daily_form(session, patient)
    outcome = reports.report(session, patient, asked, told, said, occasion=day, heard=heard, now=now)
    if outcome.level is Level.RED and occasion is not None and occasion.status in ANSWERABLE:
        occasions.stop_asking(session, occasion, reason="a red report", now=now)
    return outcome
