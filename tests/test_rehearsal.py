"""A rehearsal explains every due item, hears every fever, and is the same for the same seed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from service.cli import main
from service.logs import configure_logs
from service.rehearsal import Rehearsal
from service.rehearsal_patients import ANSWERS


@pytest.fixture(scope="module")
def found() -> dict:
    return Rehearsal(patients=2, days=16, seed=4, faults="all").run()


def test_every_due_item_is_explained(found) -> None:
    assert found["unexplained"] == []
    assert found["due"]["inbound"].keys() and found["audit_entries"] > 50


def test_every_fever_reaches_a_human(found) -> None:
    assert found["fevers"], "choose a seed with a fever"
    for fever in found["fevers"]:
        assert fever["severity"] == "red" and fever["seconds_to_human"] is not None, fever


def test_a_human_who_comes_late_is_explained_page_by_page(monkeypatch) -> None:
    monkeypatch.setattr("service.rehearsal_report.LONG", -1)
    (fever,) = Rehearsal(patients=1, days=12, seed=1).run()["fevers"]
    assert fever["why"] and fever["why"][0].startswith("+0 s sms Dr. Reis: "), fever
    assert fever["why"][-1].split(": ")[1].startswith(("answered", "key 4")), fever


def test_most_daily_questions_are_answered_to_the_end(found) -> None:
    daily = found["due"]["occasions"]["daily"]
    assert daily["answered"] > daily.get("missed", 0), daily


@pytest.mark.parametrize("on_the_page", [0, 1])
def test_the_weekly_questions_are_answered_in_the_app_and_on_the_page(on_the_page, monkeypatch) -> None:
    monkeypatch.setattr("service.rehearsal_patients.ON_THE_PAGE", on_the_page)
    rehearsal = Rehearsal(patients=1, days=23, seed=2)
    assert rehearsal.run()["due"]["occasions"]["weekly"]["answered"] == 1
    assert bool(rehearsal.players["+5516992000001"].app.token) is not bool(on_the_page)


def test_no_reminder_is_sent_twice(found) -> None:
    assert not {"reminder", "question"} & found["twice"].keys()


def test_the_same_seed_gives_the_same_report(found) -> None:
    assert Rehearsal(patients=2, days=16, seed=4, faults="all").run() == found


def test_each_question_has_an_answer_of_its_own() -> None:
    from notifications.message import Channel
    from notifications.render import Renderer

    renderer = Renderer()
    for name in ("temp", "temp_site", "recheck", "signs", "bleeding", "antipyretic", "doses", "well"):
        text = renderer.render(name, {}, language="pt-BR", channel=Channel.SMS).text.casefold()
        assert sum(words in text for words, _answer in ANSWERS) == 1, name


def test_the_command_writes_its_report(tmp_path) -> None:
    file = tmp_path / "report.json"
    shown = CliRunner().invoke(
        main, ["rehearse", "--patients", "1", "--days", "2", "--seed", "1", "--report", str(file)]
    )
    assert shown.exit_code == 0, shown.output
    configure_logs(as_json=True)  # the command keeps only what is critical
    assert json.loads(file.read_text())["patients"] == 1


def test_unknown_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="faults"):
        Rehearsal(1, 1, 1, "weather").run()
