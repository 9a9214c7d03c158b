"""Amendments and clashes in the console."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.demo import seed
from service.models import Patient, Site, Study, Visit
from service.use_cases import studies, visits
from tests.api.test_amendments import second
from tests.web.pages import Person
from tests.web.test_console import coordinator


@pytest.fixture
def ana(world: Any) -> Person:
    return coordinator(world)


def load(world: Any, *, confirmed: bool = True) -> int:
    """Version 2 (ATG a day later); the study's number."""
    with world.runtime.db.unit_of_work() as session:
        study = studies.load(session, second(), actor="staff:1", now=world.now)
        if confirmed:
            studies.confirm(session, study, by="Dr. Prado", actor="staff:1", now=world.now)
            studies.activate(session, study, actor="staff:1", now=world.now)
        return study.id


def visit(world: Any, code: str, name: str) -> Visit:
    with world.runtime.db.reading() as session:
        query = select(Visit).join(Patient).where(Patient.code == code, Visit.code == name)
        return session.scalars(query).one()


def test_a_patient_is_seen_moved_and_moved_back(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    study_id = load(world)
    assert "there is a newer one" in ana.opens(f"/patients/{number}").text
    page = ana.opens(f"/study/{study_id}/amendment")
    assert "Anchor atg_start was projected enrolment +7 days; now enrolment +8 days." in page.text
    assert "P-001" in page.text
    seen = ana.opens(f"/patients/{number}/amendment?version=2")
    assert "visits move" in seen.text and "Nothing is saved yet" in seen.text
    before = visit(world, "P-001", "ATG1").date
    ana.sends(seen, f"/patients/{number}/amendment", status=422, reason="")
    assert visit(world, "P-001", "ATG1").date == before
    ana.sends(seen, f"/patients/{number}/amendment", reason="amendment 1")
    assert visit(world, "P-001", "ATG1").date == before + timedelta(days=1)
    ana.sends(ana.opens(f"/patients/{number}"), "/anchors/undo")
    assert visit(world, "P-001", "ATG1").date == before


def test_chosen_patients_move_together(world: Any, ana: Person) -> None:
    numbers = [world.enrol(code) for code in ("P-001", "P-002", "P-003")]
    study_id = load(world)
    page = ana.opens(f"/study/{study_id}/amendment")
    refused = ana.sends(page, f"/study/{study_id}/amendment", status=422, reason="amendment 1")
    assert "Choose at least one patient" in refused.text
    ana.sends(page, f"/study/{study_id}/amendment", reason="amendment 1", patient=[str(n) for n in numbers[:2]])
    with world.runtime.db.reading() as session:
        study = session.get_one(Study, study_id)
        people = session.scalars(select(Patient).order_by(Patient.code)).all()
        assert [one.study_version_id == study.version_id for one in people] == [True, True, False]


def test_an_unconfirmed_version_has_no_button(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    study_id = load(world, confirmed=False)
    page = ana.opens(f"/study/{study_id}/amendment")
    assert "must confirm version 2 first" in page.text and "Move the chosen patients" not in page.text
    seen = ana.opens(f"/patients/{number}/amendment?version=2")
    assert "visits move" in seen.text and not [form for form in seen.forms if "amendment" in form["action"]]


def test_the_sentences_are_portuguese_for_those_who_read_it(world: Any) -> None:
    world.enrol("P-001")
    study_id = load(world)
    person = Person(world.browser(seed.ANA))
    person.sends(person.opens("/"), "/language", language="pt-BR")
    text = person.opens(f"/study/{study_id}/amendment").text
    assert "atg_start" in text and "was projected" not in text


def test_clashes_stand_on_today_in_the_matrix_and_at_the_visit(world: Any, ana: Person) -> None:
    world.enrol("P-001")
    world.enrol("P-002")
    with world.runtime.db.unit_of_work() as session:
        session.scalars(select(Site)).one().daily_capacity = 1
        rows = session.scalars(select(Visit).where(Visit.code == "BASE").order_by(Visit.patient_id)).all()
        for row in rows:
            visits.change(session, row, date=row.date, actor="staff:1", now=world.now)
        when, number = rows[0].date, rows[0].id
    today = ana.opens("/").text
    assert "BASE" in today and "is booked for the same hour" in today and "2 appointments, RP takes 1" in today
    page = ana.opens(f"/visits/{number}").text
    assert "P-002 is booked for the same hour" in page and "2 appointments that day" in page
    assert "P-001, BASE" in str(ana.opens("/matrix").answer.get_data(as_text=True))
    assert "P-002 is booked for the same hour" in ana.opens("/matrix").answer.get_data(as_text=True)
    assert visit(world, "P-001", "BASE").date == when


def test_the_site_feed_is_linked(world: Any, ana: Person) -> None:
    page = ana.opens("/study").answer.get_data(as_text=True)
    path = f"/calendar/{world.site().feed_token}.ics"
    assert path in page
    assert ana.client.get(path, base_url="https://vigilia.test").content_type.startswith("text/calendar")
