"""Who is on call for a site, and where nobody is: rows in, `workflows.oncall`'s answer out."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import Session

from service.models import Override, Rota, Shift, Staff
from service.prepared import Prepared
from service.use_cases import bulk, rows
from service.use_cases.among import IDS, among
from service.use_cases.rotas import (
    Stretch,
    add_override,
    add_shift,
    cancel,
    change_rota,
    check_layers,
    create_rota,
    layer_of,
    swap,
)
from workflows import oncall as rules
from workflows.oncall import Hole, OnDuty

__all__ = [
    "Stretch",
    "add_override",
    "add_shift",
    "as_rules",
    "cancel",
    "change_rota",
    "check_layers",
    "create_rota",
    "holes",
    "rotas_of",
    "stretches",
    "swap",
    "who",
]

ROTAS = Prepared(select(*bulk.table_of(Rota).c).where(Rota.site_id == bindparam("site")).order_by(Rota.id))


def _that_may_matter(table: type[Shift] | type[Override]) -> tuple[ColumnElement[bool], ...]:
    return (
        table.rota_id == bindparam("rota"),
        table.cancelled_at.is_(None),
        table.end_at > bindparam("start"),
        table.start_at <= bindparam("horizon"),
    )


SHIFTS = Prepared(select(*bulk.table_of(Shift).c).where(*_that_may_matter(Shift)).order_by(Shift.id))
OVERRIDES = Prepared(select(*bulk.table_of(Override).c).where(*_that_may_matter(Override)).order_by(Override.id))
ACTIVE = Prepared(select(Staff.id).where(among(Staff.id, IDS), Staff.active))


def rotas_of(session: Session, site_id: int) -> list[Rota]:
    bulk.flush_of(session, Rota)
    return [rows.stand(session, Rota, row) for row in ROTAS.all(session, site=site_id)]


def who(session: Session, site_id: int, at: datetime) -> list[OnDuty]:
    """Who is on call for a site at `at`, over all its rotas, by rota and layer. Inactive people do not count."""
    duties = [
        duty
        for rota in rotas_of(session, site_id)
        for duty in rules.who_is_on_call(as_rules(session, rota, at, at), at)
    ]
    bulk.flush_of(session, Staff)
    active = {number for (number,) in ACTIVE.all(session, ids=[duty.staff_id for duty in duties])}
    return [duty for duty in duties if duty.staff_id in active]


def holes(session: Session, site_id: int, start: datetime, end: datetime) -> list[Hole]:
    """Where nobody is on call or backup in [start, end): empty stretches, and people who have left.

    With no rota at all it is one hole as long as the stretch.
    """
    rotas = rotas_of(session, site_id)
    if not rotas:
        return [Hole(rules.ON_CALL, start, end)]
    active = set(session.scalars(select(Staff.id).where(Staff.active)))
    found: list[Hole] = []
    for rota in rotas:
        found += rules.holes(as_rules(session, rota, start, end), start, end)
        gone = [each for each in stretches(session, rota, start, end) if each.staff_id not in active]
        found += [Hole(each.layer, each.start, each.end) for each in gone]
    return sorted(found, key=lambda hole: (hole.start, hole.layer))


def stretches(session: Session, rota: Rota, start: datetime, end: datetime) -> list[Stretch]:
    """Every stretch of duty of [start, end), for the calendar page, by layer and time."""
    values = as_rules(session, rota, start, end)
    return [
        Stretch(layer.name, duty.staff_id, begin, duty.until or end, str(duty.why))
        for layer in values.layers
        for begin, duty in rules.stretches(values, layer, start, end)
    ]


def as_rules(session: Session, rota: Rota, start: datetime, end: datetime) -> rules.Rota:
    """The rota as a value, with the shifts and overrides that may matter from `start` to a while after `end`."""
    horizon = end + timedelta(days=60)
    session.flush()
    given = {"rota": rota.id, "start": start, "horizon": horizon}
    shifts, overrides = SHIFTS.all(session, **given), OVERRIDES.all(session, **given)
    return rules.Rota(
        rota.timezone,
        tuple(layer_of(layer, shifts) for layer in rota.layers),
        tuple(rules.Override(one.layer, one.staff_id, one.start_at, one.end_at, one.reason) for one in overrides),
    )
