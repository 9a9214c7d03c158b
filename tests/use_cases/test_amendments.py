"""A patient moves to a new version of the protocol, and back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.errors import Conflict
from service.models import StudyVersion
from service.use_cases import amendments, anchors, calendar, patients, studies, visits
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, visit
from tests.workflows.calendar_case import STUDY_FILE
from workflows.decisions import RuleViolation

WEEKLY = "{anchor: infusion_1, offset: 7, before: 2, after: 2}"


def load_second(session: Any, *, confirmed: bool = True) -> StudyVersion:
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
    study = studies.load(session, text, actor=ACTOR, now=at("03-03"))
    if confirmed:
        studies.confirm(session, study, by="Dr. Prado", actor=ACTOR, now=at("03-03"))
        studies.activate(session, study, actor=ACTOR, now=at("03-03"))
    return session.scalars(select(StudyVersion).where(StudyVersion.version == "2")).one()


def test_loading_a_version_moves_nobody(session: Any) -> None:
    second = load_second(session, confirmed=False)
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


def test_an_unconfirmed_version_can_be_seen_and_not_used(session: Any) -> None:
    patient = enrol(session)
    second = load_second(session, confirmed=False)
    assert amendments.preview(session, patient, second, now=at("03-03"))["moved"]
    with pytest.raises(Conflict, match="must confirm version 2 first"):
        amendments.migrate(session, patient, second, reason="now", actor=ACTOR, now=at("03-03"))
    assert patient.study_version_id != second.id


def test_several_move_together_and_one_who_has_left_stays(session: Any) -> None:
    people = [enrol(session, f"P-00{n}", phone=f"+551699111000{n}") for n in (1, 2, 3)]
    second = load_second(session)
    patients.set_status(
        session, people[1], status="withdrawn", on=day("03-03"), reason="asked to", actor=ACTOR, now=at("03-03")
    )
    assert [one.code for one in amendments.waiting(session, second, site_id=None)] == ["P-001", "P-003"]
    shown = amendments.migrate_many(session, people, second, dry_run=True, actor=ACTOR, now=at("03-03"))
    assert [bool(one.diff) for one in shown] == [True, False, True]
    assert visit(session, people[0], "ATG1").date == day("03-09")
    done = amendments.migrate_many(session, people, second, reason="amendment 1", actor=ACTOR, now=at("03-03"))
    assert "withdrawn" in done[1].refused and done[1].diff is None
    for one, preview in ((done[0], shown[0]), (done[2], shown[2])):
        assert one.diff is not None and one.from_version == "1"
        assert {name: value for name, value in one.diff.items() if name != "revision"} == preview.diff
        assert visit(session, one.patient, "ATG1").date == day("03-10")
    assert amendments.in_use(session, studies.by_code(session, "NCT01297972")) == {second.id: 2}
    assert amendments.waiting(session, second, site_id=None) == []


def test_a_held_visit_stays_and_is_flagged_when_the_protocol_changes(session: Any) -> None:
    patient = enrol(session)
    booked = visit(session, patient, "BASE")
    visits.change(session, booked, date=day("03-05"), actor=ACTOR, now=at("03-03"))
    done = amendments.migrate(
        session, patient, load_second(session), reason="amendment 1", actor=ACTOR, now=at("03-03")
    )
    assert "BASE" in done["unchanged"] and visit(session, patient, "BASE").date == day("03-05")
    assert visit(session, patient, "ATG1").date == day("03-10")


def test_a_questionnaire_that_is_gone_is_not_asked_any_more(session: Any) -> None:
    from service.models import Occasion
    from service.use_cases import occasions

    patient = enrol(session)
    daily = session.scalars(
        select(Occasion).where(Occasion.patient_id == patient.id).order_by(Occasion.opens_at).limit(1)
    ).one()
    daily.status, daily.questionnaire = "open", "diary"
    amendments.migrate(session, patient, load_second(session), reason="no diary", actor=ACTOR, now=at("03-03"))
    assert daily.status == "cancelled" and daily.ended_reason == "protocol version 2"
    assert occasions.open_for(session, patient, now=at("03-03")) == []


def test_what_a_visit_is_called_and_where_it_is_held_follows_the_version_both_ways(session: Any) -> None:
    patient = enrol(session)
    text = STUDY_FILE.read_text(encoding="utf-8")
    for old, changed in (('version: "1"', 'version: "2"'), ("label: {en: Baseline,", "label: {en: First look,")):
        assert old in text
        text = text.replace(old, changed, 1)
    study = studies.load(session, text, actor=ACTOR, now=at("03-03"))
    studies.confirm(session, study, by="Dr. Prado", actor=ACTOR, now=at("03-03"))
    base = visit(session, patient, "BASE")
    version = session.scalars(select(StudyVersion).where(StudyVersion.version == "2")).one()
    amendments.migrate(session, patient, version, reason="clearer", actor=ACTOR, now=at("03-03"))
    assert base.label["en"] == "First look"
    assert visit(session, patient, "ENR").status == "completed"
    anchors.undo(session, patient, actor=ACTOR, now=at("03-04"))
    assert base.label["en"] == "Baseline"
