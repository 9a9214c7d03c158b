"""Receipts: in any order, doubled, late, about nothing. The end is the same, and every one is kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from notifications.carriers.twilio_codes import classify
from notifications.message import RANK, DeliveryStatus
from service.models import Alert, Attempt, ContactMethod, EscalationRun, Message, Patient, Receipt
from service.use_cases import alerts, receipts, watch
from tests.sending import PostOffice


@pytest.fixture
def post(world: Any) -> PostOffice:
    return PostOffice(world)


def receive(post: PostOffice, attempt: int | None, word: str, code: str = "", provider_id: str = "SM1") -> bool:
    with post.db.unit_of_work() as session:
        return receipts.apply_receipt(
            session, attempt_id=attempt, provider_id=provider_id, word=word, code=code, form={"MessageStatus": word},
            now=post.clock.now(),
        )  # fmt: skip


def sent(post: PostOffice, **more: Any) -> tuple[int, int]:
    """A message that the carrier took: its id and its attempt's."""
    message = post.enqueue(**more)
    post.send()
    return message, post.attempts(message)[0].id


WORDS = st.sampled_from(
    [("queued", ""), ("sending", ""), ("sent", ""), ("delivered", ""), ("undelivered", "30003"), ("failed", "30005"),
     ("failed", "99999"), ("nonsense", "")]
)  # fmt: skip


def test_any_order_of_any_receipts_gives_the_same_end(post: PostOffice) -> None:
    message, attempt = sent(post)

    @settings(max_examples=40)
    @given(st.lists(WORDS, min_size=1, max_size=6), st.randoms(use_true_random=False))
    def check(words: list[tuple[str, str]], random: Any) -> None:
        ends = []
        for doubled in (False, True):
            with post.db.unit_of_work() as session:
                session.execute(update(Message).where(Message.id == message).values(status="accepted", reason=None))
                session.execute(update(Attempt).where(Attempt.id == attempt).values(status="accepted"))
                session.execute(delete(Receipt))
            order = words * 2 if doubled else list(words)
            random.shuffle(order)
            for word, code in order:
                receive(post, attempt, word, code)
            assert len(post.receipts(message)) == len(order), "every one is kept"
            ends.append((post.status(message), post.attempts(message)[0].status))
        assert ends[0] == ends[1]
        highest = max((classify(word, code or None).status for word, code in words), key=lambda one: RANK[one])
        expected = max(highest, DeliveryStatus.ACCEPTED, key=lambda one: RANK[one])
        assert ends[0] == (expected.value, expected.value)

    check()


def test_a_receipt_that_is_quicker_than_our_own_record_is_not_undone(post: PostOffice) -> None:
    message = post.enqueue()
    (ticket,), _ = post.sender.claim("bulk", 1)
    answer = post.sender.deliver(ticket)
    assert receive(post, ticket.message.attempt_id, "delivered", provider_id="SM-early")
    post.sender.record([answer])
    assert post.status(message) == "delivered"
    assert post.attempts(message)[0].status == "delivered"


def test_a_receipt_without_our_id_is_found_by_the_carriers(post: PostOffice) -> None:
    message, _ = sent(post)
    assert receive(post, None, "delivered", provider_id=post.message(message).provider_id or "")
    assert post.status(message) == "delivered"


@pytest.mark.parametrize("attempt", [None, 999_999])
def test_a_receipt_about_nothing_is_kept(post: PostOffice, attempt: int | None) -> None:
    assert not receive(post, attempt, "delivered", provider_id="SM-of-somebody-else")
    with post.db.reading() as session:
        kept = session.scalars(select(Receipt)).one()
    assert (kept.message_id, kept.attempt_id, kept.applied) == (None, None, False)


def test_a_receipt_a_day_late_still_tells_the_truth(post: PostOffice) -> None:
    message, attempt = sent(post)
    post.wait(days=1)
    assert receive(post, attempt, "undelivered", "30003")
    assert post.status(message) == "undelivered"
    assert receive(post, attempt, "delivered")
    assert post.status(message) == "delivered"


def test_bad_news_of_an_old_attempt_does_not_end_a_message_that_was_sent_again(post: PostOffice) -> None:
    post.simulator.faults.http_500 = 1
    page = post.page()
    post.send()
    post.wait(seconds=7)
    post.send()
    first, second = post.attempts(page)
    assert not receive(post, first.id, "failed", "30005")
    assert post.status(page) == "accepted"
    assert receive(post, second.id, "sent")
    assert receive(post, first.id, "delivered"), "good news counts, whichever attempt it was"
    assert post.status(page) == "delivered"


def test_an_undelivered_text_of_a_patient_becomes_a_task(post: PostOffice) -> None:
    message, attempt = sent(post)
    receive(post, attempt, "undelivered", "30003")
    assert post.status(message) == "undelivered"
    (task,) = post.tasks("undeliverable")
    assert task.rules == ["N-UNDEL"] and task.patient_id == post.patient_id
    receive(post, attempt, "undelivered", "30003")
    assert len(post.tasks("undeliverable")) == 1


def test_an_undelivered_safety_text_is_followed_by_a_call(post: PostOffice) -> None:
    message, attempt = sent(post, kind="safety", template="red")
    receive(post, attempt, "undelivered", "30003")
    assert "goes on by voice" in (post.message(message).reason or "")
    post.send()
    assert [call.to for call in post.simulator.calls] == [post.phone]
    assert post.patient().unreachable_at is not None


def test_delivery_shows_that_a_telephone_works(post: PostOffice) -> None:
    post.wait(days=3)
    page = post.page()
    post.send()
    post.report()
    assert post.status(page) == "delivered"
    with post.db.reading() as session:
        contact = session.scalars(
            select(ContactMethod).where(ContactMethod.staff_id == post.doctor_id, ContactMethod.channel == "sms")
        ).one()
    assert contact.last_delivered_at == post.clock.now()


def open_case(post: PostOffice) -> int:
    with post.db.unit_of_work() as session:
        patient = session.get_one(Patient, post.patient_id)
        alert = alerts.open_or_join(
            session, patient, source="test", level="red", hits=(), reported_at=post.clock.now(), summary={},
            now=post.clock.now(),
        )  # fmt: skip
        return alert.id


def run_of(post: PostOffice, alert: int) -> EscalationRun:
    with post.db.reading() as session:
        return session.scalars(select(EscalationRun).where(EscalationRun.alert_id == alert)).one()


def test_a_delivered_page_stops_no_escalation(post: PostOffice) -> None:
    alert = open_case(post)
    before = run_of(post, alert)
    post.send()
    post.report()
    after = run_of(post, alert)
    assert (after.step, after.due_at) == (before.step, before.due_at) and after.due_at is not None
    with post.db.reading() as session:
        assert session.get_one(Alert, alert).status == "open"


def test_a_page_that_fails_moves_the_ladder_on_now(post: PostOffice) -> None:
    alert = open_case(post)
    before = run_of(post, alert)
    post.send()
    with post.db.reading() as session:
        pages = session.scalars(select(Message).where(Message.alert_id == alert, Message.kind == "page")).all()
    assert pages
    for page in pages:
        receive(post, post.attempts(page.id)[0].id, "undelivered", "30005", provider_id=page.provider_id or "")
    assert run_of(post, alert).step > before.step


def test_a_telephone_of_the_team_that_is_off_is_told_and_still_paged(post: PostOffice) -> None:
    alert = open_case(post)
    post.send()
    with post.db.reading() as session:
        page = session.scalars(
            select(Message).where(Message.alert_id == alert, Message.kind == "page", Message.channel == "sms")
        ).first()
    assert page is not None
    attempt = post.attempts(page.id)[0].id

    def flagged() -> list[str]:
        with post.db.reading() as session:
            return [one.detail for one in watch.reachable(session, post.clock.now()) if one.kind == "undelivered"]

    post.wait(minutes=1)
    receive(post, attempt, "undelivered", "30003")
    assert len(flagged()) == 1 and flagged()[0].endswith("the last message by sms did not arrive; is the telephone on?")
    with post.db.reading() as session:
        contacts = session.scalars(select(ContactMethod).where(ContactMethod.staff_id == page.staff_id)).all()
    assert [one.failed_at for one in contacts] == [None] * len(contacts), "the ladder passes nobody over for it"
    post.wait(minutes=5)
    receive(post, attempt, "delivered")
    assert flagged() == []
