"""Rotas, shifts and overrides: made, changed, taken back. Who is on call then is `use_cases.oncall`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.errors import Conflict
from service.models import Override, Rota, Shift, Site, Staff
from service.use_cases import audit
from workflows import oncall as rules
from workflows.decisions import RuleViolation

EVERY = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Stretch:
    """A stretch of duty for a calendar."""

    layer: str
    staff_id: int
    start: datetime
    end: datetime
    why: str


def create_rota(
    session: Session,
    site: Site,
    *,
    name: str,
    layers: Sequence[Mapping[str, Any]],
    timezone: str = "",
    actor: str,
    now: datetime,
) -> Rota:
    """A rota of `site`, with `layers` as in `models.Rota`: the first is on call, the second backup.

    RuleViolation where a layer makes no sense, Conflict for a name that the site has already.
    """
    zone = timezone or site.timezone
    if session.scalar(select(Rota.id).where(Rota.site_id == site.id, Rota.name == name)):
        raise Conflict("this site has a rota of that name", field="name", value=name)
    rota = Rota(site_id=site.id, name=name, timezone=zone, layers=check_layers(session, layers, zone), created_at=now)
    session.add(rota)
    session.flush()
    audit.record(session, "rota:create", actor=actor, now=now, subject_id=rota.id, detail={"layers": rota.layers})
    return rota


def change_rota(
    session: Session, rota: Rota, *, layers: Sequence[Mapping[str, Any]], actor: str, now: datetime
) -> Rota:
    """New layers for a rota; what they were stays in the audit trail."""
    before = rota.layers
    rota.layers = check_layers(session, layers, rota.timezone)
    session.flush()
    detail = {"was": before, "is": rota.layers}
    audit.record(session, "rota:change", actor=actor, now=now, subject_id=rota.id, detail=detail)
    return rota


def check_layers(session: Session, layers: Sequence[Mapping[str, Any]], zone: str) -> list[Any]:
    """The layers as they are stored; RuleViolation names the first fault by its place."""
    if zone not in available_timezones():
        raise RuleViolation("timezone", zone, "not a time zone; e.g. America/Sao_Paulo")
    if not layers:
        raise RuleViolation("layers", layers, "a rota needs at least one layer")
    checked: list[Any] = []
    for index, layer in enumerate(layers):
        place = f"layers.{index}"
        stored = dict(layer)
        stored["name"] = str(layer.get("name") or (rules.ON_CALL, rules.BACKUP)[min(index, 1)])
        if stored["name"] in [each["name"] for each in checked]:
            raise RuleViolation(f"{place}.name", stored["name"], "two layers of one name")
        if stored.get("every", "week") not in EVERY:
            raise RuleViolation(f"{place}.every", stored["every"], "week or day")
        try:
            layer_of(stored)
        except (ValueError, TypeError, KeyError) as error:
            raise RuleViolation(place, dict(layer), str(error)) from error
        _check_people(session, stored.get("members", ()), f"{place}.members")
        checked.append(stored)
    return checked


def add_shift(
    session: Session,
    rota: Rota,
    *,
    staff: Staff,
    start_at: datetime,
    end_at: datetime,
    layer: str = rules.ON_CALL,
    actor: str,
    now: datetime,
) -> Shift:
    """A fixed stretch of duty; it goes before the layer's rotation."""
    _check_stretch(session, rota, layer, staff, start_at, end_at)
    shift = Shift(
        rota_id=rota.id,
        staff_id=staff.id,
        layer=layer,
        start_at=start_at,
        end_at=end_at,
        created_by=actor,
        created_at=now,
    )
    session.add(shift)
    session.flush()
    audit.record(session, "shift:add", actor=actor, now=now, subject_id=shift.id, detail=_detail(shift))
    return shift


def add_override(
    session: Session,
    rota: Rota,
    *,
    staff: Staff,
    start_at: datetime,
    end_at: datetime,
    reason: str,
    layer: str = rules.ON_CALL,
    instead_of: Staff | None = None,
    actor: str,
    now: datetime,
) -> Override:
    """Somebody in somebody's place; it goes before shifts and rotations. `reason` must be given."""
    if not reason.strip():
        raise RuleViolation("reason", reason, "say why")
    _check_stretch(session, rota, layer, staff, start_at, end_at)
    override = Override(
        rota_id=rota.id,
        layer=layer,
        staff_id=staff.id,
        instead_of_id=instead_of.id if instead_of else None,
        start_at=start_at,
        end_at=end_at,
        reason=reason.strip(),
        created_by=actor,
        created_at=now,
    )
    session.add(override)
    session.flush()
    audit.record(session, "override:add", actor=actor, now=now, subject_id=override.id, detail=_detail(override))
    return override


def swap(
    session: Session,
    rota: Rota,
    *,
    first: Stretch,
    second: Stretch,
    reason: str,
    actor: str,
    now: datetime,
) -> tuple[Override, Override]:
    """Two people change places: two overrides, one for each stretch."""
    if first.layer != second.layer:
        raise RuleViolation("layer", second.layer, "only stretches of one layer can be swapped")
    one, other = rules.swap(
        rules.Shift(first.staff_id, first.start, first.end),
        rules.Shift(second.staff_id, second.start, second.end),
        first.layer,
        reason,
    )
    made = []
    for override, before in ((one, first), (other, second)):
        made.append(
            add_override(
                session,
                rota,
                staff=session.get_one(Staff, override.staff_id),
                start_at=override.start,
                end_at=override.end,
                reason=reason,
                layer=first.layer,
                instead_of=session.get_one(Staff, before.staff_id),
                actor=actor,
                now=now,
            )
        )
    return made[0], made[1]


def cancel(session: Session, row: Shift | Override, *, actor: str, now: datetime) -> None:
    """Take a shift or an override back. The row stays."""
    if row.cancelled_at is None:
        row.cancelled_at = now
        kind = "shift" if isinstance(row, Shift) else "override"
        audit.record(session, f"{kind}:cancel", actor=actor, now=now, subject_id=row.id, detail=_detail(row))


def overrides_of(session: Session, rota: Rota, *, after: datetime) -> list[Override]:
    """Changes of the rota that are not over at `after` and were not taken back, by their start."""
    return list(
        session.scalars(
            select(Override)
            .where(Override.rota_id == rota.id, Override.cancelled_at.is_(None), Override.end_at > after)
            .order_by(Override.start_at, Override.id)
        )
    )


def people_for(session: Session, site_id: int) -> list[Staff]:
    """Who may be put on duty at a site: active clinicians and investigators, by name."""
    return list(
        session.scalars(
            select(Staff)
            .where(
                Staff.active,
                Staff.role.in_(("clinician", "investigator")),
                or_(Staff.site_id.is_(None), Staff.site_id == site_id),
            )
            .order_by(Staff.name)
        )
    )


def layer_of(stored: Mapping[str, Any], shifts: Iterable[Shift] = ()) -> rules.Layer:
    """A stored layer and its shifts as a value. ValueError, TypeError or KeyError for one that makes no sense."""
    members = tuple(int(member) for member in stored.get("members", ()))
    rotation = None
    if members:
        begin = date.fromisoformat(str(stored.get("start", "2026-01-05")))
        weekday = stored.get("weekday")
        if weekday is not None and stored.get("every", "week") == "week":
            begin -= timedelta(days=(begin.weekday() - int(weekday)) % 7)
        rotation = rules.Rotation(
            members,
            begin,
            time.fromisoformat(str(stored.get("handover", "08:00"))),
            EVERY[stored.get("every", "week")],
            frozenset(int(day) for day in stored.get("weekdays", range(7))),
            time.fromisoformat(stored["from"]) if stored.get("from") else None,
            time.fromisoformat(stored["to"]) if stored.get("to") else None,
            date.fromisoformat(stored["until"]) if stored.get("until") else None,
        )
    return rules.Layer(
        stored["name"],
        (rotation,) if rotation else (),
        tuple(rules.Shift(one.staff_id, one.start_at, one.end_at) for one in shifts if one.layer == stored["name"]),
        bool(stored.get("required", True)),
    )


def _check_people(session: Session, members: Iterable[Any], place: str) -> None:
    wanted = {int(member) for member in members}
    found = set(session.scalars(select(Staff.id).where(Staff.id.in_(wanted), Staff.active)))
    if wanted - found:
        raise RuleViolation(place, sorted(wanted - found), "not an active member of staff")


def _check_stretch(
    session: Session, rota: Rota, layer: str, staff: Staff, start_at: datetime, end_at: datetime
) -> None:
    if end_at <= start_at:
        raise RuleViolation("end_at", end_at.isoformat(), "must be after its start")
    if layer not in [each["name"] for each in rota.layers]:
        raise RuleViolation("layer", layer, "the rota has no such layer")
    _check_people(session, [staff.id], "staff")


def _detail(row: Shift | Override) -> dict[str, Any]:
    return {
        "rota": row.rota_id,
        "layer": row.layer,
        "staff": row.staff_id,
        "start": row.start_at.isoformat(),
        "end": row.end_at.isoformat(),
    }
