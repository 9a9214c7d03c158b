"""The daily questions by text: one at a time, and whatever is written is heard first."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from service.models import Inbound, Occasion, Reading, Response, Task, TriageHit
from service.use_cases import tasks as todo

PATIENT, REIS = "P-001", "Dr. Reis"


@pytest.fixture
def treated(world):
    """P-001 on ATG day 1 (projected: 7 days after enrolment), 2 March, 08:00: the first question is out."""
    world.enrol(PATIENT, on=date(2026, 2, 23))
    phone = world.phone(PATIENT)
    phone.expects("temperatura")
    phone.reads_all()
    return world


def rows(world, table, **where):
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(table.id)))


def tasks(world):
    return [task.kind for task in rows(world, Task)]


def rules(world):
    return {hit.rule_id for hit in rows(world, TriageHit)}


def occasion(world):
    return next(row for row in rows(world, Occasion, questionnaire="daily") if row.opened_at is not None)


def sees_to_the_tasks(world) -> None:
    """The coordinator does everything on the list, so that nothing climbs."""
    with world.runtime.db.unit_of_work() as session:
        for task in session.scalars(select(Task).where(Task.status != "done")):
            todo.done(session, task, actor="staff:1", now=world.now)


def test_a_quiet_day_is_asked_one_question_at_a_time(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("36,5")
    phone.expects("axila")
    phone.expects_nothing()
    phone.replies("1")
    phone.expects("A calafrio")
    phone.replies("N")
    phone.expects("capsulas")
    phone.replies("1")
    phone.replies("2")
    phone.expects("salvas")
    assert occasion(treated).status == "answered"
    answers = {row.item: row.value["value"] for row in rows(treated, Response)}
    assert answers == {
        "temp": "36.5",
        "temp_site": "armpit",
        "signs": ["none"],
        "doses": "all",
        "well": "same",
    }
    assert treated.patient(PATIENT).temp_site == "armpit"
    assert not treated.alerts() and not tasks(treated)
    before = len(phone.inbox)
    treated.advance(hours=5)
    assert len(phone.inbox) == before, "what is answered is not reminded of"


def test_one_message_answers_everything(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("36,8 N 1 2")
    phone.expects("axila")
    phone.replies("2")
    phone.expects("salvas")
    assert occasion(treated).status == "answered"


def test_a_fever_ends_the_questions(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("37,8")
    phone.expects("URGENTE")
    phone.expects_nothing()
    assert [alert.severity for alert in treated.alerts(PATIENT)] == ["red"]
    assert rules(treated) == {"T-RED"}
    treated.advance(minutes=5)
    assert not any("Desde ontem" in text for text in phone.inbox)
    assert occasion(treated).ended_reason == "a red answer"


def test_a_letter_that_is_red_pages(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("36,6 B 1 1")
    phone.expects("URGENTE")
    assert treated.phone(REIS).expects(PATIENT)
    assert "S-RED" in rules(treated)


def test_bleeding_is_asked_about_and_becomes_a_task(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("36,6 1 D")
    phone.expects("1 ")
    phone.reads_all()
    phone.replies("1")
    phone.replies("2")
    phone.replies("1")
    phone.replies("2")
    phone.expects("avisada")
    assert tasks(treated) == ["call_today"]
    assert not treated.alerts()


def test_a_watch_is_measured_again_and_two_make_a_case(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("37,6")
    for answer in ("1", "N", "2", "1", "2"):
        phone.replies(answer)
    phone.expects("avisada")
    assert tasks(treated) == ["watch_fever"]
    treated.advance(minutes=61)
    phone.expects("de novo")
    phone.replies("37,5")
    phone.expects("URGENTE")
    assert "T-SUST" in rules(treated)
    assert [row.recheck for row in rows(treated, Reading)][-1] is True


def test_a_recheck_that_stays_silent_is_a_call_task(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("37,6 1 N 2 1 2")
    treated.advance(minutes=95)
    assert "recheck_silent" in tasks(treated)
    assert not treated.alerts()


def test_a_recheck_passes_quiet_hours(treated) -> None:
    treated.advance_to_local(16, 1)
    sees_to_the_tasks(treated)
    treated.advance_to_local(20, 30)
    phone = treated.phone(PATIENT)
    phone.reads_all()
    phone.replies("37,6")
    treated.advance(minutes=61)
    assert treated.local.hour == 21
    assert any("de novo" in text for text in phone.unread)


def test_a_fever_without_a_number_is_asked_and_then_pages(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("to com muita febri")
    phone.expects("temperatura")
    assert not treated.alerts()
    treated.advance(minutes=16)
    phone.expects("URGENTE")
    assert [alert.severity for alert in treated.alerts(PATIENT)] == ["red"]


def test_a_number_in_time_answers_the_fever_question(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("acho que estou com febre")
    phone.replies("36,9")
    treated.advance(minutes=20)
    assert not treated.alerts()


@pytest.mark.parametrize("words", ["ajuda", "HELP", "passando mal"])
def test_a_cry_for_help_alone_is_asked_and_then_pages(treated, words) -> None:
    phone = treated.phone(PATIENT)
    phone.replies(words)
    phone.expects("temperatura")
    assert not treated.alerts() and "call_today" in tasks(treated)
    treated.advance(minutes=16)
    assert treated.alerts(PATIENT)


@pytest.mark.parametrize("words", ["socorro", "falta de ar", "I can't breathe", "dor no peito", "🚑"])
def test_words_of_distress_page_at_once(treated, words) -> None:
    treated.phone(PATIENT).replies(words)
    treated.phone(PATIENT).expects("URGENTE")
    assert treated.phone(REIS).expects(PATIENT)


def test_the_same_sign_later_the_same_day_pages_again(treated) -> None:
    treated.phone(PATIENT).replies("falta de ar")
    treated.advance(minutes=3)
    treated.phone(PATIENT).reads_all()
    treated.phone(PATIENT).replies("falta de ar")
    treated.phone(PATIENT).expects("URGENTE")
    assert len(treated.alerts(PATIENT)) == 1


def test_a_correction_is_a_new_row_and_lowers_nothing(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("38,6")
    phone.reads_all()
    phone.replies("errei, 36,8")
    found = rows(treated, Reading)
    assert [row.celsius for row in found] == ["38.6", "36.8"], found
    assert found[1].corrects_id == found[0].id and found[1].reason
    (alert,) = treated.alerts(PATIENT)
    assert (alert.status, alert.severity) == ("open", "red")
    assert not any("salvas" in text for text in phone.unread), "nothing reassures while the case is open"


def test_not_understood_is_explained_once_then_a_human(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("bla bla")
    phone.expects("entendemos")
    assert not tasks(treated)
    phone.replies("bla bla bla")
    phone.expects("ligar")
    assert tasks(treated) == ["unclear_answer"]


def test_a_picture_goes_to_a_human(treated) -> None:
    treated.phone(PATIENT).replies("", media=("https://example.org/1.jpg",))
    assert tasks(treated) == ["media"]


def test_two_temperatures_are_asked_about_and_the_higher_one_counts(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("36,2 ou 36,9")
    phone.expects("temperatura")
    phone.replies("36,9")
    phone.expects("axila")
    assert [row.celsius for row in rows(treated, Reading)] == ["36.9", "36.9"]
    phone.replies("1")
    phone.reads_all()
    phone.replies("37,2 e 38,1")
    phone.expects("URGENTE")


def test_a_question_not_answered_is_asked_again_in_its_own_words(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("36,5 1")
    phone.replies("1")
    phone.reads_all()
    treated.advance(hours=2)
    phone.expects("A calafrio")


def test_the_weekly_form_comes_as_a_link_and_by_text_nothing_is_asked(world) -> None:
    world.enrol(PATIENT, on=date(2026, 2, 9))  # infusion 1 is projected for 23 February: this is week 1
    phone = world.phone(PATIENT)
    phone.reads_all()
    world.advance(hours=2)
    assert "/q/" in phone.expects("semana")


def test_of_two_forms_due_together_the_daily_comes_first_and_takes_the_text(world) -> None:
    world.enrol(PATIENT, on=date(2026, 2, 9))
    phone = world.phone(PATIENT)
    world.advance(hours=2)
    weekly = next(place for place, text in enumerate(phone.inbox) if "semana" in text)
    daily = next(place for place, text in enumerate(phone.inbox) if "temperatura" in text)
    assert daily < weekly
    phone.replies("36,8 N 1 2")
    phone.replies("1")
    stand = {row.questionnaire: row.status for row in rows(world, Occasion) if row.opened_at is not None}
    assert stand == {"daily": "answered", "weekly": "open"}
    assert {row.questionnaire for row in rows(world, Response)} == {"daily"}


def test_a_temperature_while_letters_are_asked_is_a_temperature(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("36,5")
    phone.replies("1")
    phone.reads_all()
    phone.replies("38")
    phone.expects("URGENTE")
    found = [(row.celsius, row.site) for row in rows(treated, Reading)]
    assert found == [
        ("36.5", "unknown"),
        ("36.5", "armpit"),
        ("38.0", "armpit"),
    ], "told later, the site is a new row"


def test_stop_is_obeyed_and_a_fever_is_heard_all_the_same(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("PARAR")
    phone.expects("mensagens")
    assert "opted_out" in tasks(treated)
    before = len(phone.inbox)
    treated.advance(hours=5)
    assert len(phone.inbox) == before, "nobody opted out is sent to"
    phone.replies("febre 39")
    phone.expects("URGENTE")
    assert treated.alerts(PATIENT)


@pytest.mark.parametrize("text", ["PARAR 38,9", "stop, estou com 38,9 de febre"])
def test_stop_and_a_fever_in_one_text_are_both_done(treated, text) -> None:
    phone = treated.phone(PATIENT)
    phone.replies(text)
    told = " ".join(phone.reads_all())
    assert "URGENTE" in told and "nao recebera mais mensagens" in told
    assert treated.alerts(PATIENT) and "opted_out" in tasks(treated)
    assert treated.patient(PATIENT).opted_out == "all"
    assert [row.celsius for row in rows(treated, Reading)] == ["38.9"]


@pytest.mark.parametrize("text", ["PARE falta de ar 39", "falta de ar. PARAR"])
def test_stop_and_distress_in_one_text_are_both_done(treated, text) -> None:
    phone = treated.phone(PATIENT)
    phone.replies(text)
    told = " ".join(phone.reads_all())
    assert "URGENTE" in told and "nao recebera mais mensagens" in told
    assert treated.alerts(PATIENT) and "opted_out" in tasks(treated)
    assert treated.patient(PATIENT).opted_out == "all"


def test_two_temperatures_in_one_text_the_higher_counts(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("estou com 38 e depois 39,2")
    phone.expects("URGENTE")
    assert [(row.celsius, row.confirmed) for row in rows(treated, Reading)] == [("39.2", False)]


def test_start_again_after_stop(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("parar")
    phone.reads_all()
    phone.replies("VOLTAR")
    assert len(phone.reads_all()) == 1
    assert treated.patient(PATIENT).opted_out is None


def test_a_withdrawn_patient_is_still_heard(treated) -> None:
    from service.use_cases import patients

    with treated.runtime.db.unit_of_work() as session:
        patient = patients.get(session, treated.patient(PATIENT).id)
        patients.set_status(
            session, patient, status="withdrawn", on=treated.local.date(), reason="own wish", actor="system",
            now=treated.now,
        )  # fmt: skip
    treated.phone(PATIENT).reads_all()
    treated.phone(PATIENT).replies("39,2")
    treated.phone(PATIENT).expects("URGENTE")
    assert treated.alerts(PATIENT)


def test_call_me_is_a_task_and_is_answered(treated) -> None:
    treated.phone(PATIENT).replies("LIGAR")
    treated.phone(PATIENT).expects("ligar")
    assert tasks(treated) == ["call_requested"]


def test_thanks_need_no_answer_and_no_human(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("36,8 1 N 1 2")
    phone.reads_all()
    phone.replies("obrigado, até amanhã")
    phone.expects_nothing()
    assert not tasks(treated)


def test_a_number_that_is_not_theirs(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("numero errado, nao conheco essa pessoa")
    phone.expects("errado")
    assert "undeliverable" in tasks(treated)
    sees_to_the_tasks(treated)
    before = len(phone.inbox)
    treated.advance(hours=5)
    assert len(phone.inbox) == before


def test_after_the_advice_we_ask_whether_they_arrived(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("39")
    treated.phone(REIS).replies(f"{treated.phone(REIS).code()}4")
    phone.reads_all()
    treated.advance(minutes=61)
    phone.expects("hospital")
    phone.replies("1")
    treated.advance(minutes=40)
    assert "N-ADVICE" not in {rule for row in reports(treated) for rule in row.rules}


def test_silence_after_the_advice_joins_the_case(treated) -> None:
    treated.phone(PATIENT).replies("39")
    treated.advance(minutes=92)
    assert "N-ADVICE" in {rule for row in reports(treated) for rule in row.rules}
    assert len(treated.alerts(PATIENT)) == 1


def reports(world):
    from service.models import AlertReport

    return rows(world, AlertReport)


def test_yesterdays_answer_goes_to_yesterday_until_today_opens(treated) -> None:
    treated.advance_to_local(16, 1)
    sees_to_the_tasks(treated)
    treated.advance_to_local(7, 30)
    treated.phone(PATIENT).replies("36,4")
    days = {
        row.for_date.day: row.status
        for row in rows(treated, Occasion, questionnaire="daily")
        if row.opened_at
    }
    assert days == {2: "late"}
    (response,) = rows(treated, Response)
    assert response.occasion_id == occasion(treated).id
    treated.advance_to_local(8, 1)
    treated.phone(PATIENT).replies("36,5")
    last = rows(treated, Response)[-1]
    assert last.occasion_id != response.occasion_id and last.item == "temp"


def test_every_inbound_ends_handled(treated) -> None:
    for words in ("36,5", "xyz", "🤷", "38 5", "\u0000?"):
        treated.phone(PATIENT).replies(words)
    assert {row.status for row in rows(treated, Inbound)} == {"handled"}


def test_a_sentence_beside_an_open_question_goes_to_a_human_at_once(treated) -> None:
    phone = treated.phone(PATIENT)
    phone.replies("minhas pernas parecem de algodao hoje")
    assert phone.expects("Nao entendemos")
    assert tasks(treated) == ["unclear_answer"]
    phone.replies("36,5")
    assert rows(treated, Response)[-1].raw == "36,5"
