"""Made-up people: the first study at one site, its care team and rota. For the demo, the rehearsal and the
tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import ContactMethod, Patient, Rota, Site, Staff, Study
from service.security import Role, hash_password
from service.use_cases import enrolment, oncall, sites, staff, studies

PASSWORD = "a made-up password"
ZONE = "America/Sao_Paulo"


@dataclass(frozen=True)
class Person:
    """A member of the made-up care team."""

    name: str
    email: str
    role: Role
    phone: str


ANA = Person("Ana Souza", "ana@vigilia.example", Role.COORDINATOR, "+5516991110001")
REIS = Person("Dr. Reis", "reis@vigilia.example", Role.CLINICIAN, "+5516991110002")
LIMA = Person("Dr. Lima", "lima@vigilia.example", Role.CLINICIAN, "+5516991110003")
PRADO = Person("Dr. Prado", "prado@vigilia.example", Role.INVESTIGATOR, "+5516991110004")
MOTA = Person("Dr. Mota", "mota@vigilia.example", Role.MONITOR, "+5516991110005")
BIA = Person("Bia Nunes", "bia@vigilia.example", Role.OPERATOR, "+5516991110006")
ADA = Person("Ada Lopes", "ada@vigilia.example", Role.ADMIN, "+5516991110007")
TEAM = (ANA, REIS, LIMA, PRADO, MOTA, BIA, ADA)

PATIENTS = tuple((f"P-{number:03d}", f"+55169922200{number:02d}") for number in range(1, 10))


@cache
def password_hash() -> str:
    """The made-up password as it is kept: made-up people share one, and making it is slow on purpose."""
    return hash_password(PASSWORD)


def protocol_text() -> str:
    """The shipped protocol file."""
    return files("workflows").joinpath("protocols/nct01297972.yaml").read_text(encoding="utf-8")


def seed_study(session: Session, *, now: datetime, language: str = "pt-BR") -> Site:
    """The study (confirmed by the made-up investigator, active), the site RP, the team with verified phones,
    a rota.

    Dr. Reis is on call and Dr. Lima is backup, in every week.
    """
    study = studies.load(session, protocol_text(), actor="system", now=now)
    studies.confirm(session, study, by=PRADO.name, actor="system", now=now)
    studies.activate(session, study, actor="system", now=now)
    site = sites.create(
        session,
        study,
        code="RP",
        name="Ribeirao Preto",
        telephone="(16) 3602-0000",
        place="Ambulatorio",
        timezone=ZONE,
        actor="system",
        now=now,
    )
    people: dict[str, Staff] = {}
    for person in TEAM:
        row = staff.add(
            session,
            name=person.name,
            email=person.email,
            role=person.role,
            site_id=None if person.role in (Role.OPERATOR, Role.ADMIN, Role.MONITOR) else site.id,
            phone=person.phone,
            language=language,
            actor="system",
            now=now,
        )
        row.password_hash = password_hash()
        people[person.email] = row
        for contact in session.scalars(select(ContactMethod).where(ContactMethod.staff_id == row.id)):
            contact.verified_at = contact.last_delivered_at = now
    oncall.create_rota(
        session,
        site,
        name="Fever line",
        timezone=ZONE,
        layers=[
            {
                "name": layer,
                "every": "week",
                "handover": "08:00",
                "weekday": 0,
                "start": "2026-01-05",
                "members": [people[person.email].id],
            }
            for layer, person in (("on_call", REIS), ("backup", LIMA))
        ],
        actor="system",
        now=now,
    )
    session.flush()
    return site


def enrol(
    session: Session, code: str, *, on: date, now: datetime, language: str = "pt-BR", phone: str = ""
) -> Patient:
    """Enrol a made-up patient at the site RP; those of `PATIENTS` have their telephone there."""
    site = session.scalars(select(Site).where(Site.code == "RP")).one()
    study = session.get_one(Study, site.study_id)
    new = enrolment.NewPatient(
        study=study,
        site=site,
        code=code,
        phone=phone or dict(PATIENTS)[code],
        language=language,
        timezone=ZONE,
        enrolled_on=on,
    )
    return enrolment.enrol_patient(session, new, actor="system", now=now)


def rota_of(session: Session, site: Site) -> Rota:
    """The site's rota."""
    return session.scalars(select(Rota).where(Rota.site_id == site.id)).one()
