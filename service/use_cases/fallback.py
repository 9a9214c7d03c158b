"""Who is paged when nobody is on call: named people of the site, else everybody who may be on duty there."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Site, Staff
from service.use_cases import audit, staff
from workflows.decisions import RuleViolation

SETTING = "fallback_staff"


def named(site: Site) -> list[int]:
    """The staff ids that the site has named; empty when it named nobody."""
    return [int(each) for each in site.settings.get(SETTING, [])]


def of_site(session: Session, site: Site) -> list[int]:
    """Who is paged. People who have left do not count; when all the named ones have, everybody else does."""
    wanted = named(site)
    query = select(Staff.id).where(Staff.id.in_(wanted), Staff.active).order_by(Staff.id)
    active = list(session.scalars(query)) if wanted else []
    return active or staff.ids_with_role(session, site.id, "investigator", "clinician")


def choose(session: Session, site: Site, people: Collection[int], *, actor: str, now: datetime) -> None:
    """Name the fallback; nobody means everybody who may be on duty. RuleViolation for somebody unknown or gone."""
    wanted = sorted(set(people))
    known = set(session.scalars(select(Staff.id).where(Staff.id.in_(wanted), Staff.active)))
    if set(wanted) - known:
        raise RuleViolation("people", sorted(set(wanted) - known), "not an active member of staff")
    detail = {"was": named(site), "is": wanted}
    site.settings = {**site.settings, SETTING: wanted}
    audit.record(session, "site:fallback", actor=actor, now=now, subject_id=site.id, detail=detail)
