"""The coordinator's day: enrol, see, act, take back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.demo import seed
from service.models import AuditEntry, CalendarRevision, Patient, Site, Task, Visit
from service.use_cases import tasks
from tests.web.pages import Page, Person

ENROL = {
    "code": "P-077", "phone": "16 99222-0077", "language": "pt-BR", "channel": "sms", "weight_kg": "71,5",
    "enrolled_on": "2026-03-02", "timezone": "America/Sao_Paulo", "next_of_kin": "",
}  # fmt: skip


def coordinator(world: Any) -> Person:
    """Ana, logged in, with English pages."""
    person = Person(world.browser(seed.ANA))
    person.sends(person.opens("/"), "/language", language="en")
    return person


@pytest.fixture
def ana(world: Any) -> Person:
    return coordinator(world)


def visits_of(world: Any, code: str) -> dict[str, Visit]:
    with world.runtime.db.reading() as session:
        rows = session.scalars(select(Visit).join(Patient).where(Patient.code == code)).all()
        return {row.code: row for row in rows}


def test_enrol_shows_the_whole_calendar(world: Any, ana: Person) -> None:
    page = ana.sends(ana.opens("/patients/new"), "/patients/new", **ENROL)
    assert "P-077 is enrolled" in page.text
    for code in ("ENR", "BASE", "ATG1", "INF1", "W26", "EOS"):
        assert code in page.text
    patient = world.patient("P-077")
    assert patient.phone == "+5516992220077" and patient.weight_kg == "71.5"
    world.settle()
    assert world.simulator.phone("+5516992220077").inbox, "the welcome text is sent"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("code", ""),
        ("code", "P 0 77"),
        ("phone", "12"),
        ("phone", ""),
        ("enrolled_on", "2031-01-01"),
        ("enrolled_on", "02/03/2026"),
        ("weight_kg", "7000"),
        ("timezone", "Mars/Base"),
        ("language", "fr"),
        ("next_of_kin", "no number"),
    ],
)
def test_a_fault_names_its_field_and_keeps_what_was_typed(
    world: Any, ana: Person, field: str, typed: str
) -> None:
    page = ana.sends(ana.opens("/patients/new"), "/patients/new", status=422, **{**ENROL, field: typed})
    assert page.wrong == {field}
    kept = page.form("/patients/new")["fields"]
    for name in {"code", "phone", "weight_kg", "enrolled_on"} - {field}:
        assert kept[name] == ENROL[name]
    if field not in ("language", "timezone"):
        assert kept[field] == typed
    with world.runtime.db.reading() as session:
        assert session.scalars(select(Patient)).first() is None


def test_a_code_twice_is_refused_at_its_field(world: Any, ana: Person) -> None:
    world.enrol("P-001")
    page = ana.sends(ana.opens("/patients/new"), "/patients/new", status=422, **{**ENROL, "code": "P-001"})
    assert page.wrong == {"code"}


def test_search_finds_by_code_and_by_the_end_of_the_phone(world: Any, ana: Person) -> None:
    world.enrol("P-001")
    world.enrol("P-002")
    assert "P-002" not in ana.opens("/patients?q=p-001").text
    assert "P-001" in ana.opens("/patients?q=p-001").text
    found = ana.opens("/patients?q=20002").text
    assert "P-002" in found and "P-001" not in found
    assert "No patient found" in ana.opens("/patients?q=%25").text


def test_the_preview_changes_nothing_the_commit_does_and_the_undo_takes_it_back(world: Any, ana: Person) -> None:
    number = world.enrol("P-001", on=date(2026, 2, 9))
    before = {code: visit.date for code, visit in visits_of(world, "P-001").items()}
    path = f"/patients/{number}/anchors?anchor=infusion_1&date=2026-02-27&time=10:30"
    page = ana.opens(path)
    assert "Nothing is saved yet" in page.text and "W01" in page.text
    assert {code: visit.date for code, visit in visits_of(world, "P-001").items()} == before

    refused = ana.sends(page, "/anchors", status=422, reason="")
    assert refused.wrong == {"reason"} and "W01" in refused.text

    page = ana.sends(page, "/anchors", reason="given on the 27th")
    assert "visits moved" in page.text
    after = {code: visit.date for code, visit in visits_of(world, "P-001").items()}
    assert after["INF1"] == date(2026, 2, 27) and after["W02"] == date(2026, 3, 13)

    page = ana.sends(page, "/anchors/undo")
    assert "Undone" in page.text
    assert {code: visit.date for code, visit in visits_of(world, "P-001").items()} == before
    with world.runtime.db.reading() as session:
        revision = session.scalars(select(CalendarRevision)).one()
        assert revision.reason == "given on the 27th" and revision.undone_at is not None


def test_the_protocol_refuses_an_infusion_before_the_last_dose_and_says_so_at_the_date(world: Any, ana: Person) -> None:
    number = world.enrol("P-001", on=date(2026, 2, 9))
    page = ana.opens(f"/patients/{number}/anchors?anchor=infusion_1&date=2026-02-17", status=422)
    assert page.wrong == {"date"} and "Cannot be before" in page.text
    ana.opens(f"/patients/{number}/anchors?anchor=infusion_1&date=nonsense", status=422)
    ana.opens(f"/patients/{number}/anchors?anchor=nothing&date=2026-02-17", status=422)


def test_a_visit_is_booked_completed_and_somebody_elses_change_is_not_overwritten(world: Any, ana: Person) -> None:
    world.enrol("P-001", on=date(2026, 2, 9))
    visit = visits_of(world, "P-001")["W01"]
    page = ana.opens(f"/visits/{visit.id}")
    new = (visit.date + timedelta(days=1)).isoformat()
    ana.sends(page, f"/visits/{visit.id}", verb="book", date=new, time="14:30", reason="the patient asked")
    booked = visits_of(world, "P-001")["W01"]
    assert booked.status == "booked" and booked.booked_at is not None
    stale = ana.sends(page, f"/visits/{visit.id}", status=422, verb="miss", reason="")
    assert visits_of(world, "P-001")["W01"].status == "booked"
    assert "changed since you read it" in stale.text
    ana.sends(
        ana.opens(f"/visits/{visit.id}"), f"/visits/{visit.id}", verb="complete", date="2026-03-02", reason="came early"
    )
    assert visits_of(world, "P-001")["W01"].status == "completed"


def test_outside_the_window_needs_a_reason(world: Any, ana: Person) -> None:
    world.enrol("P-001", on=date(2026, 2, 9))
    visit = visits_of(world, "P-001")["W10"]
    far = (visit.window_end + timedelta(days=3)).isoformat()
    page = ana.opens(f"/visits/{visit.id}")
    refused = ana.sends(page, f"/visits/{visit.id}", status=422, verb="move", date=far, reason="")
    assert refused.status == 422 and visits_of(world, "P-001")["W10"].date == visit.date
    ana.sends(page, f"/visits/{visit.id}", verb="move", date=far, reason="a public holiday at the site")
    assert visits_of(world, "P-001")["W10"].date.isoformat() == far


def test_today_shows_the_gravest_first_and_arrived_is_one_press(world: Any) -> None:
    number = world.enrol("P-001", on=date(2026, 3, 2))
    with world.runtime.db.unit_of_work() as session:
        patient = session.get(Patient, number)
        tasks.open_task(
            session, kind="call_today", level="amber", rules=("T-WATCH",), patient=patient, dedupe="a", now=world.now
        )
    visit = visits_of(world, "P-001")["BASE"]
    world.clock.advance(timedelta(days=(visit.date - world.local.date()).days))
    ana = coordinator(world)
    page = ana.opens("/")
    assert "call today" in page.text and "BASE" in page.text, page.text
    assert page.text.index("call today") < page.text.index("BASE")
    assert "T-WATCH" in page.text, "why it is here"
    page = ana.sends(page, f"/visits/{visit.id}")
    assert visits_of(world, "P-001")["BASE"].status == "completed" and "BASE" in page.text


def test_a_task_is_seen_done_with_a_note_and_taken_back(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    with world.runtime.db.unit_of_work() as session:
        patient = session.get(Patient, number)
        task_id = tasks.open_task(
            session, kind="call_today", level="amber", patient=patient, dedupe="a", now=world.now
        ).id

    def status() -> str:
        with world.runtime.db.reading() as session:
            return str(session.get(Task, task_id).status)

    ana.sends(ana.opens("/"), f"/tasks/{task_id}", verb="seen")
    assert status() == "seen"
    page = ana.sends(ana.opens("/"), f"/tasks/{task_id}", verb="done", note="reached, drinks well")
    assert status() == "done" and "call today" not in page.text
    page = ana.sends(page, f"/tasks/{task_id}", verb="reopen")
    assert status() == "seen" and "call today" in page.text
    with world.runtime.db.reading() as session:
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("task:"))).all()
    assert actions == ["task:open", "task:see", "task:done", "task:reopen"]


def test_admission_discharge_and_withdrawal(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    path = f"/patients/{number}/status"
    person, page = ana, ana.opens(f"/patients/{number}")
    page = _status(person, page, path, "admitted")
    assert "in hospital since" in page.text
    page = _status(person, page, path, "discharged")
    assert "in hospital since" not in page.text
    refused = _status(person, page, path, "withdrawn", expect=422)
    assert refused.wrong == {"reason"}
    page = _status(person, page, path, "withdrawn", reason="wishes to stop")
    assert world.patient("P-001").status == "withdrawn" and "wishes to stop" in page.text


def _status(person: Person, page: Page, path: str, wanted: str, *, expect: int = 200, reason: str = "") -> Page:
    form = page.form(path)
    answer = person.client.post(
        path,
        data={**form["fields"], "status": wanted, "on": "2026-03-02", "reason": reason},
        base_url="https://vigilia.test",
        follow_redirects=True,
    )
    result = Page(answer)
    assert result.status == expect, result.text[:500]
    return result


def test_each_cell_of_the_matrix_says_in_a_sentence_what_it_shows(world: Any, ana: Person) -> None:
    world.enrol("P-001", on=date(2026, 2, 9))
    html = ana.opens("/matrix").html
    assert 'aria-label="P-001, ENR: completed on Mon 9 Feb"' in html
    assert "P-001, ATG1: 14 days past its window" in html
    assert "waits for an earlier date" in html


def test_the_matrix_has_a_page_for_every_patient(
    world: Any, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.use_cases.matrix.MOST", 2)
    for number in (1, 2, 3):
        world.enrol(f"P-00{number}")
    first = ana.opens("/matrix")
    assert "P-002" in first.text and "P-003" not in first.text
    assert "Further patients" in first.text and "Earlier patients" not in first.text
    second = ana.opens("/matrix?page=2")
    assert "P-003" in second.text and "P-002" not in second.text
    assert "Earlier patients" in second.text and "Further patients" not in second.text
    assert ana.opens("/matrix?page=-99999999999999999999").status == 200


@pytest.mark.parametrize("path", ["/", "/patients", "/matrix", "/patients/{id}"])
def test_an_operator_sees_no_patient(world: Any, path: str) -> None:
    number = world.enrol("P-001")
    person = Person(world.browser(seed.BIA))
    page = person.opens(path.format(id=number), status=403)
    assert "P-001" not in page.text


def test_a_monitor_reads_and_changes_nothing(world: Any) -> None:
    number = world.enrol("P-001")
    person = Person(world.browser(seed.MOTA))
    page = person.opens(f"/patients/{number}")
    assert not [form for form in page.forms if form["action"].endswith("/status")]
    person.opens("/patients/new", status=403)
    person.opens(f"/patients/{number}/anchors?anchor=infusion_1&date=2026-03-01", status=403)
    person.opens("/matrix")


def test_another_sites_patient_is_refused(world: Any, ana: Person) -> None:
    from service.use_cases import sites

    number = world.enrol("P-001")
    with world.runtime.db.unit_of_work() as session:
        here = session.scalars(select(Site)).one()
        other = sites.create(
            session, here.study, code="SP", name="Sao Paulo", telephone="(11) 3602-0000", place="Sala 2",
            actor="system", now=world.now,
        )  # fmt: skip
        patient = session.get(Patient, number)
        patient.site_id = other.id
        for visit in session.scalars(select(Visit).where(Visit.patient_id == number)):
            visit.site_id = other.id
        visit_id = visit.id
    ana.opens(f"/patients/{number}", status=403)
    ana.opens(f"/visits/{visit_id}", status=403)
    assert "P-001" not in ana.opens("/patients").text
    assert "P-001" not in ana.opens("/matrix").text
    ana.opens("/patients/999999", status=404)


def test_the_study_page_shows_what_somebody_stands_for(world: Any, ana: Person) -> None:
    text = ana.opens("/study").text
    assert "Dr. Prado" in text and "T-RED" in text and "(16) 3602-0000" in text or "+551636020000" in text


def test_a_text_of_a_patient_is_shown_as_text(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    world.phone("P-001").replies("<script>alert(1)</script>")
    page = ana.opens(f"/patients/{number}")
    assert "<script>alert(1)" not in page.html and "alert(1)" in page.text


def test_contact_data_change_with_a_reason_and_an_opt_out_is_kept(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    path = f"/patients/{number}/edit"
    page = ana.opens(path)
    refused = ana.sends(page, path, status=422, phone="12", reason="a new number")
    assert refused.wrong == {"phone"}
    assert ana.sends(page, path, status=422, opted_out="all", reason="").wrong == {"reason"}
    page = ana.sends(page, path, phone="16 99222-0055", opted_out="all", reason="said so on the telephone")
    patient = world.patient("P-001")
    assert patient.phone == "+5516992220055" and patient.opted_out == "all" and "wants no messages" in page.text
    ana.sends(ana.opens(path), path, opted_out="", reason="wants them again")
    assert world.patient("P-001").opted_out is None


def test_an_unscheduled_visit(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    path = f"/patients/{number}/visits"
    page = ana.sends(ana.opens(f"/patients/{number}"), path, date="2026-03-04", reason="a fall at home")
    assert "UNS1" in page.text and visits_of(world, "P-001")["UNS1"].date == date(2026, 3, 4)
    ana.sends(page, path, status=422, date="2026-03-04", reason="")


def test_a_correction_is_a_new_row_and_the_first_stays(world: Any, ana: Person) -> None:
    from service.models import Reading

    number = world.enrol("P-001")
    world.phone("P-001").replies("37,0")
    page = ana.opens(f"/patients/{number}")
    action = next(form["action"] for form in page.forms if form["action"].endswith("/correct"))
    page = ana.sends(page, action, value="36,0", reason="read out wrongly")
    assert "Corrected" in page.text
    with world.runtime.db.reading() as session:
        rows = session.scalars(select(Reading).order_by(Reading.id)).all()
        assert [row.celsius for row in rows] == ["37.0", "36.0"] and rows[1].corrects_id == rows[0].id


def test_laboratory_values_and_the_arithmetic_of_a_dose(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    path = f"/patients/{number}/labs"
    page = ana.opens(path)
    refused = ana.sends(page, path, status=422, code="csa", value="412", unit="mg/dL", drawn_on="2026-03-02")
    assert refused.wrong == {"unit"}
    page = ana.sends(
        page, path, code="csa", value="412", unit="ng/mL", drawn_on="2026-03-02", drawn_time="07:50", dose_time="20:00"
    )
    assert "412" in page.text and "outside 150-250" in page.text and "trough" in page.text
    text = ana.opens(f"{path}?current_mg=300").text
    assert "225 mg a day" in text and "the prescriber decides and signs" in text
    assert ana.opens(f"{path}?current_mg=x").wrong == {"current_mg"}


def test_the_doctor_is_told_of_a_level_once_and_in_their_language(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    given = {"code": "csa", "value": "412", "unit": "ng/mL", "drawn_on": world.local.date().isoformat()}
    assert world.api("POST", f"/patients/{number}/observations", given).status_code == 201
    page = ana.opens("/")
    for _again in range(2):  # two coordinators at once
        ana.sends(page, "/labs/1/tell")
    world.settle()
    text = world.phone("Dr. Reis").expects("P-001", "exame fora da faixa", "/labs")
    assert "412" not in text and "iclosp" not in text
    assert len(world.messages(template="task_amber")) == 1
    page = ana.opens("/")
    assert "Dr. Reis was told" in page.text and not [one for one in page.forms if "/tell" in one["action"]]
    monitor = Person(world.browser(seed.MOTA)).opens("/")
    assert "Dr. Reis" in monitor.text and not [one for one in monitor.forms if "/tell" in one["action"]]


def test_a_task_is_noted_and_goes_on(world: Any, ana: Person) -> None:
    number = world.enrol("P-001")
    with world.runtime.db.unit_of_work() as session:
        task = tasks.open_task(
            session, kind="call_today", level="amber", patient=session.get(Patient, number), dedupe="x", now=world.now
        ).id
    ana.sends(ana.opens("/"), f"/tasks/{task}", verb="note", note="rang, nobody there")
    assert "rang, nobody there" in ana.opens("/").text
    ana.sends(ana.opens("/"), f"/tasks/{task}", verb="done", note="")
    with world.runtime.db.reading() as session:
        row = session.get(Task, task)
        assert (row.status, row.note) == ("done", "rang, nobody there")
