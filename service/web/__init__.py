"""Server-rendered pages: console, on-call, patients."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Put every page on `app`, with what they share."""
    from service.web import base, console, login, oncall, patient

    base.install(app)
    login.install(app)
    app.register_blueprint(login.blueprint)
    for blueprint in (*console.BLUEPRINTS, *oncall.BLUEPRINTS, *patient.BLUEPRINTS):
        app.register_blueprint(blueprint)
