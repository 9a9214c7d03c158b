"""The lanes with their real threads, against the simulator in this process. Waits are for conditions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import TimeoutError

from notifications.carriers.base import SendResult
from notifications.message import Channel, OutboundMessage
from service.lanes import Lane
from service.listener import Listener
from service.models import Message, Patient
from service.presence import dead_claimers
from service.sender import Sender
from service.use_cases import outbox
from tests.conftest import START
from tests.sending import PostOffice

PATIENCE = 60.0


def wait_for(what: Callable[[], bool]) -> None:
    """Until `what` holds; AssertionError after a minute."""
    paused = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if what():
            return
        paused.wait(0.02)
    raise AssertionError("it did not come about within a minute")


class Held:
    """A carrier that takes messages only when it is let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.got: list[OutboundMessage] = []

    def send(self, message: OutboundMessage) -> SendResult:
        with self.lock:
            self.got.append(message)
        assert self.gate.wait(PATIENCE)
        return SendResult(f"SM{message.key}")


@pytest.fixture
def post(world: Any) -> Iterator[PostOffice]:
    yield PostOffice(world)


@pytest.fixture
def lane(post: PostOffice) -> Iterator[Lane]:
    lane = Lane(post.runtime, "bulk", threads=4, wake=post.runtime.text_waits)
    yield lane
    lane.ask_to_stop()
    assert not lane._thread.ident or lane.join(PATIENCE)


def count(post: PostOffice, status: str) -> int:
    with post.db.reading() as session:
        query = select(func.count()).select_from(Message).where(Message.status == status)
        return int(session.scalar(query.where(Message.reason.is_(None))) or 0)


def test_a_lane_sends_everything_once(post: PostOffice, lane: Lane) -> None:
    for _ in range(19):
        post.enqueue()
    lane.start()
    wait_for(lambda: count(post, "accepted") == 19)
    assert len(post.texts()) == len(set(post.texts())) == 19


def test_a_lane_claims_half_as_many_again_as_it_has_threads(post: PostOffice, lane: Lane) -> None:
    held = Held()
    post.runtime.carriers = {Channel.SMS: held}
    for _ in range(10):
        post.enqueue()
    lane.start()
    wait_for(lambda: len(held.got) == 4)
    assert count(post, "claimed") == 6 and count(post, "ready") == 4
    held.gate.set()
    wait_for(lambda: count(post, "accepted") == 10)


def test_a_lane_that_is_told_to_stop_finishes_what_it_holds(post: PostOffice, lane: Lane) -> None:
    held = Held()
    post.runtime.carriers = {Channel.SMS: held}
    for _ in range(10):
        post.enqueue()
    lane.start()
    wait_for(lambda: len(held.got) == 4)
    lane.ask_to_stop()
    held.gate.set()
    assert lane.join(PATIENCE)
    assert (count(post, "accepted"), count(post, "ready"), count(post, "claimed")) == (4, 4, 0)
    with post.db.reading() as session:
        back = session.scalars(select(Message).where(Message.reason.like("handed back%"))).all()
    assert [one.status for one in back] == ["ready", "ready"], "claimed ahead, never sent"


def test_answers_are_kept_while_the_database_is_away(post: PostOffice, lane: Lane, monkeypatch: Any) -> None:
    post.enqueue()
    real, failures = lane.sender.record, iter([True, True])

    def away(results: Any) -> None:
        if next(failures, False):
            raise ConnectionError("the database is away")
        real(results)

    monkeypatch.setattr(lane.sender, "record", away)
    monkeypatch.setattr("service.lanes.AFTER_FAULT", 0.01)
    lane.start()
    wait_for(lambda: count(post, "accepted") == 1)
    assert len(post.texts()) == 1


def test_a_commit_wakes_the_lane_of_its_messages(post: PostOffice) -> None:
    post.runtime.page_waits.clear()
    post.runtime.text_waits.clear()
    post.enqueue()
    assert post.runtime.text_waits.is_set() and not post.runtime.page_waits.is_set()
    post.page()
    assert post.runtime.page_waits.is_set()


def test_a_rolled_back_message_wakes_nobody(post: PostOffice) -> None:
    post.runtime.page_waits.clear()
    with pytest.raises(RuntimeError), post.db.unit_of_work() as session:
        patient = session.get_one(Patient, post.patient_id)
        outbox.enqueue(session, now=START, kind="reply", template="saved", patient=patient, dedupe="gone")
        raise RuntimeError
    assert not post.runtime.page_waits.is_set()


def test_a_row_that_cannot_be_claimed_keeps_nobody_from_being_noted(
    post: PostOffice, lane: Lane, monkeypatch: Any
) -> None:
    """Noting and claiming share a transaction; when the claim raises, what was sent is noted by itself."""
    post.enqueue()
    real = lane.sender._claim

    def poisoned(session: Any, name: str, limit: int) -> Any:
        if post.texts():
            raise ValueError("a row that cannot be read")
        return real(session, name, limit)

    monkeypatch.setattr(lane.sender, "_claim", poisoned)
    monkeypatch.setattr("service.lanes.AFTER_FAULT", 0.01)
    lane.start()
    wait_for(lambda: count(post, "accepted") == 1)
    assert len(post.texts()) == 1


def test_a_slow_carrier_gets_nothing_that_was_claimed_ahead(post: PostOffice, lane: Lane, monkeypatch: Any) -> None:
    monkeypatch.setattr("service.lanes.SLOW", -1)
    held = Held()
    held.gate.set()
    post.runtime.carriers = {Channel.SMS: held}
    post.enqueue()
    lane.start()
    wait_for(lambda: count(post, "accepted") == 1)
    held.gate.clear()
    for _ in range(10):
        post.enqueue()
    wait_for(lambda: len(held.got) == 5)
    assert count(post, "claimed") == 4 and count(post, "ready") == 6
    held.gate.set()
    wait_for(lambda: count(post, "accepted") == 11)


def test_the_dead_are_told_from_the_living(post: PostOffice) -> None:
    """On SQLite by the process, on PostgreSQL by the lock that nobody holds any more."""
    post.enqueue()
    tickets, _ = Sender(post.runtime, "lane.bulk@elsewhere:1:x").claim("bulk", 1)
    with post.db.reading() as session:
        dead = dead_claimers(session)
    assert dead == ([] if post.db.is_sqlite else ["lane.bulk@elsewhere:1:x"])
    with post.db.unit_of_work() as session:
        session.execute(update(Message).values(claimer="drain@elsewhere:1:x"))
    with post.db.reading() as session:
        assert dead_claimers(session) == [], "a drain holds no presence and is not known to be dead"


def test_what_a_dead_sender_held_is_looked_up_at_once(post: PostOffice) -> None:
    message = post.enqueue()
    dead = Sender(post.runtime, "lane.bulk@gone:1:x")
    (ticket,), _ = dead.claim("bulk", 1)
    dead.deliver(ticket)
    assert post.sender.reconcile(dead=["lane.bulk@gone:1:x"]) > 0
    assert post.status(message) == "accepted" and len(post.texts()) == 1


def test_a_page_committed_by_another_process_is_heard(post: PostOffice) -> None:
    if post.db.is_sqlite:
        pytest.skip("NOTIFY is PostgreSQL's")
    heard = threading.Event()
    listener = Listener(post.db, heard)
    listener.start()
    try:
        assert heard.wait(PATIENCE), "it looks once when it begins to listen"
        heard.clear()
        post.enqueue()
        post.page()
        assert heard.wait(PATIENCE)
    finally:
        listener.stop(PATIENCE)


@pytest.mark.parametrize("fault", [TimeoutError("the pool is used up"), ZeroDivisionError()])
def test_a_page_whose_last_check_raises_takes_no_thread_with_it(
    post: PostOffice, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    real, faults = post.db.looking, [fault]

    def looking() -> Any:
        if threading.current_thread().name.startswith("send-") and faults:
            raise faults.pop()
        return real()

    monkeypatch.setattr(post.db, "looking", looking)
    lane = Lane(post.runtime, "pages", threads=1, wake=post.runtime.page_waits)
    post.page()
    lane.start()
    wait_for(lambda: not faults and lane._in_flight == 0)
    post.page()
    wait_for(lambda: bool(count(post, "accepted")))
    lane.ask_to_stop()
    assert lane.join(PATIENCE)
