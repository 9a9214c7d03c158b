"""Log in, log out, choose the language; and who is asking, from the session."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from service.access import Actor, public
from service.models import Staff
from service.runtime import current
from service.security import Role
from service.use_cases import staff as people
from service.web.base import PAGES, home, page, say
from service.web.forms import Form
from service.web.i18n import LANGUAGES

blueprint = page(Blueprint("login", __name__))


class CookieSessions(SecureCookieSessionInterface):
    """Flask's own, but nothing is prepared for those who bring no cookie and get none: the carrier and programs."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session or session.modified or session.accessed:
            super().save_session(app, session, response)


def install(app: Flask) -> None:
    """Say who asks, before any page's policy is checked."""
    app.session_interface = CookieSessions()
    app.before_request(load_actor)


def load_actor() -> None:
    """Set `g.actor` from the session cookie.

    The session ends when it has not been used for `session_minutes` of machine time (the study clock may jump), and
    when the person's `session_epoch` has risen: a changed password or a lock ends every session at once.
    """
    elsewhere = request.endpoint is not None and request.blueprint not in PAGES
    if elsewhere or "staff" not in session:
        return
    runtime = current()
    machine = runtime.clock.machine()
    seen = datetime.fromisoformat(session.get("seen", "1970-01-01T00:00:00+00:00"))
    if machine - seen > timedelta(minutes=runtime.config.session_minutes):
        _forget()
        return
    with runtime.db.reading() as reading:
        person = reading.get(Staff, session["staff"])
        if person is None or not person.active or person.session_epoch != session.get("epoch"):
            _forget()
            return
        g.actor = actor_of(person)
    if machine - seen > timedelta(minutes=1):
        session["seen"] = machine.isoformat()


def actor_of(person: Staff) -> Actor:
    """A person of the staff as the one who asks."""
    return Actor(
        name=f"staff:{person.id}",
        role=Role(person.role),
        site_id=person.site_id,
        staff_id=person.id,
        language=person.language,
        shown=person.name,
    )


def _forget() -> None:
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language


def _within(address: str | None) -> str:
    """`address` when it is a path of ours, else the person's first page: nobody is sent elsewhere by a link."""
    parts = urlsplit(address or "")
    if not address or parts.scheme or parts.netloc or not address.startswith("/") or address[1:2] in ("/", "\\"):
        return home()
    return address


@blueprint.get("/login")
@public("it is the way in; passwords are checked slowly and lock out")
def show() -> str | AnyResponse:
    if g.get("actor"):
        return redirect(_within(request.args.get("next")), code=303)
    return render_template("login.html", form=Form(), next=request.args.get("next", ""))


@blueprint.post("/login")
@public("it is the way in; passwords are checked slowly and lock out")
def enter() -> str | AnyResponse | tuple[str, int]:
    form = Form(request.form)
    email, password = form.text("email", longest=320), form.value("password")
    runtime = current()
    person: Staff | None = None
    if form.ok:
        with runtime.db.unit_of_work() as writing:
            person = people.authenticate(writing, email, password, now=runtime.clock.now())
            epoch = person.session_epoch if person else 0
        if person is None:
            form.fault("", _("E-mail or password is wrong, or the log-in is locked for a while after many tries."))
    if person is None:
        return render_template("login.html", form=form, next=form.value("next")), 422
    _forget()
    g.actor = actor_of(person)
    session.update(staff=person.id, epoch=epoch, seen=runtime.clock.machine().isoformat())
    return redirect(_within(form.value("next")), code=303)


@blueprint.post("/logout")
@public("it only forgets the asker's own session")
def leave() -> AnyResponse:
    _forget()
    say(_("You are logged out."))
    return redirect(url_for("login.show"), code=303)


@blueprint.post("/language")
@public("it only changes the asker's own language")
def choose_language() -> AnyResponse:
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        session["language"] = wanted
    return redirect(_within(request.form.get("back")), code=303)
