"""The one composition root: settings, clock and carriers in, a WSGI application out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

import service.api
import service.web
from notifications.carriers.base import Carrier
from notifications.message import Channel
from notifications.render import Renderer
from service.access import Actor, policy_of
from service.api.door import Door
from service.carriers import carriers_from
from service.clock import Clock
from service.config import Config
from service.db import Database
from service.errors import Forbidden, NotLoggedIn
from service.runtime import Runtime

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Application(Flask):
    """Flask, which otherwise asks of every hook and view of every request whether it is a coroutine: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_runtime(
    config: Config, *, clock: Clock | None = None, carriers: Mapping[Channel, Carrier] | None = None
) -> Runtime:
    """What a worker needs, without a web application."""
    return Runtime(
        config=config,
        db=Database(config.database_url),
        clock=clock or Clock(),
        carriers=carriers_from(config) if carriers is None else carriers,
        renderer=Renderer(Path(config.templates_dir) if config.templates_dir else None),
    )


def create_app(
    config: Config,
    *,
    clock: Clock | None = None,
    carriers: Mapping[Channel, Carrier] | None = None,
    runtime: Runtime | None = None,
) -> Flask:
    """The web application. `runtime` shares one with a worker in the same process (`vigilia up`, demo, tests)."""
    runtime = runtime or create_runtime(config, clock=clock, carriers=carriers)
    app = Application("service", static_folder="web/static", template_folder="web/templates")
    app.extensions["vigilia"] = runtime
    app.config.update(
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_SECURE=config.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=4 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
    )
    app.wsgi_app = Door(ProxyFix(app.wsgi_app, x_for=1, x_proto=1), runtime)  # type: ignore[method-assign]
    service.api.register(app)
    service.web.register(app)
    app.before_request(_refuse_by_default)
    app.after_request(_add_headers)
    return app


def _refuse_by_default() -> None:
    """Registered last, so that the blueprints' own before_request hooks have said who is asking."""
    if request.endpoint is None or request.method == "OPTIONS":
        return
    view: Any = current_app.view_functions[request.endpoint]
    if request.endpoint == "static" or request.endpoint.endswith(".static"):
        return
    policy = policy_of(view, request.method)
    if policy is None:
        raise Forbidden(f"{request.endpoint} has no access policy")
    if policy.public:
        return
    who: Actor | None = g.get("actor")
    if who is None:
        raise NotLoggedIn("this needs a log-in or a token")
    if not (policy.patient if who.patient_id is not None else who.role in policy.roles):
        raise Forbidden("your role may not do this")


def _add_headers(response: Response) -> Response:
    has = {name.lower() for name, _value in response.headers}
    wanted = dict(HEADERS)
    if request.is_secure:
        wanted["Strict-Transport-Security"] = "max-age=31536000"
    if not request.path.startswith("/static/"):
        wanted["Cache-Control"] = "no-store"
    for name, value in wanted.items():
        if name.lower() not in has:
            response.headers.add(name, value)
    return response
