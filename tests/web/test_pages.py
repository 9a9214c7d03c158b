"""Pages that show how things stand: Today's groups, outcomes, the card, the study's start."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from service.demo import seed
from service.models import Patient
from service.use_cases import anchors, calendar, observations, patients, questions_page, studies
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
    assert "Start the study" not in page.text and "under way" in page.text
    token = Page(ana.client.get("/study", base_url="https://vigilia.test")).form("/logout")["fields"]["csrf_token"]
    refused = ana.client.post(
        f"/study/{number}", data={"verb": "confirm", "csrf_token": token}, base_url="https://vigilia.test"
    )
    assert refused.status_code == 403


def test_the_axis_holds_every_visit_and_reading_within_its_frame(world: Any) -> None:
    from service.use_cases import thread

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


def measure(world: Any, number: int, day: date, value: int, code: str = "csa", unit: str = "ng/mL") -> None:
    with world.runtime.db.unit_of_work() as session:
        observations.record(
            session, session.get_one(Patient, number), code=code, value=Decimal(value), unit=unit, drawn_on=day,
            actor="system", now=world.now,
        )  # fmt: skip


def test_a_level_outside_its_target_waits_on_today_until_a_newer_one_is_inside(world: Any) -> None:
    number = world.enrol("P-001")
    today = world.now.date()
    ana = coordinator(world)
    for value, said in ((412, "above 150-250"), (149, "below 150-250"), (150, ""), (250, "")):
        measure(world, number, today - timedelta(days=1), value)
        page = ana.opens("/")
        assert ("Cyclosporine" in page.text) is bool(said), value
        assert said in page.text and (f"/patients/{number}/labs" in page.links) is bool(said)


def test_a_level_of_long_ago_or_of_a_patient_who_left_waits_for_nobody(world: Any) -> None:
    number, other = world.enrol("P-001", on=date(2026, 2, 9)), world.enrol("P-002")
    measure(world, number, world.now.date() - timedelta(days=15), 412)
    measure(world, other, world.now.date(), 412)
    with world.runtime.db.unit_of_work() as session:
        patients.set_status(
            session, session.get_one(Patient, other), status="withdrawn", on=world.now.date(), reason="moved away",
            actor="system", now=world.now,
        )  # fmt: skip
    assert "Cyclosporine" not in coordinator(world).opens("/").text


def test_laboratory_values_have_lanes_on_the_axis_and_the_level_its_band(world: Any) -> None:
    number = world.enrol("P-001", on=date(2026, 2, 9))
    ana = coordinator(world)
    assert 'class="band"' not in ana.opens(f"/patients/{number}").html
    today = world.now.date()
    for days, value in ((3, 412), (2, 200), (1, 149)):
        measure(world, number, today - timedelta(days=days), value)
    measure(world, number, today, 141, "anc", "/mm3")
    page = ana.opens(f"/patients/{number}")
    assert page.html.count('class="band"') == 1
    assert "<title>Cyclosporine, trough 412 ng/mL</title>" in page.html
    assert "<title>Neutrophils 141 /mm3</title>" in page.html
    with world.runtime.db.unit_of_work() as session:
        patient = session.get_one(Patient, number)
        drawn = chart.draw(
            calendar.visits_of(session, patient), (), (), limit=None, zone=patient.timezone, now=world.now,
            labs=observations.current(session, patient), band=(Decimal(150), Decimal(250)),
        )  # fmt: skip
    assert drawn is not None and [lane.code for lane in drawn.lanes] == ["anc", "csa"]
    assert [mark.kind for mark in drawn.lanes[1].marks] == ["hot", "dot", "hot"]
    assert drawn.lanes[0].band is None
    for lane in drawn.lanes:
        assert all(lane.top <= mark.y <= lane.bottom < drawn.foot < drawn.height for mark in lane.marks)
    top, height = drawn.lanes[1].band or (0, 0)
    assert drawn.lanes[1].marks[0].y < top <= drawn.lanes[1].marks[1].y <= top + height < drawn.lanes[1].marks[2].y
