"""A message from the row it is to the end it comes to, through the real twilio client and the simulator."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from notifications.message import DeliveryStatus
from service.models import ContactMethod, Message, Patient, Staff
from service.sender import Sender
from service.use_cases import outbox, outbox_record
from tests.conftest import FROM, PAGE_FROM
from tests.sending import PostOffice


@pytest.fixture
def post(world: Any) -> PostOffice:
    return PostOffice(world)


def test_a_message_is_sent_once_and_ends_delivered(post: PostOffice) -> None:
    message = post.enqueue()
    assert post.status(message) == "ready"
    assert post.send() == 1
    assert post.status(message) == "accepted"
    post.report()
    row = post.message(message)
    assert (row.status, row.reason, row.attempts, row.claimer) == ("delivered", None, 1, None)
    assert row.sent_at is not None and row.ended_at is not None
    (attempt,) = post.attempts(message)
    assert attempt.provider_id == row.provider_id == post.simulator.texts[-1].sid
    assert post.send() == 0 and len(post.texts()) == 1


def test_nothing_leaves_before_its_time(post: PostOffice) -> None:
    message = post.enqueue(send_at=post.clock.now() + timedelta(minutes=5))
    assert post.send() == 0
    post.wait(minutes=4, seconds=59)
    assert post.send() == 0
    post.wait(seconds=1)
    assert post.send() == 1 and post.status(message) == "accepted"


def test_the_same_cause_is_one_message(post: PostOffice) -> None:
    assert post.enqueue(dedupe="once") == post.enqueue(dedupe="once")


def test_an_unknown_kind_or_template_is_refused_where_it_is_written(post: PostOffice) -> None:
    with pytest.raises(ValueError, match="no such kind or template"):
        post.enqueue("shout")
    with pytest.raises(ValueError, match="no such kind or template"):
        post.enqueue("reminder", "nonsense")


def test_the_site_fills_telephone_and_emergency_number(post: PostOffice) -> None:
    post.enqueue("reply", "saved")
    post.send()
    assert "(16) 3602-0000" in post.texts()[0]
    assert "192" in post.texts()[0]


def test_pages_leave_from_their_own_number_and_replies_from_the_one_written_to(post: PostOffice) -> None:
    post.enqueue("reply", "saved")
    post.page()
    post.send()
    assert {text.from_ for text in post.simulator.texts if text.to == post.phone} == {FROM}
    assert {text.from_ for text in post.simulator.texts if text.to != post.phone} == {PAGE_FROM}


def test_a_page_does_not_wait_behind_a_batch(post: PostOffice) -> None:
    for _ in range(5):
        post.enqueue()
    post.page()
    post.send()
    assert post.simulator.texts[0].from_ == PAGE_FROM


def test_cancelled_messages_keep_the_reason_and_never_leave(post: PostOffice) -> None:
    kept, gone = post.enqueue("reply", "saved"), post.enqueue()
    with post.db.unit_of_work() as session:
        assert outbox.cancel_for(
            session, now=post.clock.now(), reason="moved", patient_id=post.patient_id, kinds={"reminder"}
        ) == 1
    post.send()
    assert (post.status(gone), post.message(gone).reason) == ("cancelled", "moved")
    assert post.status(kept) == "accepted"


def test_cancelling_for_nobody_is_an_error(post: PostOffice) -> None:
    with post.db.unit_of_work() as session, pytest.raises(ValueError, match="name a patient"):
        outbox.cancel_for(session, now=post.clock.now(), reason="all")


def test_a_person_cancels_one_message_once(post: PostOffice) -> None:
    message = post.enqueue()
    for first in (True, False):
        with post.db.unit_of_work() as session:
            row = session.get_one(Message, message)
            assert first is outbox.cancel_message(
                session, row, reason="wrong day", actor="staff:1", now=post.clock.now()
            )
    assert post.send() == 0


@pytest.mark.parametrize("fault", ["http_429", "http_503", "refuse"])
def test_a_busy_carrier_is_tried_again_later(post: PostOffice, fault: str) -> None:
    setattr(post.simulator.faults, fault, 1)
    message = post.enqueue()
    post.send()
    row = post.message(message)
    assert row.status == "ready" and "try 2 follows" in (row.reason or "")
    assert row.send_at > post.clock.now()
    post.wait(minutes=1)
    post.send()
    post.report()
    assert post.status(message) == "delivered" and len(post.texts()) == 1
    assert [one.status for one in post.attempts(message)] == ["failed_temporary", "delivered"]


def test_a_carrier_that_stays_away_ends_in_a_named_state(post: PostOffice) -> None:
    post.simulator.faults.refuse = 1000
    message = post.enqueue()
    for _ in range(10):
        post.send()
        post.wait(hours=1)
    row = post.message(message)
    assert row.status == "failed_temporary" and row.ended_at and row.reason
    assert row.attempts == 6
    assert post.tasks("undeliverable")


def test_no_try_is_made_after_the_message_is_of_no_use(post: PostOffice) -> None:
    post.simulator.faults.refuse = 1000
    message = post.enqueue(expires_at=post.clock.now() + timedelta(seconds=30))
    for _ in range(4):
        post.send()
        post.wait(seconds=20)
    assert post.status(message) in ("failed_temporary", "expired")
    assert post.message(message).attempts < 4


def test_a_page_is_tried_again_within_seconds(post: PostOffice) -> None:
    post.simulator.faults.http_503 = 1
    message = post.page()
    post.send()
    assert post.message(message).send_at - post.clock.now() <= timedelta(seconds=2)


def test_a_lost_answer_is_looked_up_and_not_sent_twice(post: PostOffice) -> None:
    post.simulator.faults.lose_answer = 1
    message = post.enqueue()
    post.send()
    row = post.message(message)
    assert row.status != "unknown" and row.reason == "found in the carrier's list"
    assert row.provider_id == post.simulator.texts[-1].sid
    post.report()
    assert post.status(message) == "delivered" and len(post.texts()) == 1


def test_a_receipt_adopts_an_attempt_whose_answer_was_lost(post: PostOffice) -> None:
    post.simulator.faults.lose_answer = 1
    message = post.enqueue()
    tickets, _ = post.sender.claim("bulk", 10)
    post.sender.record([post.sender.deliver(one) for one in tickets])
    assert post.status(message) == "unknown"
    post.report()
    row = post.message(message)
    assert row.status == "delivered" and row.provider_id == post.simulator.texts[-1].sid
    assert post.send() == 0 and len(post.texts()) == 1


def test_a_reminder_of_which_nobody_knows_expires_and_says_so(post: PostOffice) -> None:
    post.simulator.faults.http_500 = 1
    message = post.enqueue()
    post.send()
    assert post.status(message) == "unknown"
    post.wait(seconds=30)
    post.send()
    assert post.status(message) == "unknown", "the carrier's list may lag"
    post.wait(seconds=31)
    post.send()
    row = post.message(message)
    assert row.status == "expired" and "may or may not have left" in (row.reason or "")
    assert post.texts() == []


@pytest.mark.parametrize("kind", ["safety", "page"])
def test_what_protects_a_patient_is_sent_again_when_nobody_knows(post: PostOffice, kind: str) -> None:
    post.simulator.faults.http_500 = 1
    message = post.page() if kind == "page" else post.enqueue("safety", "red")
    post.send()
    assert post.status(message) == "unknown"
    post.wait(seconds=7)
    post.send()
    post.report()
    assert post.status(message) == "delivered"
    assert [one.status for one in post.attempts(message)] == ["unknown", "delivered"]


def test_a_dead_senders_claim_is_looked_up_when_its_lease_is_over(post: PostOffice) -> None:
    message = post.enqueue()
    (ticket,), _ = Sender(post.runtime, "dead").claim("bulk", 10)
    assert post.send() == 0, "the lease still runs"
    post.machine_waits(seconds=31)
    post.send()
    assert post.status(message) == "unknown"
    post.machine_waits(seconds=61)
    post.send()
    assert post.status(message) == "expired" and post.texts() == []


def test_a_sender_that_died_after_the_carrier_took_it_is_found_out(post: PostOffice) -> None:
    message = post.enqueue()
    dead = Sender(post.runtime, "dead")
    (ticket,), _ = dead.claim("bulk", 10)
    dead.deliver(ticket)
    post.machine_waits(seconds=31)
    post.send()
    assert post.status(message) == "accepted" and len(post.texts()) == 1


def test_two_lost_twins_find_two_different_texts(post: PostOffice) -> None:
    post.simulator.faults.lose_answer = 2
    twins = [post.enqueue("reply", "saved", dedupe=f"twin:{one}") for one in range(2)]
    post.send()
    post.wait(seconds=3)
    post.send()
    assert len({post.message(one).provider_id for one in twins}) == 2
    assert len(post.texts()) == 2


def test_a_stalled_sender_sends_nothing_after_the_fence(post: PostOffice) -> None:
    message = post.enqueue()
    (ticket,), _ = post.sender.claim("bulk", 10)
    post.machine_waits(seconds=11)
    result = post.sender.deliver(ticket)
    assert isinstance(result, outbox_record.Unwanted) and post.texts() == []
    post.sender.record([result])
    assert post.status(message) == "ready"
    assert post.send() == 1 and len(post.texts()) == 1


def test_a_late_refusal_does_not_overwrite_a_newer_attempt(post: PostOffice) -> None:
    message = post.page()
    stalled = Sender(post.runtime, "stalled")
    (ticket,), _ = stalled.claim("pages", 10)
    post.simulator.faults.http_503 = 1
    late = stalled.deliver(ticket)
    for _ in range(3):
        post.machine_waits(seconds=31)
        post.send()
    assert (post.status(message), post.message(message).attempts) == ("accepted", 2)
    stalled.record([late])
    assert (post.status(message), post.message(message).attempts) == ("accepted", 2)


def test_a_late_acceptance_counts_while_nothing_newer_was_sent(post: PostOffice) -> None:
    message = post.enqueue()
    slow = Sender(post.runtime, "slow")
    (ticket,), _ = slow.claim("bulk", 10)
    answer = slow.deliver(ticket)
    with post.db.unit_of_work() as session:
        session.execute(update(Message).where(Message.id == message).values(status="unknown", claimer=None))
    slow.record([answer])
    assert post.status(message) == "accepted"


def test_two_senders_never_claim_the_same_message(post: PostOffice) -> None:
    for _ in range(6):
        post.enqueue()
    first, _ = Sender(post.runtime, "a").claim("bulk", 4)
    second, _ = Sender(post.runtime, "b").claim("bulk", 4)
    ids = [one.message.id for one in first + second]
    assert len(first) == 4 and len(second) == 2 and len(set(ids)) == 6


def test_what_was_claimed_and_not_sent_is_handed_back(post: PostOffice) -> None:
    message = post.enqueue()
    tickets, _ = post.sender.claim("bulk", 10)
    assert post.sender.hand_back(tickets, "the worker ends") == 1
    assert (post.status(message), post.message(message).attempts, post.attempts(message)) == ("ready", 0, [])
    assert post.send() == 1


def test_a_carriers_stop_marks_the_patient_and_a_safety_text_becomes_a_call(post: PostOffice) -> None:
    post.simulator.opted_out |= {(post.phone, FROM), (post.phone, PAGE_FROM)}
    routine, safety = post.enqueue(), post.enqueue("safety", "red")
    post.send()
    assert post.status(routine) == "failed_permanent" or post.status(routine) == "cancelled"
    row = post.message(safety)
    assert row.status == "failed_permanent" and "goes on by voice" in (row.reason or "")
    patient = post.patient()
    assert patient.opted_out == "all" and patient.opted_out_by_carrier
    (task,) = post.tasks("undeliverable")
    assert task.rules == ["N-UNDEL"]
    (call,) = post.simulator.calls
    post.simulator.answer(call)
    assert "192" in " ".join(call.said)
    later = post.enqueue()
    post.send()
    assert post.status(later) == "cancelled" and "opted out" in (post.message(later).reason or "")


def test_no_text_is_sent_by_a_channel_that_is_not_set_up(post: PostOffice) -> None:
    message = post.page(channel="email", address="reis@vigilia.example")
    post.send()
    assert post.status(message) == "failed_permanent"
    assert "no carrier for email" in (post.message(message).reason or "")


def test_a_text_that_cannot_be_written_ends_with_the_missing_field(post: PostOffice) -> None:
    message = post.enqueue("notice", "visit_1d", fields={"date": "seg 02/03"})
    post.send()
    assert post.status(message) == "failed_permanent" and "time" in (post.message(message).reason or "")


def test_somebody_who_left_the_team_is_not_paged(post: PostOffice) -> None:
    message = post.page()
    with post.db.unit_of_work() as session:
        session.get_one(Staff, post.doctor_id).active = False
    post.send()
    assert post.status(message) == "failed_permanent" and "left the team" in (post.message(message).reason or "")


def test_a_telephone_of_staff_that_opted_out_is_not_paged(post: PostOffice) -> None:
    message = post.page()
    with post.db.unit_of_work() as session:
        session.execute(
            update(ContactMethod).where(ContactMethod.staff_id == post.doctor_id).values(opted_out_at=post.clock.now())
        )
    post.send()
    assert post.status(message) == "failed_permanent" and "opted out" in (post.message(message).reason or "")


def test_the_state_of_a_patient_decides_until_the_last_moment(post: PostOffice) -> None:
    message = post.page()
    routine = post.enqueue()
    (ticket,), _ = post.sender.claim("bulk", 10)
    with post.db.unit_of_work() as session:
        session.get_one(Patient, post.patient_id).status = "withdrawn"
    post.machine_waits(seconds=2)
    post.sender.record([post.sender.deliver(ticket)])
    assert post.status(routine) == "cancelled" and "withdrawn" in (post.message(routine).reason or "")
    assert post.texts() == []
    assert post.send() == 1 and post.status(message) == "accepted"


def test_every_status_word_of_a_message_is_one_of_the_table(post: PostOffice) -> None:
    assert {one.value for one in DeliveryStatus} >= {"ready", "claimed", "unknown", "expired", "cancelled"}
