"""The carrier's posts at the edge: signed or refused, stored before they are read, answered 2xx only once stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from notifications.carriers.signature import sign
from service.demo import seed
from service.models import Inbound, Receipt, Task
from service.use_cases import inbox
from tests.conftest import FROM, PUBLIC, TOKEN

SMS, STATUS = "/webhooks/twilio/sms", "/webhooks/twilio/status"
PHONE = dict(seed.PATIENTS)["P-001"]


def text(body: str = "36,8", sid: str = "SM1", **more: str) -> dict[str, str]:
    return {"MessageSid": sid, "From": PHONE, "To": FROM, "Body": body, "NumMedia": "0", **more}


def post(client: Any, path: str, form: dict[str, str], *, token: str = TOKEN, **headers: str) -> Any:
    headers.setdefault("X-Twilio-Signature", sign(token, PUBLIC + path, form))
    return client.post(path, data=form, headers=headers)


def stored(world: Any) -> list[Inbound]:
    with world.runtime.db.reading() as session:
        return list(session.scalars(select(Inbound).order_by(Inbound.id)))


def test_a_signed_text_is_stored_and_answered_with_an_empty_document(world: Any, client: Any) -> None:
    world.enrol("P-001")
    answer = post(client, SMS, text())
    assert answer.status_code == 200 and answer.content_type.startswith("text/xml")
    assert "<Response" in answer.get_data(as_text=True) and "<Message" not in answer.get_data(as_text=True)
    (row,) = stored(world)
    assert (row.body, row.from_address, row.to_address, row.status) == ("36,8", PHONE, FROM, "handled")
    assert row.form["MessageSid"] == "SM1"


@pytest.mark.parametrize("signature", ["", "nonsense", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "é"])
@pytest.mark.parametrize("path", [SMS, STATUS, "/webhooks/twilio/voice", "/webhooks/twilio/voice/1",
                                  "/webhooks/twilio/voice/1/digits"])  # fmt: skip
def test_what_is_not_signed_is_refused(world: Any, client: Any, path: str, signature: str) -> None:
    answer = post(client, path, text(), **{"X-Twilio-Signature": signature})
    assert answer.status_code == 403 and answer.content_type == "application/problem+json"
    assert stored(world) == []


def test_a_missing_signature_is_refused(world: Any, client: Any) -> None:
    assert client.post(SMS, data=text()).status_code == 403


def test_a_changed_form_is_refused(world: Any, client: Any) -> None:
    signature = sign(TOKEN, PUBLIC + SMS, text("36,8"))
    assert post(client, SMS, text("41,0"), **{"X-Twilio-Signature": signature}).status_code == 403


def test_both_tokens_are_taken_while_one_is_rotated(world: Any, client: Any) -> None:
    before = world.runtime.config
    world.runtime.config = replace(before, twilio_auth_token=f"{TOKEN}, the next one")
    try:
        assert post(client, STATUS, {"MessageStatus": "sent"}, token="the next one").status_code == 204
        assert post(client, STATUS, {"MessageStatus": "sent"}, token=TOKEN).status_code == 204
        assert post(client, STATUS, {"MessageStatus": "sent"}, token="an old one").status_code == 403
    finally:
        world.runtime.config = before


def test_the_query_is_part_of_what_is_signed(world: Any, client: Any) -> None:
    form = {"MessageSid": "SM9", "MessageStatus": "sent"}
    assert post(client, f"{STATUS}?attempt=12&x=%20a+b", form).status_code == 204
    forged = sign(TOKEN, f"{PUBLIC}{STATUS}?attempt=12", form)
    answer = client.post(f"{STATUS}?attempt=13", data=form, headers={"X-Twilio-Signature": forged})
    assert answer.status_code == 403


def test_the_public_address_is_signed_whatever_address_a_proxy_shows(world: Any, client: Any) -> None:
    form = {"MessageStatus": "sent"}
    answer = client.post(
        STATUS, data=form, headers={"X-Twilio-Signature": sign(TOKEN, PUBLIC + STATUS, form)},
        base_url="http://10.0.0.7:8000",
    )  # fmt: skip
    assert answer.status_code == 204


def test_the_same_text_twice_is_one(world: Any, client: Any) -> None:
    world.enrol("P-001")
    assert [post(client, SMS, text()).status_code for _ in range(3)] == [200, 200, 200]
    assert len(stored(world)) == 1


def test_a_text_that_cannot_be_stored_is_not_acknowledged(
    world: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(inbox, "store", away)
    world.app.testing = False
    monkeypatch.setitem(world.app.config, "PROPAGATE_EXCEPTIONS", False)
    try:
        assert post(client, SMS, text()).status_code >= 500
    finally:
        world.app.testing = True
    assert stored(world) == []


def test_a_text_that_breaks_its_reader_is_kept_visible_and_alarms_a_human(
    world: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.enrol("P-001")
    real = inbox.handle

    def poisoned(session: Any, inbound_id: int, *, now: Any) -> Any:
        if session.get_one(Inbound, inbound_id).body == "poison":
            raise RuntimeError("38,7 must not be in a log")
        return real(session, inbound_id, now=now)

    monkeypatch.setattr(inbox, "handle", poisoned)
    assert post(client, SMS, text("poison", "SM1")).status_code == 200
    assert post(client, SMS, text("36,5", "SM2")).status_code == 200
    first, second = stored(world)
    assert (first.status, first.tries, second.status) == ("poisoned", 1, "handled")
    with world.runtime.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Task).where(Task.inbound_id == first.id)) == 1


ODD = st.dictionaries(
    st.sampled_from(["MessageSid", "SmsSid", "From", "To", "Body", "NumMedia", "MediaUrl0", "MessageStatus",
                     "ErrorCode", "CallSid", "CallStatus", "Digits"]),
    st.text(max_size=40), max_size=8,
)  # fmt: skip


def test_no_signed_form_whatever_is_in_it_is_a_fault_of_ours(world: Any, client: Any) -> None:
    @settings(max_examples=50)
    @given(ODD, st.sampled_from([SMS, STATUS, f"{STATUS}?attempt=1", f"{STATUS}?attempt=99999999999999999999",
                                 f"{STATUS}?attempt=x", "/webhooks/twilio/voice", "/webhooks/twilio/voice/7/digits",
                                 "/webhooks/twilio/voice/7", "/webhooks/twilio/voice/9223372036854775808"]))
    def check(form: dict[str, str], path: str) -> None:
        answer = post(client, path, form)
        assert answer.status_code < 500, (path, form, answer.get_data(as_text=True))

    check()


def test_a_receipt_with_no_words_is_kept(world: Any, client: Any) -> None:
    assert post(client, f"{STATUS}?attempt=zero", {}).status_code == 204
    with world.runtime.db.reading() as session:
        assert session.scalars(select(Receipt)).one().status == "unknown"


def test_media_are_kept_by_address(world: Any, client: Any) -> None:
    world.enrol("P-001")
    more = {"NumMedia": "1", "MediaUrl0": "https://media.test/1", "MediaContentType0": "image/jpeg"}
    post(client, SMS, text("", **(more)))
    assert stored(world)[0].media == [{"url": "https://media.test/1", "type": "image/jpeg"}]


def test_whatsapp_texts_are_known_by_their_prefix(world: Any, client: Any) -> None:
    post(client, SMS, text() | {"From": f"whatsapp:{PHONE}", "To": f"whatsapp:{FROM}"})
    assert (stored(world)[0].channel, stored(world)[0].from_address) == ("whatsapp", PHONE)


def test_only_posts(world: Any, client: Any) -> None:
    assert client.get(SMS).status_code == 405


def test_a_text_that_the_database_refuses_is_not_answered_2xx(
    world: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clashes(*_: Any, **__: Any) -> None:
        raise IntegrityError("INSERT", {}, Exception("a constraint"))

    monkeypatch.setattr(inbox, "store", clashes)
    world.app.testing = False
    try:
        status = post(client, SMS, text()).status_code
    finally:
        world.app.testing = True
    assert status >= 400 and stored(world) == []  # it comes again


@pytest.mark.parametrize("count", ["9" * 5000, "-1", "two", "\u0663"])
def test_an_odd_count_of_pictures_loses_no_text(world: Any, client: Any, count: str) -> None:
    assert post(client, SMS, text(NumMedia=count)).status_code < 300
    assert len(stored(world)) == 1
