"""Which appointments are in each other's way: of one patient, of a site's days. Queries only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from service.models import Patient, Site, Visit
from service.use_cases import bulk
from service.use_cases.calendar_frame import Frame
from service.use_cases.calendar_rows import VisitRow
from workflows.conflicts import APART, Appointment, Clash, ClashKind, over_capacity, own_clashes, same_hour
from workflows.protocol import Setting
from workflows.visits import OPEN, VisitStatus

TAKEN = tuple(str(each) for each in (*OPEN, VisitStatus.COMPLETED))
AHEAD = timedelta(days=14)
MOST = 200
AnyVisit = Visit | VisitRow


def as_appointment(visit: AnyVisit, patient: str) -> Appointment:
    """A row as the rules take it."""
    by_hand = visit.status == VisitStatus.BOOKED
    return Appointment(
        patient, visit.code, visit.date, Setting(visit.setting), by_hand, visit.booked_at if by_hand else None
    )


def of_visits(
    session: Session,
    visits: Iterable[AnyVisit],
    *,
    today: date,
    only: Collection[str] | None = None,
    full_until: date | None = None,
    patient_of: Callable[[Any], Patient] = attrgetter("patient"),
    limits: Mapping[int, int | None] | None = None,
) -> dict[int, list[Clash]]:
    """Clashes of open appointments from `today` on, by the visit's id and then by day.

    `visits` are all visits of one patient, or of many. `only`: what concerns these codes. `full_until`: the
    last day that is counted against what the site takes. `limits`: what each site takes a day, where the caller has
    it in hand. A query or two a site, however many patients.
    """
    people: dict[int, dict[str, AnyVisit]] = {}
    for visit in visits:
        if visit.merged_into is None and visit.date >= today and visit.status in TAKEN:
            people.setdefault(visit.patient_id, {})[visit.code] = visit
    found: dict[int, list[Clash]] = {}
    asked: dict[int, list[tuple[AnyVisit, Appointment]]] = {}
    for mine in people.values():
        whose = patient_of(next(iter(mine.values()))).code
        rows = [(visit, as_appointment(visit, whose)) for visit in mine.values()]
        wanted = {code for code, visit in mine.items() if visit.status in OPEN and (only is None or code in only)}
        for clash in own_clashes(one for _visit, one in rows):
            if clash.code in wanted or clash.other in wanted:
                found.setdefault(mine[clash.code].id, []).append(clash)
        for visit, one in rows:
            if visit.code in wanted:
                asked.setdefault(visit.site_id, []).append((visit, one))
    for site_id, those in asked.items():
        limit = patient_of(those[0][0]).site.daily_capacity if limits is None else limits[site_id]
        for visit_id, clash in _at_site(session, site_id, limit, those, full_until or date.max):
            found.setdefault(visit_id, []).append(clash)
    return {number: sorted(found[number], key=lambda clash: (clash.date, clash.kind)) for number in found}


def of_patient(
    session: Session,
    patient: Patient,
    visits: Iterable[AnyVisit],
    *,
    today: date,
    only: Collection[str] | None = None,
    limits: Mapping[int, int | None] | None = None,
) -> list[Clash]:
    """The clashes of one patient, by day."""
    found = of_visits(session, visits, today=today, only=only, patient_of=lambda _visit: patient, limits=limits)
    return sorted((clash for those in found.values() for clash in those), key=lambda one: (one.date, one.code))


def _at_site(
    session: Session,
    site_id: int,
    limit: int | None,
    asked: list[tuple[AnyVisit, Appointment]],
    full_until: date,
) -> Iterable[tuple[int, Clash]]:
    days = {one.date for _visit, one in asked if one.date <= full_until} if limit is not None else set()
    counts = _counts(session, site_id, days) if days else {}
    hours = {one.booked_at for _visit, one in asked if one.booked_at is not None}
    others = _booked_at(session, site_id, hours) if hours else []
    for visit, one in asked:
        for clash in (*over_capacity([one], counts, limit), *same_hour(one, others)):
            yield visit.id, clash


def after(
    writes: bulk.Writes, patient: Patient, visits: Sequence[VisitRow], diff: dict[str, Any], *, frame: Frame
) -> list[dict[str, Any]]:
    """The clashes that a diff of the calendar brings or leaves among the visits it moved, as the API shows them."""
    codes = [one["code"] for one in diff["moved"]] + list(diff["added"])
    if not codes:
        return []
    if frame.capacity is not None or any(visit.booked_at for visit in visits):
        writes.flush()  # the database is asked of the site's days: this patient's are counted as well
    limits = {patient.site_id: frame.capacity}
    found = of_patient(writes.session, patient, visits, today=frame.today, only=frozenset(codes), limits=limits)
    return [as_dict(clash) for clash in found]


def as_dict(clash: Clash) -> dict[str, Any]:
    """A clash as JSON."""
    return {
        "kind": str(clash.kind),
        "code": clash.code,
        "date": clash.date.isoformat(),
        "other": clash.other,
        "count": clash.count,
        "limit": clash.limit,
        "why": clash.why,
    }


def coming(session: Session, site_id: int, *, today: date) -> list[tuple[Visit, Clash]]:
    """Clashes of the booked appointments of a site's next two weeks, by day; days that are too full are apart."""
    booked = session.scalars(
        select(Visit.patient_id)
        .where(
            Visit.site_id == site_id,
            Visit.date.between(today, today + AHEAD),
            Visit.status == VisitStatus.BOOKED.value,
        )
        .distinct()
        .limit(MOST)
    ).all()
    if not booked:
        return []
    near = timedelta(days=APART)
    rows = session.scalars(
        select(Visit)
        .where(Visit.patient_id.in_(booked), Visit.date.between(today - near, today + AHEAD + near))
        .options(joinedload(Visit.patient).joinedload(Patient.site))
    ).all()
    by_id = {row.id: row for row in rows}
    found = [
        (by_id[number], clash)
        for number, clashes in of_visits(session, rows, today=today).items()
        for clash in clashes
        if clash.kind is not ClashKind.CAPACITY
    ]
    return sorted(found, key=lambda pair: (pair[1].date, pair[0].id))


def full_days(session: Session, site: Site, *, start: date, end: date | None = None) -> list[tuple[date, int]]:
    """Days from `start` to `end` (two weeks ahead) with more clinic appointments than the site takes, and how many."""
    if site.daily_capacity is None:
        return []
    rows = session.execute(
        _day_counts(site.id)
        .where(Visit.date.between(start, end or start + AHEAD))
        .having(func.count() > site.daily_capacity)
        .order_by(Visit.date)
    )
    return [(day, count) for day, count in rows]


def _day_counts(site_id: int) -> Any:
    return (
        select(Visit.date, func.count())
        .where(
            Visit.site_id == site_id,
            Visit.setting == str(Setting.CLINIC),
            Visit.status.in_(TAKEN),
            Visit.merged_into.is_(None),
        )
        .group_by(Visit.date)
    )


def _counts(session: Session, site_id: int, days: Collection[date]) -> dict[date, int]:
    return {day: count for day, count in session.execute(_day_counts(site_id).where(Visit.date.in_(days)))}


def _booked_at(session: Session, site_id: int, hours: Collection[datetime]) -> list[Appointment]:
    days = {at.date() + timedelta(days=more) for at in hours for more in (-1, 0, 1)}
    rows = session.scalars(
        select(Visit)
        .where(
            Visit.site_id == site_id,
            Visit.date.in_(days),
            Visit.booked_at.in_(hours),
            Visit.status == VisitStatus.BOOKED.value,
            Visit.merged_into.is_(None),
        )
        .options(joinedload(Visit.patient))
    )
    return [as_appointment(row, row.patient.code) for row in rows]
