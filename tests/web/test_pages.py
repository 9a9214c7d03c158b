"""Pages that show how things stand: Today's groups, outcomes, the card, the study's start."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from service.demo import seed
from service.models import Patient
from service.use_cases import anchors, questions_page, studies
from service.web.console import chart
from tests.web.pages import Page, Person
from tests.web.test_console import coordinator, visits_of


def test_visits_past_their_windows_are_one_row_a_patient_with_the_newest_first(world: Any) -> None:
    world.enrol("P-001", on=date(2026, 2, 9))
    page = coordinator(world).opens("/")
    assert len(re.findall(r"past its window", page.text)) == 1
    assert re.search(r"INF1C? .*and: BASE, ATG1, ATG2, ATG3, ATG4, ATG5", page.text), page.text


def test_who_has_not_answered_is_one_row_and_silence_is_never_called_well(world: Any) -> None:
    for code in ("P-001", "P-002"):
        world.enrol(code)
    world.advance_to_local(8, 5, days=7)
    page = coordinator(world).opens("/")
    assert "2 patients have not answered yet" in page.text
    assert "P-001" in page.text and "P-002" in page.text and "No answer never means that all is well" in page.text


def test_outcomes_open_their_rows_and_definitions(world: Any) -> None:
    number = world.enrol("P-001")
    ana = coordinator(world)
    assert "nothing yet" in ana.opens("/outcomes").text
    world.phone("P-001").replies("38,7")
    doctor = world.phone("Dr. Reis")
    world.clock.advance(timedelta(minutes=4))
    doctor.replies(f"{doctor.code()}4")
    text = ana.opens("/outcomes").text
    assert "4.0 min" in text and "100.0 %" in text
    assert "Median time from the patient's words" in text and "38.7" in text
    assert f"/patients/{number}" in ana.opens("/outcomes").links


def test_the_study_card_speaks_the_patients_language_and_names_the_limit(world: Any) -> None:
    number = world.enrol("P-001", language="pt-BR")
    text = coordinator(world).opens(f"/patients/{number}/card").text
    assert "Cartão do estudo" in text and "(16) 3602-0000" in text and "37,8" in text and "192" in text


def test_only_an_investigator_stands_for_the_defaults_and_starts_the_study(house: Any) -> None:
    from service.security import Role
    from service.use_cases import sites, staff

    house.put_back("bare")
    now = house.runtime.clock.now()
    with house.runtime.db.unit_of_work() as session:
        study = studies.load(session, seed.protocol_text(), actor="system", now=now)
        site = sites.create(
            session, study, code="RP", name="Ribeirao Preto", telephone="(16) 3602-0000", place="Ambulatorio",
            actor="system", now=now,
        )  # fmt: skip
        number = study.id
        for name, role in (("Dr. Prado", Role.INVESTIGATOR), ("Ana", Role.COORDINATOR)):
            staff.add(
                session, name=name, email=f"{role}@vigilia.example", role=role, site_id=site.id,
                password=seed.PASSWORD, language="en", actor="system", now=now,
            )  # fmt: skip

    def enters(role: str) -> Person:
        person = Person(house.app.test_client())
        person.sends(person.opens("/login"), "/login", email=f"{role}@vigilia.example", password=seed.PASSWORD)
        return person

    ana = enters("coordinator")
    assert "I confirm these values" not in ana.opens("/study").text
    prado = enters("investigator")
    page = prado.opens("/study")
    assert "Infusion 1 is planned 7 days after ATG day 1" in page.text
    page = prado.sends(page, f"/study/{number}", verb="confirm")
    assert "Defaults confirmed by Dr. Prado" in page.text
    page = prado.sends(page, f"/study/{number}", verb="activate")
    assert "Start the study" not in page.text and "active" in page.text
    token = Page(ana.client.get("/study", base_url="https://vigilia.test")).form("/logout")["fields"]["csrf_token"]
    refused = ana.client.post(
        f"/study/{number}", data={"verb": "confirm", "csrf_token": token}, base_url="https://vigilia.test"
    )
    assert refused.status_code == 403


def test_the_axis_holds_every_visit_and_reading_within_its_frame(world: Any) -> None:
    from service.use_cases import calendar, thread

    number = world.enrol("P-001", on=date(2026, 2, 9))
    world.phone("P-001").replies("38,7")
    world.phone("P-001").replies("36,5")
    with world.runtime.db.unit_of_work() as session:
        patient = session.get(Patient, number)
        anchors.commit(
            session, patient, anchor="infusion_1", date=date(2026, 2, 27), time=None, reason="given", actor="system",
            now=world.now,
        )  # fmt: skip
        limit = questions_page.red_from(studies.design_for(session, patient))
        drawn = chart.draw(
            calendar.visits_of(session, patient), thread.readings(session, patient), (), limit=limit,
            zone=patient.timezone, now=world.now,
        )  # fmt: skip
        assert chart.draw((), (), (), limit=limit, zone=patient.timezone, now=world.now) is None
    assert limit == Decimal("37.8") and drawn is not None
    assert [mark.kind for mark in drawn.readings] == ["hot", "dot"]
    assert drawn.readings[0].y < drawn.limit_y < drawn.readings[1].y
    marks = (*drawn.visits, *drawn.readings)
    assert all(chart.LEFT <= mark.x <= chart.RIGHT and 0 <= mark.y <= chart.HEIGHT for mark in marks)
    shown = {mark.words for mark in drawn.visits}
    assert {"ENR", "INF1", "W26"} <= shown and "EOS" not in shown, "merged visits are one mark"
    assert drawn.now_x is not None
    assert visits_of(world, "P-001")["EOS"].merged_into == "W26"
