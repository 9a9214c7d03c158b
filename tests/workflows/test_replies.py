"""Texts of patients and of people on call: what each of them wants, the heard first."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.facts import Facts
from workflows.protocol_file import load_design
from workflows.replies import Intent, Reply, read_reply

DESIGN = load_design(files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8"))
DAILY = DESIGN.questionnaire("daily")
FACTS = Facts(now=datetime(2026, 3, 10, 12, tzinfo=UTC))


def read(text: str, item: str | None = "signs") -> Reply:
    open_item = DAILY.item(item) if item else None
    return read_reply(
        text, sender="patient", language="pt-BR", open_item=open_item, questionnaire=DAILY, facts=FACTS
    )


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("OK", [Intent.CONFIRM_VISIT]),
        ("confirmo", [Intent.CONFIRM_VISIT]),
        ("MUDAR", [Intent.CHANGE_VISIT]),
        ("change", [Intent.CHANGE_VISIT]),
        ("quero remarcar a consulta", [Intent.CHANGE_VISIT]),
        ("LIGAR", [Intent.CALL_ME]),
        ("Call", [Intent.CALL_ME]),
        ("me liga por favor", [Intent.CALL_ME]),
        ("VOLTAR", [Intent.START]),
        ("obrigado, até amanhã", [Intent.THANKS]),
        ("numero errado", [Intent.NOT_MINE]),
        ("wrong number, sorry", [Intent.NOT_MINE]),
        ("asdf", [Intent.UNKNOWN]),
        ("", [Intent.UNKNOWN]),
        ("errei, 36,8", [Intent.CORRECTION]),
        ("sorry i meant 37.2", [Intent.CORRECTION]),
        ("38,9", [Intent.READING]),
        ("AD", [Intent.ANSWERS]),
        ("36,8 N 1 2", [Intent.READING, Intent.ANSWERS]),
        ("falta de ar", [Intent.DISTRESS, Intent.ANSWERS]),
        ("socorro", [Intent.DISTRESS]),
        ("febre 39, parar", [Intent.READING, Intent.OPT_OUT]),
        ("STOP 38,9", [Intent.READING, Intent.OPT_OUT]),
        ("39,2. SAIR", [Intent.READING, Intent.OPT_OUT]),
        ("quero parar, estou com 39", [Intent.READING, Intent.OPT_OUT]),
        ("102.5 F stop messages", [Intent.READING, Intent.OPT_OUT]),
        ("parar o remedio? 38,9", [Intent.READING]),
    ],
)
def test_what_a_patient_wants(text: str, intents: list[Intent]) -> None:
    assert list(read(text).intents) == intents


@pytest.mark.parametrize("text", ["STOP", "parar", "PARE", "sair", "nao quero mais", "não quero mais receber mensagens",
                                  "pare de me mandar mensagem", "i dont want any more messages"])  # fmt: skip
def test_stop(text: str) -> None:
    found = read(text)
    assert found.intents[-1] is Intent.OPT_OUT and found.opt_out == "all"


@pytest.mark.parametrize(
    "text",
    ["PARE falta de ar 39", "Pare, estou com febre", "STOP short of breath", "falta de ar. PARAR", "parar! socorro",
     "stop\nI fainted", "muito sangue no xixi, sair"],
)  # fmt: skip
@pytest.mark.parametrize("item", ["signs", "temp", None])
def test_stop_beside_distress_is_heard_and_obeyed(text: str, item: str | None) -> None:
    found = read(text, item)
    assert found.intents[0] is Intent.DISTRESS and found.intents[-1] is Intent.OPT_OUT and found.opt_out == "all"


@pytest.mark.parametrize(
    "text",
    ["stop bleeding please help", "parar de sangrar nao consigo", "parar o remedio? falta de ar", "bleeding wont stop",
     "sair do hospital falta de ar", "nao para de sangrar, socorro", "pare isso, socorro", "stop the bleeding help",
     "parar sangramento socorro"],
)  # fmt: skip
def test_a_cry_that_only_has_the_word_in_it_stops_nothing(text: str) -> None:
    found = read(text)
    assert found.heard.distress and found.opt_out == "" and Intent.OPT_OUT not in found.intents


def test_stop_reminders_only() -> None:
    assert read("parar lembretes").opt_out == "reminders"
    assert read("stop reminders").opt_out == "reminders"


@pytest.mark.parametrize(
    "text", ["nao para de sangrar", "AJUDA", "SOCORRO", "HELP", "sair do hospital quando?"]
)
def test_what_sounds_like_a_keyword_and_is_none(text: str) -> None:
    assert read(text).opt_out == ""


@pytest.mark.parametrize("item", [None, "temp", "signs", "doses", "bleeding"])
@pytest.mark.parametrize("text", ["febre 39", "não consigo respirar", "estou com febre"])
def test_distress_is_heard_whatever_was_asked(text: str, item: str | None) -> None:
    found = read(text, item)
    assert found.heard.distress or found.heard.temperature is not None
    assert found.intents[0] in (Intent.DISTRESS, Intent.READING)


def test_a_number_while_letters_are_asked_is_a_temperature() -> None:
    found = read("37")
    assert found.wrong is not None and found.wrong.reason == "is_a_temperature"
    assert found.intents == (Intent.READING,)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("7K4", [("7K", "acknowledge")]),
        ("7k5", [("7K", "pass_on")]),
        ("ok 7k 4", [("7K", "acknowledge")]),
        ("7K4 8M5", [("7K", "acknowledge"), ("8M", "pass_on")]),
    ],
)
def test_codes_of_people_on_call(text: str, codes: list[tuple[str, str]]) -> None:
    found = read_reply(text, sender="staff")
    assert found.intents == (Intent.CODE,)
    assert [(code.case, code.action.value) for code in found.codes] == codes


def test_other_texts_of_people_on_call() -> None:
    assert read_reply("ok", sender="staff").intents == (Intent.BARE_OK,)
    assert read_reply("STOP", sender="staff").intents == (Intent.OPT_OUT,)
    assert read_reply("quem?", sender="staff").intents == (Intent.UNKNOWN,)
    assert read_reply("39,5", sender="staff").intents == (Intent.UNKNOWN,), "staff do not report temperatures"


def test_a_patients_text_is_never_a_code() -> None:
    assert read("7K4").codes == ()


@given(st.text(max_size=120), st.sampled_from(["patient", "staff", "unknown"]))
def test_no_text_raises(text: str, sender: str) -> None:
    found = read_reply(
        text, sender=sender, open_item=DAILY.item("temp"), questionnaire=DAILY, facts=FACTS  # type: ignore[arg-type]
    )
    assert found.intents
