"""The questions behind a link: one a page, without JavaScript too. Opening a page changes nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from service.access import public
from service.errors import Conflict, NotFound
from service.models import Site
from service.runtime import current
from service.security import new_token
from service.use_cases import offline_page, patient_push, questions_page
from service.use_cases.links import Expired
from service.use_cases.questions_page import QuestionPage, State
from service.web.base import go, page
from service.web.forms import Form
from service.web.i18n import dialled, in_words, phone
from service.web.push import check_subscription, public_key
from workflows.answers import Wrong, read_answer
from workflows.protocol import Item, ItemType, Level

blueprint = page(Blueprint("questions", __name__), csrf=False)
BY_LINK = "the link holds a random token; whoever has the message may answer it"


@blueprint.errorhandler(NotFound)
@blueprint.errorhandler(Expired)
def ended(error: NotFound | Expired) -> tuple[str, int]:
    return render_template("patient/ended.html"), int(error.status)


@blueprint.get("/q/<token>")
@public(BY_LINK)
def show(token: str) -> str:
    runtime = current()
    with runtime.db.reading() as session:
        found = questions_page.look(session, token, item=request.args.get("item", ""), now=runtime.clock.now())
        return _shown(token, found, Form())


@blueprint.post("/q/<token>")
@public(BY_LINK)
def answer(token: str) -> str | AnyResponse | tuple[str, int]:
    """Record one answer. A red one shows the red page in this very response.

    What cannot be read is kept before it is refused. A phone that sends what waited may have nobody in front of it to
    be told (unless it says that it has `told`): it is thanked, and a human reads it.
    """
    try:
        return _answered(token, Form(request.form))
    except Conflict:  # the day ended meanwhile: the answer is kept by itself
        return _answered(token, Form(request.form))


def _answered(token: str, form: Form) -> str | AnyResponse | tuple[str, int]:
    runtime = current()
    now = runtime.clock.now()
    key = form.value("item")
    source: dict[str, Any] = {
        "client_id": form.value("client_id").strip()[:64] or None, "phone_at": _phone_time(form.value("phone_at")),
    }  # fmt: skip
    somebody_looks = bool(form.value("told")) or "text/html" in request.headers.get("Accept", "")
    with runtime.db.unit_of_work() as session:
        late = questions_page.over(session, token, key, form.value("occasion"), now=now)
        found = late or questions_page.look(session, token, item=key, now=now)
        _speak(found)
        asked = found.item is not None and found.item.key == key and (late is not None or found.state is State.ASK)
        raw = _raw(form, found.item if asked else None)
        if asked and _is_answer(form, found, raw):
            level = questions_page.take(session, found, raw, now=now, **source)
        elif raw:
            level = questions_page.keep_unread(session, found, key, raw, explained=somebody_looks, now=now, **source)
        elif asked:
            level = Level.NOTHING
        else:
            return _shown(token, found, form)
        site = found.patient.site
    runtime.page_waits.set()
    if level is Level.RED:
        return _page("patient/red.html", site)
    if not form.ok and (somebody_looks or not raw) and not form.value("told"):
        with runtime.db.reading() as session:
            return _shown(token, questions_page.look(session, token, item=key, now=now), form), 422
    return go("questions.show", token=token)


@blueprint.get("/q/<token>/offline.json")
@public(BY_LINK)
def offline(token: str) -> Response:
    """What the page needs to go on asking without a connection."""
    runtime = current()
    with runtime.db.reading() as session:
        now = runtime.clock.now()
        found = questions_page.look(session, token, now=now)
        _speak(found)
        if found.questionnaire is None or found.state is not State.ASK:
            raise NotFound("nothing is asked now")
        plan = offline_page.plan(session, found, now=now)
        for asked, item in zip(plan["items"], found.questionnaire.items, strict=True):
            asked["text"] = in_words(dict(item.text))
            if item.choices:
                asked["choices"] = [[each.code, each.value, in_words(dict(each.text))] for each in item.choices]
                asked |= {"none": each.value for each in item.choices if each.excludes_others}
        site = found.patient.site
        tel, shown = dialled(site.telephone, site.country), phone(site.telephone, site.country)
        emergency = site.emergency_number
        return jsonify(
            **plan,
            calls=[
                [tel, _("Call %(number)s", number=shown)],
                [emergency, _("Danger to life: %(number)s", number=emergency)],
            ],
            words={
                "saved": _("Saved on this phone. It is sent when there is a connection again."),
                "urgent": _("URGENT: this can be serious for you."),
                "go_in": _("Do not wait. Call now, or go to the emergency room and show your study card."),
                "call": _("Do not wait for the connection: call now."),
                "go": _("Continue"),
                "skip": _("No answer to this one"),
                "unread": _("Write the number only, for example 36.8. If you feel ill, call."),
            },
        )


@blueprint.post("/q/<token>/push")
@public(BY_LINK)
def subscribe(token: str) -> tuple[str, int]:
    """This browser is told of questions too. 422 for what is no subscription, 404 where the service has no key."""
    runtime = current()
    if not runtime.config.vapid_private_key:
        raise NotFound("no notifications are set up")
    subscription = json.loads(check_subscription(request.form.get("subscription", "")))
    with runtime.db.unit_of_work() as session:
        patient_push.subscribe(session, token, subscription, now=runtime.clock.now())
    return "", 204


def _speak(found: QuestionPage) -> None:
    g.language = found.patient.language


def _page(template: str, site: Site, **values: Any) -> str:
    return render_template(template, site=site, **values)


def _shown(token: str, found: QuestionPage, form: Form) -> str:
    _speak(found)
    site = found.patient.site
    app = {"token": token, "push_key": public_key(current().config.vapid_private_key)}
    if found.state is State.RED:  # nothing beside the advice
        return _page("patient/red.html", site)
    if found.state is State.ASK:
        client_id = form.value("client_id") or new_token()
        return _page("patient/question.html", site, page=found, form=form, client_id=client_id, **app)
    template = "patient/closed.html" if found.state is State.CLOSED else "patient/done.html"
    return _page(template, site, level=found.state, **app)


def _raw(form: Form, item: Item | None) -> str:
    """What was typed or chosen, whole."""
    values = [value.replace("\0", "").strip() for value in form.typed.getlist("value")]
    values = [value for value in values if value]
    if form.value("none") and not values:
        values = [form.value("none").strip()]
    if item is None:
        return " ".join(values)
    if form.value("skip") and not item.required:
        return ""
    return "".join(values) if item.type is ItemType.LETTERS else values[0] if values else ""


def _is_answer(form: Form, found: QuestionPage, raw: str) -> bool:
    """Whether it answers the question; else the fault, by its field."""
    item = found.item
    if item is None:
        return False
    if not raw:
        if item.required:
            form.fault("value", _choose(item.type))
        return not item.required
    if isinstance(read_answer(item, raw, found.patient.language), Wrong):
        numbers = _("Write the number only, for example 36.8. If you feel ill, call.")
        form.fault("value", numbers if item.type in (ItemType.TEMPERATURE, ItemType.NUMBER) else _choose(item.type))
    return form.ok


def _choose(kind: ItemType) -> str:
    if kind is ItemType.LETTERS:
        return str(_("Choose all that fit, or the last line."))
    return str(_("Choose one.") if kind is ItemType.CHOICE else _("Write your answer."))


def _phone_time(typed: str) -> datetime | None:
    """The phone's own time, where it is one; kept as it is, even when the phone's clock is wrong."""
    try:
        at = datetime.fromisoformat(typed.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
