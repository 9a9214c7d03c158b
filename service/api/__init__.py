"""The API of `/api/v1`, the webhooks, the probes and the calendar feeds."""

from __future__ import annotations

from flask import Flask

from service.api import auth, problems
from service.api.openapi import docs, make_api


def register(app: Flask) -> None:
    """Put every address that programs call on `app`. Called before the pages', and before the check of policies."""
    from service.api import (
        alerts,
        anchors,
        feeds,
        health,
        messages,
        observations,
        occasions,
        oncall,
        patients,
        phones,
        sites,
        staff,
        studies,
        visits,
        webhooks,
    )

    app.before_request(auth.authenticate)
    app.before_request(auth.refuse_impossible_addresses)
    problems.register(app)
    api = make_api(app)
    care = (patients, anchors, visits, occasions, alerts, observations, phones)
    for module in (*care, oncall, messages, staff, sites, studies):
        api.register_blueprint(module.blp)
    for blueprint in (docs, feeds.blp, webhooks.blp, health.blp):
        problems.guard(blueprint)
        app.register_blueprint(blueprint)
