"""The API of `/api/v1`, FHIR, the webhooks, the probes and the calendar feeds."""

from __future__ import annotations

from flask import Flask

from service.api import (
    alerts,
    amendments,
    anchors,
    answers,
    auth,
    feeds,
    fhir,
    health,
    hooks,
    messages,
    observations,
    occasions,
    oncall,
    patients,
    phones,
    problems,
    sites,
    staff,
    studies,
    tasks,
    visits,
    webhooks,
)
from service.api.openapi import docs, make_api

CARE = (patients, anchors, visits, occasions, answers, alerts, tasks, observations, phones)
SETUP = (oncall, messages, staff, sites, studies, amendments, hooks)


def register(app: Flask) -> None:
    """Put every address that programs call on `app`. Called before the pages', and before the check of policies."""
    app.before_request(auth.authenticate)
    app.before_request(auth.refuse_impossible_addresses)
    problems.register(app)
    api = make_api(app)
    for module in (*CARE, *SETUP):
        api.register_blueprint(module.blp)
    for blueprint in (docs, feeds.blp, webhooks.blp, health.blp):
        problems.guard(blueprint)
        app.register_blueprint(blueprint)
    app.register_blueprint(fhir.blp)
