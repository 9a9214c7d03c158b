"""A study whose messages may hold no health words: the questions are behind a link, and fevers are heard all
the same.
"""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from service.demo import seed
from service.models import Study
from service.use_cases import studies

PATIENT = "P-001"
HEALTH_WORDS = ("temperatura", "febre", "sangramento", "calafrio", "termometro")


@pytest.fixture
def discreet(world):
    text = (
        seed.protocol_text()
        .replace("profile: full", "profile: minimal")
        .replace('version: "1"', 'version: "1-m"', 1)
    )
    with world.runtime.db.unit_of_work() as session:
        studies.load(session, text, actor="system", now=world.now)
        study = session.scalars(select(Study)).one()
        studies.confirm(session, study, by="Dr. Prado", actor="system", now=world.now)
        studies.activate(session, study, actor="system", now=world.now)
    world.enrol(PATIENT, on=date(2026, 2, 23))
    return world


def test_no_text_of_a_day_holds_a_health_word(discreet) -> None:
    phone = discreet.phone(PATIENT)
    assert "/q/" in phone.expects("pergunta")
    phone.replies("36,5")
    discreet.advance(hours=3)
    phone.replies("bla")
    phone.replies("LIGAR")
    assert len(phone.inbox) >= 5
    for text in phone.inbox:
        assert not [word for word in HEALTH_WORDS if word in text.lower()], text


def test_a_fever_is_heard_and_the_advice_says_where_to_go(discreet) -> None:
    phone = discreet.phone(PATIENT)
    phone.replies("38,9")
    text = phone.expects("192")
    assert "3602" in text and "febre" not in text.lower()
    assert discreet.alerts(PATIENT)
