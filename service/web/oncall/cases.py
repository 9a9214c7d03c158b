"""Cases in the console: the list, one case, and what can be done to it."""

from __future__ import annotations

from datetime import datetime

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor, check_site
from service.errors import Forbidden, Problem
from service.models import Alert, Staff
from service.runtime import current
from service.use_cases import alerts, case_view, staff
from service.use_cases.case_view import CaseView
from service.web.base import go, say
from service.web.forms import Form
from service.web.oncall.blueprint import oncall, readers, takers
from service.web.words import OUTCOME
from workflows.alerts import Outcome
from workflows.decisions import RuleViolation

OUTCOMES = [(str(each), OUTCOME[str(each)]) for each in Outcome]
Answer = str | Response | tuple[str, int]


def record_outcome(
    session: Session, alert: Alert, person: Staff, form: Form, *, via: str, now: datetime
) -> None:
    """The outcome that a form names; its faults stay on the form."""
    chosen = form.one_of("outcome", [value for value, _ in OUTCOMES])
    text = form.text("text", required=False)
    if not form.ok:
        return
    try:
        alerts.outcome(session, alert, staff=person, outcome=chosen, text=text, via=via, now=now)
    except (Problem, RuleViolation) as error:
        form.take(error, ("outcome", "text"))


def taken_sentence(view: CaseView, staff_id: int | None) -> str:
    """One sentence on who has the case, from the reader's side."""
    if view.alert.status == "closed":
        return str(_("This case is closed."))
    if view.owner is None:
        return str(_("Nobody has this case yet."))
    if view.owner.id == staff_id:
        return str(_("You have this case."))
    return str(_("%(who)s has this case.", who=view.owner.name))


def _me(session: Session) -> Staff:
    staff_id = actor().staff_id
    if staff_id is None:
        raise Forbidden("only a named person can do this")
    return session.get_one(Staff, staff_id)


def _alert(session: Session, alert_id: int) -> Alert:
    alert = alerts.get(session, alert_id)
    check_site(alert.site_id)
    return alert


@oncall.get("/cases")
@readers
def cases() -> str:
    runtime = current()
    with runtime.db.reading() as session:
        site_id = actor().site_id
        live = [
            case_view.of(session, alert, now=runtime.clock.now())
            for alert in alerts.listed(session, site_id=site_id, status="live")
        ]
        closed = [
            (alert, session.get(Staff, alert.outcome_by_id) if alert.outcome_by_id else None)
            for alert in alerts.listed(session, site_id=site_id, status="closed", limit=50)
        ]
        return render_template("oncall/cases.html", live=live, closed=closed)


@oncall.get("/cases/<int:alert_id>")
@readers
def case(alert_id: int) -> Answer:
    return _page(alert_id, Form())


def _page(alert_id: int, form: Form) -> Answer:
    runtime = current()
    with runtime.db.reading() as session:
        alert = _alert(session, alert_id)
        view = case_view.of(session, alert, now=runtime.clock.now())
        mine = alert.acknowledged_by_id is not None and alert.acknowledged_by_id == actor().staff_id
        page = render_template(
            "oncall/case.html",
            view=view,
            mine=mine,
            form=form,
            outcomes=OUTCOMES,
            sentence=taken_sentence(view, actor().staff_id),
            colleagues=_colleagues(session, alert),
        )
    return page if form.ok else (page, 422)


@oncall.post("/cases/<int:alert_id>/take")
@takers
def take(alert_id: int) -> Answer:
    runtime = current()
    with runtime.db.unit_of_work() as session:
        alert = _alert(session, alert_id)
        ack = alerts.acknowledge(session, alert, staff=_me(session), via="console", now=runtime.clock.now())
        if ack.by is not None and ack.by.id != actor().staff_id:
            say(_("%(who)s was first and has this case.", who=ack.by.name), "amber")
    return go("oncall.case", alert_id=alert_id)


@oncall.post("/cases/<int:alert_id>/pass")
@takers
def pass_on(alert_id: int) -> Answer:
    runtime = current()
    with runtime.db.unit_of_work() as session:
        paged = alerts.pass_on(
            session, _alert(session, alert_id), staff=_me(session), via="console", now=runtime.clock.now()
        )
        say(_("Passed on. Paged now: %(who)s", who=", ".join(one.name for one in paged) or "-"))
    return go("oncall.case", alert_id=alert_id)


@oncall.post("/cases/<int:alert_id>/reopen")
@takers
def reopen(alert_id: int) -> Answer:
    runtime = current()
    with runtime.db.unit_of_work() as session:
        alerts.reopen(session, _alert(session, alert_id), actor=actor().name, now=runtime.clock.now())
    say(_("The case is open again and paging has begun."), "red")
    return go("oncall.case", alert_id=alert_id)


@oncall.post("/cases/<int:alert_id>/hand-over")
@takers
def hand_over(alert_id: int) -> Answer:
    runtime = current()
    form = Form(request.form)
    with runtime.db.unit_of_work() as session:
        alert = _alert(session, alert_id)
        chosen = form.one_of("to", [str(one.id) for one in _colleagues(session, alert)])
        if form.ok:
            to = session.get_one(Staff, int(chosen))
            try:
                alerts.hand_over(session, alert, staff=_me(session), to=to, via="console", now=runtime.clock.now())
                say(_("Passed on. Paged now: %(who)s", who=to.name))
            except (Problem, RuleViolation) as error:
                form.take(error, ("to",))
    return _page(alert_id, form) if not form.ok else go("oncall.case", alert_id=alert_id)


def _colleagues(session: Session, alert: Alert) -> list[Staff]:
    """Those to whom the reader can hand a case over."""
    return [
        one
        for one in staff.with_role(session, alert.site_id, "clinician", "investigator", "monitor")
        if one.id != actor().staff_id
    ]


@oncall.post("/cases/<int:alert_id>/outcome")
@takers
def outcome(alert_id: int) -> Answer:
    runtime = current()
    form = Form(request.form)
    with runtime.db.unit_of_work() as session:
        record_outcome(
            session, _alert(session, alert_id), _me(session), form, via="console", now=runtime.clock.now()
        )
    if not form.ok:
        return _page(alert_id, form)
    say(_("Outcome recorded."))
    return go("oncall.case", alert_id=alert_id)


@oncall.post("/cases/<int:alert_id>/note")
@takers
def note(alert_id: int) -> Answer:
    runtime = current()
    form = Form(request.form)
    text = form.text("note")
    if not form.ok:
        return _page(alert_id, form)
    with runtime.db.unit_of_work() as session:
        alerts.note(
            session, _alert(session, alert_id), staff=_me(session), text=text, now=runtime.clock.now()
        )
    return go("oncall.case", alert_id=alert_id)
