"""Sites: where patients are seen, and what texts say of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.catalog import FieldTooLong, check_field
from notifications.phone import PhoneError, national, parse_phone
from notifications.whatsapp import parse_approved
from service.errors import Conflict, NotFound
from service.models import Patient, Site, Study
from service.security import new_token
from service.use_cases import audit
from workflows.anchors import zone_of
from workflows.closed_days import ClosedDays
from workflows.decisions import RuleViolation

NOT_APPROVED = "a text and its content id, such as pt_BR/weekly=HX and 32 hexadecimal digits, commas between"
CHANGEABLE = (
    "name", "telephone", "emergency_number", "place", "clinic_hour", "timezone", "country", "subdivision",
    "closed_days", "daily_capacity", "whatsapp_templates",
)  # fmt: skip


def create(
    session: Session,
    study: Study,
    *,
    code: str,
    name: str,
    telephone: str,
    place: str,
    actor: str,
    now: datetime,
    emergency_number: str = "192",
    clinic_hour: str = "09:00",
    timezone: str = "America/Sao_Paulo",
    country: str = "BR",
    subdivision: str | None = "SP",
    closed_days: Sequence[str | date] = (),
    daily_capacity: int | None = None,
    whatsapp_templates: str = "",
    reason: str = "",
) -> Site:
    """A new site. RuleViolation names the field that is wrong or too long for a text; Conflict for a code twice."""
    if not code.strip():
        raise RuleViolation("code", code, "a site needs a code")
    if session.scalars(select(Site).where(Site.study_id == study.id, Site.code == code)).first():
        raise Conflict(f"{study.code} has a site {code} already", field="code", value=code)
    values: dict[str, Any] = {
        "name": name, "telephone": telephone, "emergency_number": emergency_number, "place": place,
        "clinic_hour": clinic_hour, "timezone": timezone, "country": country, "subdivision": subdivision,
        "closed_days": closed_days, "daily_capacity": daily_capacity, "whatsapp_templates": whatsapp_templates,
    }  # fmt: skip
    site = Site(study_id=study.id, code=code, feed_token=new_token(), created_at=now, **_checked(values))
    session.add(site)
    session.flush()
    detail: dict[str, Any] = {"code": code, **values} | ({"reason": reason} if reason else {})
    audit.record(session, "site:create", actor=actor, now=now, subject_id=site.id, detail=detail)
    return site


def change(session: Session, site: Site, *, actor: str, now: datetime, reason: str, **changes: Any) -> Site:
    """Change fields of a site, with a reason. Calendars follow when they are next planned."""
    unknown = set(changes) - set(CHANGEABLE)
    if unknown:
        raise RuleViolation(sorted(unknown)[0], "", f"cannot be changed; there are: {', '.join(CHANGEABLE)}")
    if not reason.strip():
        raise RuleViolation("reason", reason, "say why")
    current = {name: getattr(site, name) for name in CHANGEABLE}
    checked = _checked(current | changes)
    before = {name: current[name] for name in changes}
    for name in changes:
        setattr(site, name, checked[name])
    audit.record(
        session, "site:change", actor=actor, now=now, subject_id=site.id,
        detail={"before": before, "after": {name: checked[name] for name in changes}, "reason": reason},
    )  # fmt: skip
    return site


def get(session: Session, site_id: int) -> Site:
    """One site; NotFound."""
    site = session.get(Site, site_id) if 0 < site_id < 2**63 else None
    if site is None:
        raise NotFound(f"there is no site {site_id}")
    return site


def by_code(session: Session, study: Study, code: str) -> Site:
    """The study's site called `code`; NotFound names it."""
    site = session.scalars(select(Site).where(Site.study_id == study.id, Site.code == code)).one_or_none()
    if site is None:
        raise NotFound(f"{study.code} has no site {code!r}", field="site", value=code)
    return site


def all_sites(session: Session, site_id: int | None = None) -> list[Site]:
    """Every site, or the one that a person belongs to."""
    query = select(Site).order_by(Site.code)
    return list(session.scalars(query if site_id is None else query.where(Site.id == site_id)))


def in_use(session: Session) -> list[Site]:
    """Sites of active studies that have a patient still in the study."""
    living = select(Patient.site_id).where(Patient.status.in_(("enrolled", "screening")))
    return list(
        session.scalars(
            select(Site)
            .join(Study, Study.id == Site.study_id)
            .where(Study.status == "active", Site.id.in_(living))
            .order_by(Site.id)
        )
    )


def closed_days(country: str, subdivision: str | None, own: Sequence[str]) -> ClosedDays:
    """Weekends, public holidays of a site's country and part, and its own days (ISO)."""
    return ClosedDays(country, subdivision or "", True, frozenset(map(date.fromisoformat, own)))


def clinic_hour(site: Site) -> time:
    """When clinic visits begin, local time."""
    return time.fromisoformat(site.clinic_hour)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    try:
        ClosedDays(values["country"], values["subdivision"] or "")
    except RuleViolation as error:
        raise RuleViolation("country", values["country"], error.message) from None
    try:
        telephone = parse_phone(values["telephone"], values["country"])
        check_field("tel", national(telephone, values["country"]))
    except PhoneError as error:
        raise RuleViolation("telephone", values["telephone"], str(error)) from None
    except FieldTooLong as error:
        raise RuleViolation("telephone", values["telephone"], str(error)) from None
    for field, name in (("place", "place"), ("emergency", "emergency_number")):
        try:
            check_field(field, values[name])
        except FieldTooLong as error:
            raise RuleViolation(name, values[name], str(error)) from None
    if not str(values["emergency_number"]).isascii() or not str(values["emergency_number"]).isdigit():
        raise RuleViolation("emergency_number", values["emergency_number"], "digits only, e.g. 192")
    try:
        time.fromisoformat(values["clinic_hour"])
    except ValueError:
        raise RuleViolation("clinic_hour", values["clinic_hour"], "a time of day such as 09:00") from None
    try:
        zone_of(values["timezone"])
    except RuleViolation as error:
        raise RuleViolation("timezone", values["timezone"], error.message) from None
    try:
        parse_approved(values["whatsapp_templates"])
    except ValueError:
        raise RuleViolation("whatsapp_templates", values["whatsapp_templates"], NOT_APPROVED) from None
    days = []
    for day in values["closed_days"]:
        try:
            days.append(day.isoformat() if isinstance(day, date) else date.fromisoformat(day).isoformat())
        except ValueError:
            raise RuleViolation("closed_days", day, "a date such as 2026-12-24") from None
    capacity = values["daily_capacity"]
    if capacity is not None and capacity < 1:
        raise RuleViolation("daily_capacity", capacity, "at least 1, or nothing for no limit")
    return {**values, "closed_days": sorted(set(days))}
