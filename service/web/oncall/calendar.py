"""The on-call calendar: who is on duty, where nobody is, and standing in for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor, check_site
from service.errors import NotFound, Problem
from service.models import Override, Rota, Site, Staff
from service.runtime import current
from service.use_cases import oncall as duties
from service.use_cases import roster, rotas
from service.use_cases.rotas import Stretch
from service.web.base import go, say
from service.web.forms import Form
from service.web.oncall.blueprint import oncall, planners, readers
from workflows.decisions import RuleViolation
from workflows.oncall import Hole, OnDuty, local_instant

DAYS = 28
SOON = timedelta(hours=72)
Answer = str | Response | tuple[str, int]


@dataclass(frozen=True)
class SiteCover:
    """What the calendar shows of one site. `now_on` pairs each duty with its person."""

    site: Site
    now_on: list[tuple[OnDuty, Staff]]
    holes: list[Hole]
    rotas: list[tuple[Rota, list[tuple[Stretch, Staff]]]]
    overrides: list[tuple[Override, Staff]]
    people: list[Staff]


@oncall.get("/on-call", endpoint="oncall")
@readers
def show() -> Answer:
    return _page(Form())


def _page(form: Form) -> Answer:
    runtime = current()
    now = runtime.clock.now()
    with runtime.db.reading() as session:
        covers = [_cover(session, site, now) for study, site in roster.sites_for(session, actor().site_id)]
        page = render_template(
            "oncall/calendar.html", covers=covers, form=form, soon=now + SOON, days=DAYS,
            turn_key=turn_key,
        )
    return page if form.ok else (page, 422)


def _cover(session: Session, site: Site, now: datetime) -> SiteCover:
    until = now + timedelta(days=DAYS)
    rows = duties.rotas_of(session, site.id)
    return SiteCover(
        site=site,
        now_on=[(duty, session.get_one(Staff, duty.staff_id)) for duty in duties.who(session, site.id, now)],
        holes=duties.holes(session, site.id, now, until),
        rotas=[
            (
                rota,
                [
                    (stretch, session.get_one(Staff, stretch.staff_id))
                    for stretch in duties.stretches(session, rota, now, until)
                ],
            )
            for rota in rows
        ],
        overrides=[
            (override, session.get_one(Staff, override.staff_id))
            for rota in rows
            for override in rotas.overrides_of(session, rota, after=now)
        ],
        people=rotas.people_for(session, site.id),
    )


@oncall.post("/on-call/<int:rota_id>/stand-in")
@planners
def stand_in(rota_id: int) -> Answer:
    runtime = current()
    form = Form(request.form)
    begin_day, end_day = form.date("start_date"), form.date("end_date")
    begin_time, end_time = form.time("start_time", required=True), form.time("end_time", required=True)
    reason = form.text("reason", longest=200)
    with runtime.db.unit_of_work() as session:
        rota = _rota(session, rota_id)
        layer = form.one_of("layer", [each["name"] for each in rota.layers])
        people = {str(one.id): one for one in rotas.people_for(session, rota.site_id)}
        chosen = form.one_of("staff", people)
        if form.ok and begin_day and end_day and begin_time and end_time:
            try:
                rotas.add_override(
                    session,
                    rota,
                    staff=people[chosen],
                    start_at=_instant(begin_day, begin_time, rota.timezone),
                    end_at=_instant(end_day, end_time, rota.timezone),
                    reason=reason,
                    layer=layer,
                    actor=actor().name,
                    now=runtime.clock.now(),
                )
            except (Problem, RuleViolation) as error:
                form.take(error, ("staff", "layer", "reason", "end_date"), end_at="end_date")
    if not form.ok:
        return _page(form)
    say(_("The rota was changed."))
    return go("oncall.oncall")


@oncall.post("/on-call/<int:rota_id>/swap")
@planners
def swap(rota_id: int) -> Answer:
    runtime = current()
    now = runtime.clock.now()
    form = Form(request.form)
    reason = form.text("swap_reason", longest=200)
    with runtime.db.unit_of_work() as session:
        rota = _rota(session, rota_id)
        there = {turn_key(each): each for each in duties.stretches(session, rota, now, now + timedelta(days=DAYS))}
        first, second = form.one_of("first", there), form.one_of("second", there)
        if form.ok and there[first].staff_id == there[second].staff_id:
            form.errors["second"] = _("Choose two different people.")
        if form.ok:
            try:
                rotas.swap(
                    session, rota, first=there[first], second=there[second], reason=reason, actor=actor().name, now=now
                )
            except (Problem, RuleViolation) as error:
                form.take(error, ("first", "second"), layer="second", reason="swap_reason")
    if not form.ok:
        return _page(form)
    say(_("The two have changed places."))
    return go("oncall.oncall")


def turn_key(turn: Stretch) -> str:
    """Names a stretch in a form: by its end, since one that has begun is shown from now on."""
    return f"{turn.layer}/{turn.staff_id}/{turn.end.isoformat()}"


@oncall.post("/on-call/overrides/<int:override_id>/cancel")
@planners
def cancel_override(override_id: int) -> Answer:
    runtime = current()
    with runtime.db.unit_of_work() as session:
        override = session.get(Override, override_id)
        if override is None:
            raise NotFound("there is no such change of the rota")
        _rota(session, override.rota_id)
        rotas.cancel(session, override, actor=actor().name, now=runtime.clock.now())
    say(_("The change of the rota was taken back."))
    return go("oncall.oncall")


def _rota(session: Session, rota_id: int) -> Rota:
    rota = session.get(Rota, rota_id)
    if rota is None:
        raise NotFound("there is no such rota")
    check_site(rota.site_id)
    return rota


def _instant(day: date, at: str, zone: str) -> datetime:
    return local_instant(day, time.fromisoformat(at), ZoneInfo(zone))
