"""WhatsApp: free text within 24 hours of the patient's own, an approved text afterwards, SMS where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from notifications.carriers.base import PermanentFailure
from notifications.message import Channel
from service.models import Message, Patient
from service.use_cases import sites
from tests.sending import PostOffice

WEEKLY = "HX" + "a" * 32


@pytest.fixture
def post(world: Any) -> Iterator[PostOffice]:
    """A patient who reads WhatsApp, in Portuguese; the weekly text is approved."""
    post = PostOffice(world)
    with post.db.unit_of_work() as session:
        session.get_one(Patient, post.patient_id).channel = "whatsapp"
    config = post.runtime.config
    post.runtime.config = replace(config, whatsapp_templates=f"pt_BR/weekly={WEEKLY}")
    approved = post.runtime.renderer.sources()["pt_BR/weekly"].replace("{{ url }}", "{{1}}")
    assert "{{1}}" in approved
    post.simulator.contents[WEEKLY] = approved
    post.simulator.faults.whatsapp_window = True
    yield post
    post.runtime.config = config


def heard(post: PostOffice, **ago: float) -> None:
    """The patient's last WhatsApp text came so long ago."""
    at = post.clock.now() - timedelta(**ago)
    with post.db.unit_of_work() as session:
        session.get_one(Patient, post.patient_id).whatsapp_seen_at = at


def channels(post: PostOffice) -> list[str]:
    return [text.channel for text in post.simulator.texts if text.to == post.phone]


@pytest.mark.parametrize("ago", [None, {"hours": 24}, {"hours": 23, "minutes": 56}, {"days": 9}])
def test_after_a_day_of_silence_the_approved_text_is_sent(post: PostOffice, ago: dict[str, float] | None) -> None:
    if ago:
        heard(post, **ago)
    message = post.enqueue()
    post.send()
    post.report()
    (text,) = [text for text in post.simulator.texts if text.to == post.phone]
    assert text.approved and post.status(message) == "delivered"
    assert "https://v.test/000001" in text.body
    assert any(ord(letter) > 127 for letter in text.body), "accents are kept"


def test_within_the_day_free_text_is_sent_with_its_accents(post: PostOffice) -> None:
    post.simulator.receive("whatsapp:" + post.phone, "+5516330000003", "oi")
    heard(post, hours=23)
    before = len(post.simulator.texts)
    message = post.enqueue()
    post.send()
    post.report()
    text = next(text for text in post.simulator.texts[before:] if "v.test/000001" in text.body)
    assert not text.approved and text.channel == "whatsapp" and post.status(message) == "delivered"
    assert any(ord(letter) > 127 for letter in text.body)


def test_a_text_without_approval_goes_on_by_sms_at_once(post: PostOffice) -> None:
    message = post.enqueue("reply", "saved")
    post.send()
    post.report()
    row = post.message(message)
    assert row.status == "failed_permanent" and "63016" in (row.reason or "") and "goes on by sms" in (row.reason or "")
    assert post.send() == 1 and channels(post) == ["whatsapp", "sms"]
    post.report()
    with post.db.reading() as session:
        following = session.scalars(select(Message).where(Message.dedupe.endswith("/sms"))).one()
    assert following.status == "delivered"


def test_a_refusal_at_the_api_goes_on_by_sms_at_once(post: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> Any:
        raise PermanentFailure(63016, "outside the 24 h window, needs a template", next_channel=True)

    carrier = post.runtime.carriers[Channel.WHATSAPP]
    real = carrier.send
    monkeypatch.setattr(carrier, "send", lambda one: refuse(one) if one.channel is Channel.WHATSAPP else real(one))
    post.enqueue("reply", "saved")
    post.send()
    assert channels(post) == ["sms"]


def test_nothing_approved_means_free_text_always(post: PostOffice) -> None:
    post.runtime.config = replace(post.runtime.config, whatsapp_templates="")
    post.enqueue()
    post.send()
    assert [text.approved for text in post.simulator.texts if text.to == post.phone] == [False]


def test_a_site_has_its_own_approved_texts_over_the_installations(post: PostOffice) -> None:
    own = "HX" + "b" * 32
    post.simulator.contents[own] = "do centro: {{1}}"
    with post.db.unit_of_work() as session:
        site = session.get_one(Patient, post.patient_id).site
        sites.change(
            session, site, actor="admin", now=post.clock.now(), reason="their own sender",
            whatsapp_templates=f"pt_BR/weekly={own}",
        )  # fmt: skip
    post.enqueue()
    post.send()
    assert [text.body for text in post.simulator.texts if text.to == post.phone] == ["do centro: https://v.test/000001"]


def test_other_channels_have_no_approved_texts(post: PostOffice) -> None:
    post.enqueue(channel="sms")
    post.send()
    (text,) = [text for text in post.simulator.texts if text.to == post.phone]
    assert (text.channel, text.approved) == ("sms", False)


def test_a_lost_answer_to_an_approved_text_is_found_in_the_carriers_list(post: PostOffice) -> None:
    post.simulator.faults.lose_answer = 1
    message = post.enqueue()
    post.send()
    assert post.message(message).reason == "found in the carrier's list"
    assert channels(post) == ["whatsapp"]


def test_a_database_that_is_away_means_the_approved_text(post: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise OperationalError("select", {}, Exception("away"))

    heard(post, hours=1)
    post.enqueue()
    (ticket,), _ = post.sender.claim("bulk", 10)
    with monkeypatch.context() as patched:
        patched.setattr(post.runtime.db, "looking", away)
        result = post.sender.deliver(ticket)
    post.sender.record([result])
    assert [text.approved for text in post.simulator.texts if text.to == post.phone] == [True]
