"""A patient moves to a new version of the protocol, and back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.errors import Conflict
from service.models import StudyVersion
from service.use_cases import amendments, anchors, calendar, studies
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, visit
from tests.workflows.calendar_case import STUDY_FILE
from workflows.decisions import RuleViolation

WEEKLY = "{anchor: infusion_1, offset: 7, before: 2, after: 2}"


def load_second(session: Any) -> StudyVersion:
    """Version 2: a day more before ATG, weekly windows of three days, 24 weeks only."""
    text = STUDY_FILE.read_text(encoding="utf-8")
    for old, new in (
        ('version: "1"', 'version: "2"'),
        ("default: {anchor: enrolment, offset: 7}", "default: {anchor: enrolment, offset: 8}"),
        (WEEKLY, WEEKLY.replace("before: 2, after: 2", "before: 3, after: 3")),
        ("last: 26, every_days: 7", "last: 24, every_days: 7"),
        ('["W01..W26"]', '["W01..W24"]'),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    studies.load(session, text, actor=ACTOR, now=at("03-03"))
    return session.scalars(select(StudyVersion).where(StudyVersion.version == "2")).one()


def test_loading_a_version_moves_nobody(session: Any) -> None:
    second = load_second(session)
    study = studies.by_code(session, "NCT01297972")
    assert study.status == "draft" and study.confirmed_by is None
    studies.confirm(session, study, by="Dr. Prado", actor=ACTOR, now=at("03-03"))
    studies.activate(session, study, actor=ACTOR, now=at("03-03"))
    assert enrol(session).study_version_id == second.id


def test_the_amendment_is_told_previewed_carried_out_and_undone(session: Any) -> None:
    patient = enrol(session)
    second_version = load_second(session)
    lines = amendments.sentences(session, patient, second_version)
    assert "Anchor atg_start was projected enrolment +7 days; now enrolment +8 days." in lines
    shown = amendments.preview(session, patient, second_version, now=at("03-03"))
    assert visit(session, patient, "ATG1").date == day("03-09")
    done = amendments.migrate(
        session, patient, second_version, reason="amendment 1", actor=ACTOR, now=at("03-03")
    )
    assert {name: done[name] for name in shown} == shown
    assert visit(session, patient, "ATG1").date == day("03-10")
    assert {"W25", "W26"} <= set(done["removed"])
    week = visit(session, patient, "W10")
    assert (week.window_end - week.window_start).days == 6
    with pytest.raises(Conflict, match="already"):
        amendments.migrate(session, patient, second_version, reason="again", actor=ACTOR, now=at("03-03"))
    anchors.undo(session, patient, actor=ACTOR, now=at("03-03"))
    assert visit(session, patient, "ATG1").date == day("03-09")
    assert visit(session, patient, "W26").status == "planned"
    assert {row["code"] for row in calendar.as_rows(session, patient)} >= {"W25", "W26", "EOS"}


def test_an_amendment_needs_a_reason(session: Any) -> None:
    patient = enrol(session)
    with pytest.raises(RuleViolation, match="reason"):
        amendments.migrate(session, patient, load_second(session), reason="", actor=ACTOR, now=at("03-03"))
