"""Rotas as rows: checked when they are written, honest about holes."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from service.errors import Conflict
from service.models import AuditEntry, Rota, Site, Staff
from service.use_cases import fallback, oncall, staff
from service.use_cases.rotas import Stretch
from tests.conftest import START
from tests.use_cases.case_help import person
from workflows.decisions import RuleViolation

SP = ZoneInfo("America/Sao_Paulo")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SP)


def names(session, when: datetime) -> list[tuple[str, str]]:
    site = session.scalars(select(Site)).one()
    return [(duty.layer, session.get(Staff, duty.staff_id).name) for duty in oncall.who(session, site.id, when)]


@pytest.fixture
def rota(session) -> Rota:
    return session.scalars(select(Rota)).one()


def test_the_seeded_rota_answers_for_every_instant(session, rota):
    for days in (0, 100, 1000):
        when = START + timedelta(days=days)
        assert names(session, when) == [("on_call", "Dr. Reis"), ("backup", "Dr. Lima")]
    assert oncall.holes(session, rota.site_id, START, START + timedelta(days=90)) == []


def test_weeks_change_hands_on_the_given_weekday(session):
    site = session.scalars(select(Site)).one()
    session.delete(session.scalars(select(Rota)).one())
    session.flush()
    both = [person(session, "Dr. Reis").id, person(session, "Dr. Lima").id]
    oncall.create_rota(
        session,
        site,
        name="Weeks",
        layers=[{"members": both, "every": "week", "weekday": 4, "handover": "18:00", "start": "2026-03-09"}],
        actor="system",
        now=START,
    )
    assert names(session, local("2026-03-13T17:59")) == [("on_call", "Dr. Reis")]
    assert names(session, local("2026-03-13T18:00")) == [("on_call", "Dr. Lima")]
    assert names(session, local("2026-03-20T18:00")) == [("on_call", "Dr. Reis")]


@pytest.mark.parametrize(
    "layers, field",
    [
        ([], "layers"),
        ([{"members": [9999]}], "layers.0.members"),
        ([{"every": "month", "members": []}], "layers.0.every"),
        ([{"handover": "25:00", "members": [1]}], "layers.0"),
        ([{"from": "18:00", "members": [1]}], "layers.0"),
        ([{"name": "on_call"}, {"name": "on_call"}], "layers.1.name"),
    ],
)
def test_a_rota_that_makes_no_sense_is_refused_by_its_place(session, layers, field):
    site = session.scalars(select(Site)).one()
    with pytest.raises(RuleViolation) as refused:
        oncall.create_rota(session, site, name="Wrong", layers=layers, actor="system", now=START)
    assert refused.value.field == field


def test_a_name_twice_and_an_unknown_zone_are_refused(session, rota):
    site = session.get(Site, rota.site_id)
    with pytest.raises(Conflict):
        oncall.create_rota(session, site, name=rota.name, layers=rota.layers, actor="system", now=START)
    with pytest.raises(RuleViolation):
        oncall.create_rota(
            session, site, name="Moon", timezone="Moon/Crater", layers=rota.layers, actor="system", now=START
        )


def test_a_shift_and_a_stand_in_go_before_the_rotation_and_can_be_taken_back(session, rota):
    lima, prado = person(session, "Dr. Lima"), person(session, "Dr. Prado")
    begin, end = local("2026-03-03T18:00"), local("2026-03-04T08:00")
    oncall.add_shift(session, rota, staff=prado, start_at=begin, end_at=end, actor="staff:1", now=START)
    assert names(session, begin)[0] == ("on_call", "Dr. Prado")
    override = oncall.add_override(
        session, rota, staff=lima, start_at=begin, end_at=end, reason="ill", actor="staff:1", now=START
    )
    assert names(session, begin)[0] == ("on_call", "Dr. Lima")
    assert names(session, end)[0] == ("on_call", "Dr. Reis")
    oncall.cancel(session, override, actor="staff:1", now=START)
    assert names(session, begin)[0] == ("on_call", "Dr. Prado")
    actions = session.scalars(select(AuditEntry.action)).all()
    assert {"shift:add", "override:add", "override:cancel"} <= set(actions)


def test_a_stand_in_needs_a_reason_an_end_and_a_layer(session, rota):
    lima = person(session, "Dr. Lima")
    good = {"staff": lima, "start_at": START, "end_at": START + timedelta(hours=1), "reason": "ill"}
    for wrong in ({"reason": " "}, {"end_at": START}, {"layer": "night"}):
        with pytest.raises(RuleViolation):
            oncall.add_override(session, rota, **(good | wrong), actor="staff:1", now=START)


def test_a_swap_is_two_stand_ins(session, rota):
    reis, lima = person(session, "Dr. Reis"), person(session, "Dr. Lima")
    day = timedelta(days=1)
    first = Stretch("on_call", reis.id, START + day, START + 2 * day, "")
    second = Stretch("on_call", lima.id, START + 5 * day, START + 6 * day, "")
    oncall.swap(session, rota, first=first, second=second, reason="wedding", actor="staff:1", now=START)
    assert names(session, START + day)[0] == ("on_call", "Dr. Lima")
    assert names(session, START + 5 * day)[0] == ("on_call", "Dr. Reis")


def test_somebody_who_left_is_a_hole_not_a_name(session, rota):
    staff.deactivate(session, person(session, "Dr. Reis"), actor="system", now=START)
    session.flush()
    assert names(session, START) == [("backup", "Dr. Lima")]
    (hole,) = oncall.holes(session, rota.site_id, START, START + timedelta(hours=72))
    assert (hole.layer, hole.start, hole.end) == ("on_call", START, START + timedelta(hours=72))


def test_the_fallback_is_who_was_named_and_else_everybody(session, rota):
    site = session.get(Site, rota.site_id)
    reis, lima, prado = (person(session, name).id for name in ("Dr. Reis", "Dr. Lima", "Dr. Prado"))
    assert fallback.of_site(session, site) == sorted([reis, lima, prado])
    fallback.choose(session, site, [prado], actor="staff:1", now=START)
    assert fallback.of_site(session, site) == [prado]
    staff.deactivate(session, person(session, "Dr. Prado"), actor="system", now=START)
    session.flush()
    assert fallback.of_site(session, site) == sorted([reis, lima])
    with pytest.raises(RuleViolation):
        fallback.choose(session, site, [prado], actor="staff:1", now=START)


def test_a_site_without_a_rota_is_one_hole(session, rota):
    end = START + timedelta(hours=1)
    session.delete(rota)
    session.flush()
    (hole,) = oncall.holes(session, rota.site_id, START, end)
    assert (hole.start, hole.end) == (START, end)
