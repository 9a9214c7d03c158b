"""The alert page at 03:00, the console's cases, the on-call calendar and the team."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from py_vapid import Vapid02
from sqlalchemy import select

from notifications.carriers.base import SendResult
from notifications.message import Channel, DeliveryStatus
from service.demo import seed
from service.models import ContactMethod, Patient, Rota, Staff
from service.use_cases import alerts
from service.web.push import public_key

BASE = "https://vigilia.test"


def fever(world: Any, code: str = "P-001", source: str = "text:1") -> int:
    """A red case of that patient, its pages sent; the alert's id."""
    with world.runtime.db.unit_of_work() as session:
        who = session.scalars(select(Patient).where(Patient.code == code)).one()
        alert = alerts.open_or_join(
            session,
            who,
            source=source,
            level="red",
            hits=["T-RED"],
            reported_at=world.now,
            summary={"text": "38,9 e calafrio"},
            now=world.now,
        )
        number = alert.id
    world.settle()
    return number


@pytest.fixture
def sick(world: Any) -> Any:
    world.enrol("P-001")
    fever(world)
    return world


def phone_browser(world: Any) -> Any:
    return world.app.test_client()


def get(client: Any, path: str) -> Any:
    return client.get(path, base_url=BASE)


def post(client: Any, path: str, **form: str) -> Any:
    return client.post(path, data=form, base_url=BASE)


def submit(client: Any, page: str, path: str, **form: str) -> Any:
    """Post a console form with the token of the page that shows it."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', get(client, page).get_data(as_text=True))
    assert token
    return post(client, path, csrf_token=token[1], **form)


def test_opening_the_link_shows_no_health_data_and_changes_nothing(sick):
    link = sick.phone("Dr. Reis").link()
    for _ in range(3):
        page = get(phone_browser(sick), link)
        words = page.get_data(as_text=True)
        assert page.status_code == 200 and "P-001" in words and sick.phone("Dr. Reis").code() in words
        assert "38" not in words and "calafrio" not in words and "+551699222" not in words
        assert "Set-Cookie" not in page.headers
    assert sick.alerts()[0].status == "open"


def test_one_tap_takes_the_case_and_one_more_closes_it(sick):
    browser = phone_browser(sick)
    taken = post(browser, sick.phone("Dr. Reis").link(), do="take")
    assert taken.status_code == 303 and taken.headers["Location"].startswith("/c/")
    (alert,) = sick.alerts()
    assert (alert.status, alert.acknowledged_via) == ("acknowledged", "link")
    words = get(browser, taken.headers["Location"]).get_data(as_text=True)
    assert "38,9 e calafrio" in words and 'href="tel:+5516992220001"' in words
    ended = post(browser, taken.headers["Location"], outcome="sent_to_er")
    assert ended.status_code == 303
    (alert,) = sick.alerts()
    assert (alert.status, alert.outcome) == ("closed", "sent_to_er")


def test_the_link_works_once_and_a_second_tap_harms_nothing(sick):
    link = sick.phone("Dr. Reis").link()
    assert post(phone_browser(sick), link, do="take").headers["Location"].startswith("/c/")
    again = post(phone_browser(sick), link, do="take")
    assert again.headers["Location"] == link
    assert "38" not in get(phone_browser(sick), link).get_data(as_text=True)


def test_the_second_person_is_told_who_has_it(sick):
    sick.advance(seconds=181)
    post(phone_browser(sick), sick.phone("Dr. Reis").link(), do="take")
    words = get(phone_browser(sick), sick.phone("Dr. Lima").link()).get_data(as_text=True)
    assert "Dr. Reis" in words and "<button" not in words


def test_passing_on_pages_the_backup_at_once(sick):
    browser, link = phone_browser(sick), sick.phone("Dr. Reis").link()
    post(browser, link, do="pass")
    sick.settle()
    sick.phone("Dr. Lima").expects("P-001")
    words = get(browser, link).get_data(as_text=True)
    assert "Você passou este caso adiante" in words and "<button" not in words
    lima = get(browser, sick.phone("Dr. Lima").link()).get_data(as_text=True)
    assert "passou este caso adiante" not in lima and "<button" in lima


@pytest.mark.parametrize("path", ["/a/nosuchtoken", "/c/nosuchtoken"])
def test_a_made_up_link_leads_nowhere(sick, path):
    assert get(phone_browser(sick), path).status_code == 404
    assert post(phone_browser(sick), path, do="take").status_code == 404
    assert sick.alerts()[0].status == "open"


def test_a_page_link_does_not_open_the_case_page_and_ends_after_a_day(sick):
    link = sick.phone("Dr. Reis").link()
    assert get(phone_browser(sick), link.replace("/a/", "/c/")).status_code == 404
    post(phone_browser(sick), link, do="take")
    sick.clock.advance(timedelta(hours=25))
    assert get(phone_browser(sick), link).status_code == 410


def test_other_needs_words_and_keeps_what_was_typed(sick):
    browser = phone_browser(sick)
    case = post(browser, sick.phone("Dr. Reis").link(), do="take").headers["Location"]
    refused = post(browser, case, outcome="other")
    assert refused.status_code == 422
    assert sick.alerts()[0].status == "acknowledged"
    post(browser, case, outcome="other", text="already in hospital")
    assert sick.alerts()[0].outcome_text == "already in hospital"


def test_the_alert_page_speaks_the_doctors_language(sick):
    link = sick.phone("Dr. Reis").link()
    for language, html in (("en", 'lang="en"'), ("pt-BR", 'lang="pt-BR"')):
        with sick.runtime.db.unit_of_work() as session:
            session.scalars(select(Staff).where(Staff.name == "Dr. Reis")).one().language = language
        assert html in get(phone_browser(sick), link).get_data(as_text=True)


def test_the_console_lists_takes_and_closes_a_case(sick):
    ana = sick.browser(seed.REIS)
    (alert,) = sick.alerts()
    words = get(ana, "/cases").get_data(as_text=True)
    assert alert.case in words and "P-001" in words
    case = f"/cases/{alert.id}"
    assert submit(ana, case, f"{case}/take").status_code == 303
    submit(ana, case, f"{case}/note", note="calling her now")
    assert "calling her now" in get(ana, case).get_data(as_text=True)
    assert submit(ana, case, f"{case}/outcome", outcome="other").status_code == 422
    assert submit(ana, case, f"{case}/outcome", outcome="advised_by_phone").status_code == 303
    assert sick.alerts()[0].status == "closed"
    assert alert.case in get(ana, "/cases").get_data(as_text=True)


def test_a_form_without_its_token_is_refused(sick):
    (alert,) = sick.alerts()
    assert post(sick.browser(seed.REIS), f"/cases/{alert.id}/take").status_code == 400
    assert sick.alerts()[0].status == "open"


def test_cases_need_a_log_in(sick):
    assert get(phone_browser(sick), "/cases").headers["Location"].startswith("/login")


def test_the_calendar_shows_who_is_on_duty_and_takes_a_stand_in(world):
    ana = world.browser()
    words = get(ana, "/on-call").get_data(as_text=True)
    assert "Dr. Reis" in words and "Dr. Lima" in words
    with world.runtime.db.reading() as session:
        rota = session.scalars(select(Rota)).one()
        prado = session.scalars(select(Staff).where(Staff.name == "Dr. Prado")).one()
    good = {
        "layer": "on_call",
        "staff": str(prado.id),
        "start_date": "2026-03-03",
        "start_time": "18:00",
        "end_date": "2026-03-04",
        "end_time": "08:00",
        "reason": "congress",
    }
    path = f"/on-call/{rota.id}/stand-in"
    assert submit(ana, "/on-call", path, **(good | {"end_date": "2026-03-02"})).status_code == 422
    assert submit(ana, "/on-call", path, **(good | {"reason": ""})).status_code == 422
    assert submit(ana, "/on-call", path, **good).status_code == 303
    assert "congress" in get(ana, "/on-call").get_data(as_text=True)
    assert submit(ana, "/on-call", "/on-call/overrides/1/cancel").status_code == 303
    assert "congress" not in get(ana, "/on-call").get_data(as_text=True)


def test_two_people_change_places_and_the_calendar_shows_it(world):
    with world.runtime.db.unit_of_work() as session:
        rota = session.scalars(select(Rota)).one()
        number, prado = rota.id, world.staff("Dr. Prado").id
        first = rota.layers[0]
        rota.layers = [{**first, "members": [*first["members"], prado]}, rota.layers[1]]
    ana, path = world.browser(), f"/on-call/{number}/swap"
    words = get(ana, "/on-call").get_data(as_text=True)
    turns = dict.fromkeys(re.findall(r'<option value="(on_call/[^"]+)"', words))
    mine, theirs = list(turns)[:2]
    assert submit(ana, "/on-call", path, first=mine, second=mine, swap_reason="congress").status_code == 422
    assert submit(ana, "/on-call", path, first=mine, second=theirs, swap_reason="").status_code == 422
    assert submit(ana, "/on-call", path, first=mine, second="on_call/1/2026", swap_reason="x").status_code == 422
    backup = re.search(r'<option value="(backup/[^"]+)"', words)[1]
    assert submit(ana, "/on-call", path, first=mine, second=backup, swap_reason="congress").status_code == 422
    before = world.api("GET", "/on-call").json["items"][0]["name"]
    assert submit(ana, "/on-call", path, first=mine, second=theirs, swap_reason="congress").status_code == 303
    assert world.api("GET", "/on-call").json["items"][0]["name"] != before
    assert get(ana, "/on-call").get_data(as_text=True).count("congress") == 2


def test_a_rota_is_planned_and_the_fallback_chosen(world):
    ana, site = world.browser(), world.site().id
    plan = f"/on-call/sites/{site}/plan"
    lima, prado = world.staff("Dr. Lima").id, world.staff("Dr. Prado").id
    assert 'value="Fever line"' in get(ana, plan).get_data(as_text=True)
    good = {"name": "Fever line", "every": "day", "start": "2026-03-02", "handover": "07:00"}
    good |= {"on_call_1": str(lima), "on_call_2": str(prado)}
    save = f"/on-call/sites/{site}/rota"
    for wrong in ({"on_call_1": "", "on_call_2": ""}, {"handover": "7 am"}, {"every": "month"}, {"on_call_1": "999"}):
        assert submit(ana, plan, save, **(good | wrong)).status_code == 422
    assert submit(ana, plan, save, **good).status_code == 303
    with world.runtime.db.reading() as session:
        rota = session.scalars(select(Rota)).one()
        assert rota.layers[0]["members"] == [lima, prado] and rota.layers[0]["every"] == "day"
    assert submit(ana, plan, f"/on-call/sites/{site}/fallback", people=str(prado)).status_code == 303
    assert world.site().settings == {"fallback_staff": [prado]}
    assert submit(ana, plan, f"/on-call/sites/{site}/fallback", people="999").status_code == 422


def test_the_first_rota_of_a_site_can_be_made(world):
    with world.runtime.db.unit_of_work() as session:
        session.delete(session.scalars(select(Rota)).one())
    ana, site, lima = world.browser(), world.site().id, world.staff("Dr. Lima").id
    form = {"name": "New", "every": "week", "start": "2026-03-02", "handover": "08:00", "on_call_1": str(lima)}
    assert submit(ana, f"/on-call/sites/{site}/plan", f"/on-call/sites/{site}/rota", **form).status_code == 303
    assert "Dr. Lima" in get(ana, "/on-call").get_data(as_text=True)


def test_a_hole_in_the_rota_is_shown(world):
    with world.runtime.db.unit_of_work() as session:
        rota = session.scalars(select(Rota)).one()
        rota.layers = [{**rota.layers[0], "until": "2026-03-03"}, rota.layers[1]]
    assert 'class="note red"' in get(world.browser(), "/on-call").get_data(as_text=True)


def test_a_contact_is_added_and_verified_by_its_code(world):
    ana = world.browser()
    reis = world.staff("Dr. Reis")
    added = submit(ana, "/staff", f"/staff/{reis.id}/contacts", channel="sms", address="(16) 99333-4444")
    assert added.status_code == 303
    assert submit(ana, "/staff", f"/staff/{reis.id}/contacts", channel="sms", address="12").status_code == 422
    with world.runtime.db.reading() as session:
        contact = session.scalars(select(ContactMethod).where(ContactMethod.address == "+5516993334444")).one()
    assert contact.verified_at is None
    submit(ana, "/staff", f"/staff/contacts/{contact.id}/code")
    world.settle()
    code = re.search(r"\b\d{6}\b", world.phone("+5516993334444").inbox[-1])
    assert code
    submit(ana, "/staff", f"/staff/contacts/{contact.id}/verify", code="000000")
    submit(ana, "/staff", f"/staff/contacts/{contact.id}/verify", code=code[0])
    with world.runtime.db.reading() as session:
        assert session.get(ContactMethod, contact.id).verified_at is not None


SUBSCRIPTION = '{"endpoint": "https://push.example/1", "keys": {"p256dh": "BPk", "auth": "aa"}, "expirationTime": null}'


def test_a_browser_becomes_a_contact_and_gets_the_page(world):
    class Push:
        sent: list[Any] = []

        def send(self, message: Any) -> SendResult:
            self.sent.append(message)
            return SendResult("push-1", DeliveryStatus.SENT)

    world.runtime.carriers = {**world.runtime.carriers, Channel.WEBPUSH: Push()}
    reis = world.browser(seed.REIS)
    assert submit(reis, "/staff", "/staff/push", subscription=SUBSCRIPTION).status_code == 303
    world.enrol("P-001")
    fever(world)
    (page,) = Push.sent
    assert page.payload["subscription"]["endpoint"] == "https://push.example/1"
    taken = post(phone_browser(world), page.payload["url"].removeprefix(BASE), do="take")
    assert taken.headers["Location"].startswith("/c/")


PLAIN_HTTP = '{"endpoint": "http://x", "keys": {"p256dh": "", "auth": ""}}'


@pytest.mark.parametrize("wrong", ["", "[]", "{}", PLAIN_HTTP, "x" * 3000])
def test_what_is_no_subscription_is_refused(world, wrong):
    assert submit(world.browser(seed.REIS), "/staff", "/staff/push", subscription=wrong).status_code == 422


def test_the_public_key_fits_the_private_one():
    vapid = Vapid02()
    vapid.generate_keys()
    pem = vapid.private_pem().decode()
    number = vapid.private_key.private_numbers().private_value.to_bytes(32, "big")
    raw = base64.urlsafe_b64encode(number).rstrip(b"=").decode()
    assert public_key(pem) == public_key(raw)
    assert len(base64.urlsafe_b64decode(public_key(pem) + "=")) == 65
    assert public_key("") == ""


def test_a_case_is_handed_over_in_the_console(sick):
    browser = sick.browser(seed.REIS)
    number = sick.alerts()[0].id
    page = get(browser, f"/cases/{number}").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    post(browser, f"/cases/{number}/take", csrf_token=token)
    prado = sick.staff("Dr. Prado")
    assert post(browser, f"/cases/{number}/hand-over", csrf_token=token, to="999").status_code == 422
    assert post(browser, f"/cases/{number}/hand-over", csrf_token=token, to=str(prado.id)).status_code == 303
    sick.settle()
    assert "P-001" in sick.phone("Dr. Prado").expects(sick.alerts()[0].case)
    assert sick.alerts()[0].status == "open"


def test_a_case_whose_owner_does_not_act_is_opened_again(sick):
    reis, ana, number = sick.browser(seed.REIS), sick.browser(), sick.alerts()[0].id
    assert submit(reis, f"/cases/{number}", f"/cases/{number}/take").status_code == 303
    assert f"/cases/{number}/reopen" not in get(reis, f"/cases/{number}").get_data(as_text=True)
    sick.phone("Dr. Reis").reads_all()
    assert submit(ana, f"/cases/{number}", f"/cases/{number}/reopen").status_code == 303
    assert sick.alerts()[0].status == "open"
    sick.settle()
    sick.phone("Dr. Reis").expects(sick.alerts()[0].case)


NEW = {"name": "Dr. Novaes", "email": "novaes@vigilia.example", "language": "en", "phone": "16 99444-5555"}


def people_called(world, name):
    with world.runtime.db.reading() as session:
        return session.scalars(select(Staff).where(Staff.name == name)).all()


def test_a_person_is_added_to_ones_own_site_and_can_log_in(world):
    ana = world.browser()
    added = submit(ana, "/staff", "/staff", **NEW, role="clinician", password="a new password")
    assert added.status_code == 303
    (person,) = people_called(world, "Dr. Novaes")
    assert (person.role, person.site_id) == ("clinician", world.staff(seed.ANA.name).site_id)
    newcomer = world.app.test_client()
    entered = submit(newcomer, "/login", "/login", email=NEW["email"], password="a new password")
    assert entered.status_code == 303 and get(newcomer, "/").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"role": "admin"}, "role"),
        ({"role": "investigator"}, "role"),
        ({"password": "short"}, "password"),
        ({"phone": "12"}, "phone"),
        ({"email": seed.REIS.email}, "email"),
        ({"site": "99"}, "site"),
        ({"name": ""}, "name"),
    ],
)
def test_a_person_who_cannot_be_added_is_not_and_the_field_is_named(world, wrong, field):
    given = {**NEW, "role": "clinician", "password": "a new password"} | wrong
    answer = submit(world.browser(), "/staff", "/staff", **given)
    assert answer.status_code == 422 and f'id="e-{field}"' in answer.get_data(as_text=True)
    assert not people_called(world, "Dr. Novaes")


def test_an_administrator_gives_every_role_and_a_doctor_none(world):
    ada = world.browser(seed.ADA)
    assert submit(ada, "/staff", "/staff", **NEW, role="investigator", password="a new password").status_code == 303
    (person,) = people_called(world, "Dr. Novaes")
    assert person.role == "investigator"
    reis = world.browser(seed.REIS)
    assert 'name="password"' not in get(reis, "/staff").get_data(as_text=True)


def test_an_operator_arrives_at_a_page_that_is_theirs_and_sees_no_other_tab(world):
    bia = world.browser(seed.BIA)
    page = get(bia, "/login")
    assert page.status_code == 303 and page.location.endswith("/on-call")
    words = get(bia, "/on-call").get_data(as_text=True)
    assert 'href="/staff"' in words and 'href="/patients"' not in words and 'href="/matrix"' not in words
    refused = get(bia, "/")
    assert refused.status_code == 403 and 'href="/on-call"' in refused.get_data(as_text=True)
