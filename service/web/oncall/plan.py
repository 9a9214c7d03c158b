"""Planning a site's rota in the console, and who is paged when nobody is on call."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor, check_site
from service.errors import NotFound, Problem
from service.models import Rota, Site
from service.runtime import current
from service.use_cases import fallback
from service.use_cases import oncall as duties
from service.use_cases import rotas
from service.web.base import go, say
from service.web.forms import Form
from service.web.oncall.blueprint import oncall, planners
from workflows.decisions import RuleViolation
from workflows.oncall import BACKUP, ON_CALL

LAYERS, PLACES = (ON_CALL, BACKUP), range(1, 5)
Answer = str | Response | tuple[str, int]


@oncall.get("/on-call/sites/<int:site_id>/plan")
@planners
def plan(site_id: int) -> Answer:
    return _page(site_id, None)


def _page(site_id: int, form: Form | None) -> Answer:
    runtime = current()
    with runtime.db.reading() as session:
        site = _site(session, site_id)
        rota = _first(session, site)
        form = form or Form(_as_typed(rota))
        page = render_template(
            "oncall/plan.html",
            site=site,
            rota=rota,
            form=form,
            people=(people := rotas.people_for(session, site.id)),
            people_options=[(str(one.id), one.name) for one in people],
            chosen=fallback.named(site),
            layers=LAYERS,
            places=PLACES,
        )
    return page if form.ok else (page, 422)


@oncall.post("/on-call/sites/<int:site_id>/rota")
@planners
def save_rota(site_id: int) -> Answer:
    runtime = current()
    now = runtime.clock.now()
    form = Form(request.form)
    name = form.text("name", longest=60)
    every, handover, start = form.one_of("every", rotas.EVERY), form.time("handover", required=True), form.date("start")
    with runtime.db.unit_of_work() as session:
        site = _site(session, site_id)
        rota = _first(session, site)
        allowed = {str(one.id) for one in rotas.people_for(session, site.id)} | {""}
        members = {
            layer: [int(each) for place in PLACES if (each := form.one_of(f"{layer}_{place}", allowed, required=False))]
            for layer in LAYERS
        }
        if not members[ON_CALL]:
            form.fault(f"{ON_CALL}_1", _("Somebody must be on call."))
        if form.ok and start and handover:
            common = {"every": every, "handover": handover, "start": start.isoformat(), "weekday": start.weekday()}
            layers = [{"name": layer, "members": members[layer], **common} for layer in LAYERS]
            try:
                _save(session, site, rota, name, layers, now)
            except (Problem, RuleViolation) as error:
                form.take(error, ("name", "every", "handover", "start"))
    if not form.ok:
        return _page(site_id, form)
    say(_("The rota was saved."))
    return go("oncall.oncall")


def _save(session: Session, site: Site, rota: Rota | None, name: str, layers: list[dict[str, Any]], now: Any) -> None:
    if rota is None:
        rotas.create_rota(session, site, name=name, layers=layers, actor=actor().name, now=now)
    else:
        rotas.change_rota(session, rota, layers=layers, actor=actor().name, now=now)


@oncall.post("/on-call/sites/<int:site_id>/fallback")
@planners
def save_fallback(site_id: int) -> Answer:
    runtime = current()
    with runtime.db.unit_of_work() as session:
        site = _site(session, site_id)
        chosen = [int(each) for each in request.form.getlist("people") if each.isdecimal() and len(each) < 10]
        fallback.choose(session, site, chosen, actor=actor().name, now=runtime.clock.now())
    say(_("Saved: these people are paged when nobody is on call."))
    return go("oncall.plan", site_id=site_id)


def _site(session: Session, site_id: int) -> Site:
    site = session.get(Site, site_id)
    if site is None:
        raise NotFound("there is no such site")
    check_site(site.id)
    return site


def _first(session: Session, site: Site) -> Rota | None:
    return next(iter(duties.rotas_of(session, site.id)), None)


def _as_typed(rota: Rota | None) -> dict[str, str]:
    """The rota as its form shows it."""
    if rota is None:
        return {"every": "week", "handover": "08:00"}
    typed = {"name": rota.name}
    for layer in rota.layers:
        typed |= {key: str(layer[key]) for key in ("every", "handover", "start") if key in layer}
        for place, member in zip(PLACES, layer.get("members", [])):
            typed[f"{layer['name']}_{place}"] = str(member)
    return typed
