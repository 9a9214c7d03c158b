"""A site in the console: added and changed with a reason; a fault names its field and keeps what was typed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.demo import seed
from service.models import AuditEntry, Site, Study
from tests.web.pages import Person
from tests.web.test_console import coordinator

NEW = {
    "code": "SP2", "name": "Campinas", "telephone": "(19) 3521-0000", "emergency_number": "192",
    "place": "Bloco A",
    "clinic_hour": "08:30", "timezone": "America/Sao_Paulo", "country": "BR", "subdivision": "SP",
    "closed_days": "2026-12-24\n2026-12-31", "daily_capacity": "12", "reason": "a second centre",
}  # fmt: skip


@pytest.fixture
def ada(world: Any) -> Person:
    person = Person(world.browser(seed.ADA))
    person.sends(person.opens("/"), "/language", language="en")
    return person


def site_of(world: Any, code: str) -> Site | None:
    with world.runtime.db.reading() as session:
        return session.scalars(select(Site).where(Site.code == code)).one_or_none()


def study_id(world: Any) -> int:
    with world.runtime.db.reading() as session:
        return session.scalars(select(Study.id)).one()


def written(world: Any, verb: str) -> list[AuditEntry]:
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == verb).order_by(AuditEntry.id)))


def test_an_administrator_adds_a_site_from_the_study_page(world: Any, ada: Person) -> None:
    address = f"/study/{study_id(world)}/sites/new"
    assert address in ada.opens("/study").links
    page = ada.sends(ada.opens(address), address, **NEW)
    assert "Campinas" in page.text and "08:30" in page.text
    made = site_of(world, "SP2")
    assert made is not None and made.closed_days == ["2026-12-24", "2026-12-31"] and made.daily_capacity == 12
    assert written(world, "site:create")[-1].detail["reason"] == "a second centre"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("code", ""), ("code", "RP"), ("name", ""), ("telephone", "12"), ("emergency_number", "SAMU"),
        ("emergency_number", "1" * 17), ("place", "x" * 81), ("place", "a\x00b"), ("clinic_hour", "early"),
        ("timezone", "Mars/Base"), ("country", "ZZ"), ("country", ""), ("subdivision", "XX"),
        ("closed_days", "24/12/2026"), ("daily_capacity", "0"), ("daily_capacity", "many"),
        ("daily_capacity", "1001"), ("reason", ""), ("whatsapp_templates", "pt_BR/weekly"),
    ],
)  # fmt: skip
def test_a_fault_names_its_field_and_keeps_what_was_typed(world: Any, ada: Person, field: str, typed: str) -> None:
    address = f"/study/{study_id(world)}/sites/new"
    page = ada.sends(ada.opens(address), address, status=422, **NEW | {field: typed})
    named = "country" if field == "subdivision" else field
    assert page.wrong == {named}
    kept = page.form(address)["fields"]
    other = "name" if field != "name" else "place"
    assert kept[other] == NEW[other] and (field == "timezone" or "\x00" in typed or kept[field] == typed)
    assert site_of(world, NEW["code"]) is None


def test_a_coordinator_changes_the_own_site_with_a_reason(world: Any) -> None:
    ana, before = coordinator(world), site_of(world, "RP")
    assert before is not None
    address = f"/sites/{before.id}/edit"
    assert address in ana.opens("/study").links
    page = ana.opens(address)
    assert ana.sends(page, address, status=422, place="Bloco B", reason="").wrong == {"reason"}
    ana.sends(page, address, place="Bloco B", daily_capacity="8", closed_days="2026-12-24", reason="moved")
    after = site_of(world, "RP")
    assert after is not None and (after.place, after.daily_capacity) == ("Bloco B", 8)
    (entry,) = written(world, "site:change")
    assert entry.detail["before"] == {"place": "Ambulatorio", "daily_capacity": None, "closed_days": []}
    assert entry.detail["after"]["place"] == "Bloco B" and entry.detail["reason"] == "moved"
    assert "Nothing was changed" in ana.sends(ana.opens(address), address, reason="again").text
    assert len(written(world, "site:change")) == 1


def test_whose_site_it_is_not_may_neither_add_nor_change(world: Any, ada: Person) -> None:
    address = f"/study/{study_id(world)}/sites/new"
    ada.sends(ada.opens(address), address, **NEW)
    other = site_of(world, "SP2")
    assert other is not None
    ana, reis = coordinator(world), Person(world.browser(seed.REIS))
    ana.opens(f"/sites/{other.id}/edit", status=403)
    ana.opens(address, status=403)
    assert address not in ana.opens("/study").links
    ana.opens("/sites/999/edit", status=404)
    reis.opens("/sites/1/edit", status=403)
    assert not [link for link in reis.opens("/study").links if link.endswith("/edit")]


def test_the_first_site_of_a_study_is_reached_from_the_study_page(world: Any, ada: Person) -> None:
    with world.runtime.db.unit_of_work() as session:
        old = session.scalars(select(Study)).one()
        row = Study(**{c.key: getattr(old, c.key) for c in Study.__table__.columns if c.key not in ("id", "code")})
        row.code = "SECOND"
        session.add(row)
        session.flush()
        second = row.id
    address = f"/study/{second}/sites/new"
    assert address in ada.opens("/study").links
    assert "Campinas" in ada.sends(ada.opens(address), address, **NEW).text
