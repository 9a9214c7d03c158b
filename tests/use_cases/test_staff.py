"""People and their contacts: added, logged in, locked out, verified."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.demo.seed import PASSWORD
from service.errors import Conflict
from service.models import ContactMethod, Staff
from service.use_cases import contacts, staff
from tests.conftest import START
from tests.use_cases.case_help import messages, person, text_from
from workflows.decisions import RuleViolation

GOOD = {"name": "Dr. Nova", "email": "Nova@vigilia.example", "role": "clinician", "site_id": None}


def add(session, **more) -> Staff:
    return staff.add(session, **(GOOD | more), actor="system", now=START)


def contact(session, who: Staff, channel: str) -> ContactMethod:
    wanted = (ContactMethod.staff_id == who.id, ContactMethod.channel == channel)
    return session.scalars(select(ContactMethod).where(*wanted)).one()


def test_a_new_person_has_unverified_contacts_and_a_slow_password(session):
    nova = add(session, password="a long enough one", phone="(16) 99111-2222")
    assert nova.email == "nova@vigilia.example"
    assert nova.password_hash.startswith("$argon2id$")
    assert contact(session, nova, "sms").address == contact(session, nova, "voice").address == "+5516991112222"
    assert contact(session, nova, "sms").verified_at is None


@pytest.mark.parametrize(
    "wrong, field",
    [
        ({"name": ""}, "name"),
        ({"name": "Dr. " + "A" * 20}, "name"),
        ({"email": "nova"}, "email"),
        ({"role": "king"}, "role"),
        ({"password": "short"}, "password"),
        ({"phone": "12"}, "phone"),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(session, wrong, field):
    with pytest.raises(RuleViolation) as refused:
        add(session, **wrong)
    assert refused.value.field == field


def test_an_address_belongs_to_one_person(session):
    with pytest.raises(Conflict):
        add(session, email="reis@vigilia.example")


def test_log_in_and_lock_out(session):
    email = "reis@vigilia.example"
    assert staff.authenticate(session, " REIS@vigilia.example ", PASSWORD, now=START).name == "Dr. Reis"
    assert staff.authenticate(session, "nobody@vigilia.example", PASSWORD, now=START) is None
    for _ in range(staff.FREE_TRIES):
        assert staff.authenticate(session, email, "wrong password", now=START) is None
    assert staff.authenticate(session, email, PASSWORD, now=START + timedelta(minutes=14)) is None
    assert staff.authenticate(session, email, PASSWORD, now=START + timedelta(minutes=16)) is not None


def test_a_good_log_in_forgets_the_wrong_ones(session):
    email = "reis@vigilia.example"
    for _ in range(3):
        for _ in range(staff.FREE_TRIES - 1):
            staff.authenticate(session, email, "wrong password", now=START)
        assert staff.authenticate(session, email, PASSWORD, now=START) is not None


def test_a_new_password_and_leaving_end_every_session(session):
    reis = person(session, "Dr. Reis")
    epoch = reis.session_epoch
    staff.set_password(session, reis, "another long password", actor="system", now=START)
    staff.deactivate(session, reis, actor="system", now=START)
    assert reis.session_epoch == epoch + 2
    assert staff.authenticate(session, reis.email, "another long password", now=START) is None
    assert staff.by_phone(session, "+5516991110002") is None


def test_a_phone_belongs_to_whoever_verified_it(session):
    first = add(session, phone="+5516991110002")
    assert staff.by_phone(session, "+5516991110002").name == "Dr. Reis"
    assert staff.by_phone(session, "+5516990000000") is None
    assert first.id != person(session, "Dr. Reis").id


def test_a_code_verifies_both_texts_and_calls_of_that_number_once(session):
    nova = add(session, phone="+5516991112222")
    sms = contact(session, nova, "sms")
    contacts.send_code(session, sms, actor="staff:1", now=START)
    (message,) = messages(session, template="contact_code")
    code = message.fields["code"]
    assert (message.address, message.channel, len(code)) == ("+5516991112222", "sms", 6)
    assert not contacts.verify(session, sms, "000000" if code != "000000" else "1", actor="staff:1", now=START)
    assert contacts.verify(session, sms, f" {code} ", actor="staff:1", now=START)
    assert contact(session, nova, "voice").verified_at == START
    assert not contacts.verify(session, sms, code, actor="staff:1", now=START)


def test_a_code_is_good_for_a_quarter_of_an_hour(session):
    nova = add(session, phone="+5516991112222")
    sms = contact(session, nova, "sms")
    contacts.send_code(session, sms, actor="staff:1", now=START)
    code = messages(session, template="contact_code")[0].fields["code"]
    assert not contacts.verify(session, sms, code, actor="staff:1", now=START + timedelta(minutes=16))


def test_the_code_can_be_sent_back_as_a_text(session):
    nova = add(session, phone="+5516991112222")
    contacts.send_code(session, contact(session, nova, "sms"), actor="staff:1", now=START)
    code = messages(session, template="contact_code")[0].fields["code"]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert text_from(session, nova, wrong, seconds=20, phone="+5516991112222") == "wrong contact code"
    assert text_from(session, nova, code, seconds=30, phone="+5516991112222") == "contact code"
    assert contact(session, nova, "sms").verified_at is not None


@pytest.mark.parametrize("channel, address", [("fax", "1"), ("email", "nowhere"), ("sms", "12")])
def test_a_contact_that_cannot_be_used_is_refused(session, channel, address):
    with pytest.raises(RuleViolation):
        contacts.add(
            session, person(session, "Dr. Reis"), channel=channel, address=address, actor="system", now=START
        )
