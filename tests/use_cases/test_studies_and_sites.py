"""Studies before they start, and what a site may say."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.errors import Conflict, NotFound
from service.models import Site
from service.use_cases import sites, studies
from tests.use_cases.calendar_people import ACTOR, at, day
from tests.workflows.calendar_case import STUDY_FILE
from workflows.decisions import RuleViolation
from workflows.protocol_file import ProtocolErrors

TEXT = STUDY_FILE.read_text(encoding="utf-8").replace("code: NCT01297972", "code: OTHER", 1)


def load(session: Any, text: str = TEXT) -> Any:
    return studies.load(session, text, actor=ACTOR, now=at("03-02"))


def test_a_study_starts_only_once_a_name_stands_for_its_defaults(session: Any) -> None:
    study = load(session)
    assert study.status == "draft"
    with pytest.raises(Conflict, match="investigator must confirm"):
        studies.activate(session, study, actor=ACTOR, now=at("03-02"))
    with pytest.raises(RuleViolation, match="name the investigator"):
        studies.confirm(session, study, by=" ", actor=ACTOR, now=at("03-02"))
    studies.confirm(session, study, by="Dr. Prado", actor=ACTOR, now=at("03-02"))
    studies.activate(session, study, actor=ACTOR, now=at("03-03"))
    assert (study.status, study.confirmed_by, study.activated_at) == ("active", "Dr. Prado", at("03-03"))


def test_the_same_text_again_changes_nothing_and_another_under_one_version_is_refused(session: Any) -> None:
    study = load(session)
    assert load(session).id == study.id and len(studies.versions(session, study)) == 1
    with pytest.raises(Conflict, match="give it a new version"):
        load(session, TEXT.replace("study_days: 182", "study_days: 183", 1))
    with pytest.raises(ProtocolErrors):
        load(session, TEXT.replace("anchor: atg_start, offset: -3", "anchor: atg, offset: -3", 1))


def test_a_study_is_found_by_its_code(session: Any) -> None:
    assert studies.by_code(session, "NCT01297972").status == "active"
    with pytest.raises(NotFound, match="NCT0"):
        studies.by_code(session, "NCT0")


def create(session: Any, **changed: Any) -> Site:
    values: dict[str, Any] = {
        "code": "SP",
        "name": "Sao Paulo",
        "telephone": "(11) 3602-0000",
        "place": "Ambulatorio",
    }
    study = studies.by_code(session, "NCT01297972")
    return sites.create(session, study, **(values | changed), actor=ACTOR, now=at("03-02"))


def test_a_site_has_its_closed_days_besides_weekends_and_holidays(session: Any) -> None:
    site = create(session, closed_days=["2026-06-05"])
    closed = sites.closed_days(site.country, site.subdivision, site.closed_days)
    assert [day(one) in closed for one in ("06-05", "06-08", "06-06", "07-09")] == [True, False, True, True]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("telephone", "12"),
        ("place", "The outpatient clinic on the third floor"),
        ("emergency_number", "one nine two"),
        ("clinic_hour", "25:00"),
        ("timezone", "Mars/Olympus"),
        ("closed_days", ["tomorrow"]),
        ("daily_capacity", 0),
        ("whatsapp_templates", "pt_BR/weekly=HX1"),
        ("code", " "),
    ],
)
def test_what_no_text_could_carry_is_refused_where_it_is_entered(
    session: Any, field: str, value: Any
) -> None:
    with pytest.raises(RuleViolation) as refused:
        create(session, **{field: value})
    assert refused.value.field == field


def test_a_site_changes_with_a_reason(session: Any) -> None:
    site = session.scalars(select(Site)).one()
    with pytest.raises(RuleViolation, match="reason"):
        sites.change(session, site, actor=ACTOR, now=at("03-02"), reason="", place="Bloco B")
    sites.change(session, site, actor=ACTOR, now=at("03-02"), reason="moved", place="Bloco B")
    assert site.place == "Bloco B"
    with pytest.raises(Conflict, match="has a site SP already"):
        create(session)
        create(session)
