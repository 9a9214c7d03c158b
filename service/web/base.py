"""What every page shares: who asks, cross-site protection, error pages, addresses of static files."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from notifications.alarms import in_language
from service.access import policy_of
from service.errors import Conflict, Forbidden, NotFound, NotLoggedIn, Problem, Stale
from service.runtime import current
from service.web import i18n, reasons, sentences
from workflows.decisions import RuleViolation

STATIC = Path(__file__).parent / "static"
SMALL = 256  # bytes below which compressing gains nothing
COMPRESSIBLE = (
    "text/html",
    "text/css",
    "text/javascript",
    "application/json",
    "application/manifest+json",
    "image/svg+xml",
)
UNPROTECTED: set[str] = set()
PAGES: set[str] = set()
csrf = CSRFProtect()


def page(blueprint: Blueprint, *, csrf: bool = True) -> Blueprint:
    """Make a blueprint's errors pages, and check the token of its forms.

    `csrf` False: only where the address itself holds an unguessable token and no cookie gives any right.
    """
    PAGES.add(blueprint.name)
    if not csrf:
        UNPROTECTED.add(blueprint.name)
    blueprint.register_error_handler(Problem, _problem)
    blueprint.register_error_handler(RuleViolation, _refused)
    blueprint.register_error_handler(StaleDataError, _raced)
    blueprint.register_error_handler(HTTPException, _http)
    return blueprint


def install(app: Flask) -> None:
    """Hooks and template globals for all pages."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 31536000  # the address changes with the content
    csrf.init_app(app)
    i18n.install(app)
    _answer_unknown_addresses(app)
    app.before_request(_check_form)
    app.after_request(_after)
    app.add_template_global(static, "static")
    app.add_template_global(link, "link")
    app.add_template_global(may_open, "may_open")
    app.add_template_global(home, "home")
    app.add_template_filter(sentences.phrase, "phrase")
    for name, words_of in reasons.FILTERS.items():
        app.add_template_filter(words_of, name)
    app.add_template_filter(lambda said: in_language(said, i18n.language()), "finding")
    app.context_processor(_context)


def static(name: str) -> str:
    """Address of a static file, with its content's digest, so that browsers may keep it for ever."""
    return url_for("static", filename=name, v=_digest(name))


@lru_cache(maxsize=64)
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def link(endpoint: str, **values: Any) -> str:
    """Address of a page, or "" where this installation has no such page."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""


def may_open(endpoint: str) -> bool:
    """Whether the one who asks may open this page."""
    view, who = current_app.view_functions.get(endpoint), g.get("actor")
    policy = policy_of(view) if view is not None else None
    return bool(policy and (policy.public or (who is not None and who.role in policy.roles)))


def home() -> str:
    """Address of the first page that the one who asks may open: Today; who is on call, for an operator."""
    open_to = [name for name in ("console.today", "oncall.oncall") if link(name) and may_open(name)]
    return url_for(open_to[0] if open_to else "console.today")


def say(sentence: str, level: str = "") -> None:
    """A sentence on the next page. `level` "red" or "amber" makes it stand out."""
    flash(sentence, level)


def go(endpoint: str, *, anchor: str | None = None, **values: Any) -> AnyResponse:
    """See other: after a POST, so that a reload repeats nothing."""
    return redirect(url_for(endpoint, _anchor=anchor, **values), code=303)


def is_page() -> bool:
    """Whether this request is for one of the pages (not the API, not a webhook)."""
    return request.blueprint in PAGES


def _check_form() -> None:
    if is_page() and request.method == "POST" and request.blueprint not in UNPROTECTED:
        csrf.protect()


def _after(response: Response) -> Response:
    if is_page() and request.method == "POST":
        waiting = current()
        waiting.page_waits.set()
        waiting.text_waits.set()
    compressible = response.mimetype in COMPRESSIBLE
    mine = (is_page() and request.blueprint in UNPROTECTED) or request.endpoint == "static"
    if (
        mine
        and compressible
        and response.status_code == 200
        and request.accept_encodings.quality("gzip") > 0
        and "Content-Encoding" not in response.headers
    ):
        response.direct_passthrough = False
        body = response.get_data()
        if len(body) > SMALL:
            response.set_data(gzip.compress(body, 9, mtime=0))
            response.headers["Content-Encoding"] = "gzip"
            response.headers.add("Vary", "Accept-Encoding")
    return response


def _context() -> dict[str, Any]:
    return {"actor": g.get("actor"), "now": current().clock.now(), "here": request.path}


def _shown(status: int, title: str, detail: str) -> tuple[str, int]:
    return render_template("error.html", status=status, title=title, detail=detail), status


def _problem(error: Problem) -> Any:
    if isinstance(error, NotLoggedIn):
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("login.show", next=wanted), code=303)
    titles: dict[type[Problem], str] = {
        NotFound: _("Not found"),
        Conflict: _("Somebody was there first"),
        Stale: _("Changed since you read it"),
        Forbidden: _("Not allowed"),
    }
    title = titles.get(type(error), _("This cannot be done"))
    return _shown(int(error.status), title, sentences.sentence(error.detail))


def _raced(error: StaleDataError) -> Any:
    return _shown(
        412, _("Changed since you read it"), _("Go back, load the page again and send it once more.")
    )


def _refused(error: RuleViolation) -> Any:
    return _shown(422, _("The protocol refuses this"), sentences.sentence(error.message))


def _http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None:
        return error
    if isinstance(error, CSRFError):
        return _shown(400, _("This form is too old"), _("Go back, load the page again and send it once more."))
    titles = {
        404: _("Not found"),
        405: _("Not possible here"),
        413: _("Too large"),
        500: _("The fault is ours; it was recorded"),
    }
    return _shown(error.code, titles.get(error.code, _("This cannot be done")), "")


def _answer_unknown_addresses(app: Flask) -> None:
    """An address that no view has: what the API does not answer for its programs becomes a page for a person."""
    of_programs = app.error_handler_spec[None][None].get(HTTPException)

    def answer(error: HTTPException) -> Any:
        said = of_programs(error) if of_programs else error
        return _http(error) if said is error else said

    app.register_error_handler(HTTPException, answer)
