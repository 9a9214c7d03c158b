"""The alert page behind a page's link: 03:00, one tap, no log-in between the link and the tap.

`/a/<token>` shows case, patient code and time, and changes nothing, because link scanners open links. Its
POST uses the link up, and leads to `/c/<token>`, a fresh address that only this person has: reading, history,
call, outcome.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import public
from service.errors import NotFound
from service.models import Alert, Link, Staff
from service.runtime import current
from service.use_cases import alerts, case_view, links, pages, staff_messages
from service.web.forms import Form
from service.web.oncall.blueprint import by_link
from service.web.oncall.cases import OUTCOMES, record_outcome, taken_sentence

PAGE, CASE = "page", "case"
CASE_LIFE = timedelta(hours=12)
Answer = str | Response | tuple[str, int]


def _open(session: Session, token: str, kind: str) -> tuple[Link, Alert, Staff]:
    """The link with its case and person; the page speaks that person's language. NotFound once they have left."""
    link = links.find(session, token, kind=kind, now=current().clock.now())
    person = session.get(Staff, link.staff_id) if link.staff_id else None
    alert = session.get(Alert, link.alert_id) if link.alert_id else None
    if alert is None or person is None or not person.active:
        raise NotFound("this link leads nowhere any more")
    g.language = person.language
    return link, alert, person


@by_link.get("/a/<token>")
@public("single-use signed link; shows case, patient code and time only, and changes nothing")
def before(token: str) -> Answer:
    runtime = current()
    with runtime.db.reading() as session:
        link, alert, person = _open(session, token, PAGE)
        view = case_view.of(session, alert, now=runtime.clock.now())
        others = [one.name for rung in view.coming for one in rung.people if one.id != person.id]
        return render_template(
            "oncall/before.html",
            view=view,
            me=person,
            used=link.used_at is not None,
            after_me=others[0] if others else "",
            sent=request.args.get("sent") == "1",
        )


@by_link.post("/a/<token>")
@public("single-use signed link")
def act(token: str) -> Answer:
    runtime = current()
    now = runtime.clock.now()
    with runtime.db.unit_of_work() as session:
        link, alert, person = _open(session, token, PAGE)
        # Two taps at once: the second waits here and then finds the link used.
        session.refresh(link, with_for_update=True)
        if link.used_at is not None:
            sent = request.form.get("do") == "send" and _send_again(session, link, alert, person, now)
            return redirect(url_for("by_link.before", token=token, sent=1 if sent else None), code=303)
        link.used_at = now
        if request.form.get("do") == "pass":
            alerts.pass_on(session, alert, staff=person, via="link", now=now)
            return redirect(url_for("by_link.before", token=token), code=303)
        if alert.status != "closed":
            alerts.acknowledge(session, alert, staff=person, via="link", now=now)
        fresh = links.make(
            session, kind=CASE, now=now, lifetime=CASE_LIFE, staff_id=person.id, alert_id=alert.id
        )
    return redirect(url_for("by_link.case", token=fresh), code=303)


def _send_again(session: Session, link: Link, alert: Alert, person: Staff, now: datetime) -> bool:
    """Whoever has the case and closed its page gets a fresh link, by their own telephone only; once a minute."""
    if alert.acknowledged_by_id != person.id or alert.status == "closed":
        return False
    fields = {"case": alert.case, "patient": alert.patient.code, "url": pages.link(session, alert, person, now)}
    key = f"link:{link.id}:again:{now:%Y%m%d%H%M}"
    return (
        staff_messages.to_staff(
            session, person, "acknowledged_you", fields, kind="reply", dedupe=key, alert_id=alert.id, now=now
        )
        is not None
    )


@by_link.get("/c/<token>")
@public("a fresh unguessable link, given to the person who tapped")
def case(token: str) -> Answer:
    return _case(token, Form())


def _case(token: str, form: Form) -> Answer:
    runtime = current()
    with runtime.db.reading() as session:
        _, alert, person = _open(session, token, CASE)
        view = case_view.of(session, alert, now=runtime.clock.now())
        page = render_template(
            "oncall/after.html",
            view=view,
            me=person,
            mine=alert.acknowledged_by_id == person.id,
            token=token,
            form=form,
            outcomes=OUTCOMES,
            sentence=taken_sentence(view, person.id),
        )
    return page if form.ok else (page, 422)


@by_link.post("/c/<token>")
@public("a fresh unguessable link, given to the person who tapped")
def finish(token: str) -> Answer:
    runtime = current()
    form = Form(request.form)
    with runtime.db.unit_of_work() as session:
        _, alert, person = _open(session, token, CASE)
        if form.value("do") == "take":
            if alert.status != "closed":
                alerts.acknowledge(session, alert, staff=person, via="link", now=runtime.clock.now())
        elif form.value("do") == "pass":
            alerts.pass_on(session, alert, staff=person, via="link", now=runtime.clock.now())
        else:
            record_outcome(session, alert, person, form, via="link", now=runtime.clock.now())
    if not form.ok:
        return _case(token, form)
    return redirect(url_for("by_link.case", token=token), code=303)
