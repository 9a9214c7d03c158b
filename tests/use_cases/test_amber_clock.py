"""Amber tasks have the clock that the study gives them; what the alert page may say is the study's choice too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.models import Alert, Link, Patient, Task
from service.use_cases import alerts, case_view, studies, tasks
from tests.use_cases.case_help import at, patient, red
from workflows.protocol import StudyDesign
from workflows.protocol_file import ProtocolErrors, load_design

ZONE = "America/Sao_Paulo"


def design(session: Any, **settings: Any) -> StudyDesign:
    shipped = studies.design_for(session, patient(session))
    return replace(shipped, settings={**shipped.settings, **settings})


def test_an_amber_task_has_the_clock_of_the_amber_policy(session: Any) -> None:
    shipped = design(session)
    assert tasks.amber_due(shipped, ZONE, at(0)) == at(7200)
    amber = next(one for one in shipped.policies if one.key == "amber")
    slow = replace(amber, steps=(replace(amber.steps[0], after=10_800), *amber.steps[1:]))
    changed = replace(shipped, policies=(shipped.policy("red"), slow))
    assert tasks.amber_due(changed, ZONE, at(0)) == at(10_800)
    assert tasks.amber_due(replace(shipped, policies=(shipped.policy("red"),)), ZONE, at(0)) == at(7200)


@pytest.mark.parametrize(
    ("setting", "hour", "due"),
    [("climb", 23, 25), ("morning", 23, 34), ("morning", 3, 10), ("morning", 8, 10), ("morning", 20, 22)],
)
def test_at_night_the_study_chooses(session: Any, setting: str, hour: int, due: int) -> None:
    """Hours on the patient's wall clock, from one midnight."""
    midnight = datetime(2026, 3, 3, 3, 0, tzinfo=UTC)
    chosen = design(session, amber_at_night=setting)
    assert tasks.amber_due(chosen, ZONE, midnight + timedelta(hours=hour)) == midnight + timedelta(hours=due)


def test_a_setting_that_is_no_choice_is_refused() -> None:
    from service.demo.seed import protocol_text

    text = protocol_text().replace("before_the_tap: strict", "before_the_tap: all").replace(
        "amber_at_night: climb", "amber_at_night: never"
    )
    with pytest.raises(ProtocolErrors) as refused:
        load_design(text)
    assert "settings.before_the_tap: one of strict, report, not 'all'" in str(refused.value)
    assert "settings.amber_at_night: one of climb, morning, not 'never'" in str(refused.value)


def test_an_undeliverable_patient_is_a_task_and_then_a_case(world: Any) -> None:
    world.enrol("P-001")
    world.simulator.faults.undelivered.add(world.phone("P-001").number)
    with world.runtime.db.unit_of_work() as session:
        who = session.scalars(select(Patient)).one()
        tasks.open_task(
            session, kind="undeliverable", level="amber", rules=("N-UNDEL",), now=world.now, patient=who, dedupe="x"
        )
    world.advance(hours=2)
    with world.runtime.db.reading() as session:
        assert session.scalars(select(Task).where(Task.dedupe == "x")).one().alert_id is not None
        case = session.scalars(select(Alert)).one()
        assert (case.severity, alerts.reports_of(session, case)[0].rules) == ("amber", ["N-UNDEL"])


def page_before(world: Any, monkeypatch: pytest.MonkeyPatch, choice: str) -> str:
    world.enrol("P-001")
    with world.runtime.db.unit_of_work() as session:
        who = session.scalars(select(Patient)).one()
        chosen = studies.design_for(session, who)
        chosen = replace(chosen, settings={**chosen.settings, "before_the_tap": choice})
        red(session, who)
    world.settle()
    monkeypatch.setattr(case_view.studies, "design_for", lambda *_: chosen)
    answer = world.app.test_client().get(world.phone("Dr. Reis").link(), base_url="https://vigilia.test")
    assert answer.status_code == 200
    with world.runtime.db.reading() as session:
        assert all(one.used_at is None for one in session.scalars(select(Link)))
        assert session.scalars(select(Alert)).one().status == "open"
    return answer.get_data(as_text=True)


def test_strictly_nothing_about_health_is_shown_before_the_tap(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page_before(world, monkeypatch, "strict")
    assert "P-001" in shown and "38,9" not in shown and "T-RED" not in shown


def test_a_study_may_show_the_report_before_the_tap(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = page_before(world, monkeypatch, "report")
    assert "38,9" in shown and "T-RED" in shown
