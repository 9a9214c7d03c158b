"""What a phone needs to go on asking without a connection: questions, conditions, and the answers that are known."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from service.use_cases import patient_facts, studies
from service.use_cases.questions_page import QuestionPage
from workflows import offline
from workflows.facts import UNKNOWN_SITE
from workflows.protocol import Level
from workflows.questionnaires import SITE_ITEM


def plan(session: Session, page: QuestionPage, *, now: datetime) -> dict[str, Any]:
    """The form behind an open page, without its words. `red` and `amber`: when a rule of that level fires."""
    if page.occasion is None or page.questionnaire is None:
        raise ValueError("nothing is asked")
    form, design = page.questionnaire, studies.design_for(session, page.patient)
    known = patient_facts.answers_of(session, page.occasion, form).values
    facts = patient_facts.gather(session, page.patient, at=now, questionnaire=form, answers=known)
    return {
        "occasion": page.occasion.id,
        "answers": {key: _plain(value) for key, value in known.items()},
        "site": facts.stored.get(SITE_ITEM, UNKNOWN_SITE),
        "red": offline.rules(design.triage, Level.RED, form, facts),
        "amber": offline.rules(design.triage, Level.AMBER, form, facts),
        "items": [offline.item(item, form, facts) for item in form.items],
    }


def _plain(value: Any) -> Any:
    """An answer as JSON has it; a number is a number."""
    if isinstance(value, tuple):
        return list(value)
    return float(value) if isinstance(value, Decimal) else value
