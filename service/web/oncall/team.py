"""The care team: who can be reached, and the codes that verify a contact."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service.access import actor, check_site
from service.errors import NotFound, Problem
from service.models import ContactMethod, Staff
from service.runtime import current
from service.use_cases import contacts
from service.use_cases import staff as people
from service.use_cases import watch
from service.web.base import go, say
from service.web.forms import Form
from service.web.oncall.blueprint import keepers, oncall, readers
from service.web.oncall.push import public_key
from workflows.decisions import RuleViolation

CHANNELS = ("sms", "voice", "email")
Answer = str | Response | tuple[str, int]


@oncall.get("/staff")
@readers
def staff() -> Answer:
    return _page(Form())


def _page(form: Form) -> Answer:
    runtime = current()
    now = runtime.clock.now()
    with runtime.db.reading() as session:
        everyone = people.listed(session, actor().site_id)
        owned: dict[int, list[tuple[ContactMethod, str]]] = {one.id: [] for one in everyone}
        for contact in contacts.of_staff(session, owned):
            owned[contact.staff_id].append((contact, contacts.as_rule(contact, now).fault))
        findings = watch.reachable(session, now, actor().site_id)
        page = render_template(
            "oncall/staff.html",
            everyone=everyone,
            owned=owned,
            findings=findings,
            form=form,
            push_key=public_key(runtime.config.vapid_private_key),
        )
    return page if form.ok else (page, 422)


@oncall.post("/staff/<int:staff_id>/contacts")
@keepers
def add_contact(staff_id: int) -> Answer:
    runtime = current()
    form = Form(request.form)
    channel, address = form.one_of("channel", CHANNELS), form.text("address", longest=320)
    with runtime.db.unit_of_work() as session:
        person = _person(session, staff_id)
        if form.ok:
            try:
                contacts.add(
                    session,
                    person,
                    channel=channel,
                    address=address,
                    actor=actor().name,
                    now=runtime.clock.now(),
                )
            except (Problem, RuleViolation) as error:
                form.take(error, ("address", "channel"), phone="address", email="address")
    return _page(form) if not form.ok else go("oncall.staff", anchor=f"staff-{staff_id}")


@oncall.post("/staff/contacts/<int:contact_id>/code")
@keepers
def send_code(contact_id: int) -> Answer:
    runtime = current()
    with runtime.db.unit_of_work() as session:
        contact = _contact(session, contact_id)
        contacts.send_code(session, contact, actor=actor().name, now=runtime.clock.now())
        staff_id = contact.staff_id
    say(_("A code is on its way; it is good for 15 minutes."))
    return go("oncall.staff", anchor=f"staff-{staff_id}")


@oncall.post("/staff/contacts/<int:contact_id>/verify")
@keepers
def verify(contact_id: int) -> Answer:
    runtime = current()
    form = Form(request.form)
    code = form.text("code", longest=12)
    with runtime.db.unit_of_work() as session:
        contact = _contact(session, contact_id)
        right = form.ok and contacts.verify(
            session, contact, code, actor=actor().name, now=runtime.clock.now()
        )
        staff_id = contact.staff_id
    if right:
        say(_("This contact is verified and can be paged."))
    else:
        say(_("That is not the code, or it is too old. Send a new one."), "red")
    return go("oncall.staff", anchor=f"staff-{staff_id}")


def _person(session: Session, staff_id: int) -> Staff:
    person = session.get(Staff, staff_id)
    if person is None:
        raise NotFound("there is no such person")
    check_site(person.site_id)
    return person


def _contact(session: Session, contact_id: int) -> ContactMethod:
    contact = session.get(ContactMethod, contact_id)
    if contact is None:
        raise NotFound("there is no such contact")
    _person(session, contact.staff_id)
    return contact
