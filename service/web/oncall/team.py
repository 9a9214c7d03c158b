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
from service.security import Role
from service.use_cases import contacts, roster
from service.use_cases import staff as people
from service.use_cases import watch
from service.web.base import go, say
from service.web.forms import Form
from service.web.i18n import LANGUAGES
from service.web.oncall.blueprint import keepers, oncall, readers
from service.web.oncall.words import SAYERS
from service.web.push import public_key
from workflows.decisions import RuleViolation

CHANNELS = ("sms", "voice", "email")
HIGH = (Role.ADMIN, Role.OPERATOR, Role.INVESTIGATOR)  # only an administrator gives these
SHORTEST = 10
Answer = str | Response | tuple[str, int]


@oncall.get("/staff")
@readers
def staff() -> Answer:
    return _page(Form())


@oncall.post("/staff")
@keepers
def add_person() -> Answer:
    """A new person of the asker's site; only an administrator adds for every site, and the roles that see more."""
    runtime = current()
    new = Form(request.form)
    name, email = new.text("name", longest=60), new.text("email", longest=120)
    role, phone = new.one_of("role", _roles()), new.text("phone", required=False, longest=32)
    language = new.one_of("language", LANGUAGES)
    if len(new.value("password")) < SHORTEST:
        new.fault("password", _("At least 10 characters"))
    with runtime.db.reading() as session:
        site = new.one_of("site", [value for value, _name in _sites(session)], required=False)
    if new.ok:
        try:
            with runtime.db.unit_of_work() as session:
                people.add(
                    session, name=name, email=email, role=role, site_id=int(site) if site else actor().site_id,
                    password=new.value("password"), phone=phone or None, language=language, actor=actor().name,
                    now=runtime.clock.now(),
                )  # fmt: skip
        except (Problem, RuleViolation) as error:
            new.take(error, address="phone")
    if not new.ok:
        return _page(Form(), new)
    say(_("%(who)s can log in now.", who=name))
    return go("oncall.staff")


def _roles() -> list[str]:
    """The roles that the asker may give."""
    return [str(each) for each in Role if actor().role is Role.ADMIN or each not in HIGH]


def _sites(session: Session) -> list[tuple[str, str]]:
    """The sites that a new person may belong to; "" is every site."""
    found = [(str(site.id), site.name) for _study, site in roster.sites_for(session, actor().site_id)]
    return found if actor().site_id is not None else [*found, ("", str(_("every site")))]


def _page(form: Form, new: Form | None = None) -> Answer:
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
            new=new or Form(),
            roles=[(role, SAYERS["say_role"](role)) for role in _roles()],
            sites=_sites(session),
            push_key=public_key(runtime.config.vapid_private_key),
        )
    return page if form.ok and (new is None or new.ok) else (page, 422)


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
