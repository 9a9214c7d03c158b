"""Whatever happens to senders, carrier and receipts, in whatever order: nothing is lost, no reminder is sent twice, and
every message ends in a named state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from notifications.message import FINAL, DeliveryStatus
from service.clock import StillClock
from service.demo.simulator import Faults
from service.models import Attempt, Message, Receipt
from service.sender import Sender, Ticket
from tests.conftest import START
from tests.sending import PostOffice

EVENTS = st.one_of(
    st.tuples(st.just("enqueue"), st.sampled_from(["reminder", "safety", "page"])),
    st.tuples(st.just("claim"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("deliver"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("record"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("die"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 12, 35, 70])),
    st.tuples(st.just("fault"), st.sampled_from(["lose_answer", "http_500", "http_503", "http_429", "refuse"])),
    st.tuples(st.just("callbacks"), st.sampled_from(["plain", "double", "reverse", "lost"])),
    st.tuples(st.just("reconcile"), st.just("")),
)
ENDS = {one.value for one in FINAL} | {"accepted", "sending", "sent"}


class Senders:
    """Two senders whose steps are taken one at a time, and that may die between any two."""

    def __init__(self, post: PostOffice) -> None:
        self.post = post
        self.senders = {name: Sender(post.runtime, name) for name in "ab"}
        self.tickets: dict[str, list[Ticket]] = {"a": [], "b": []}
        self.results: dict[str, list[Any]] = {"a": [], "b": []}
        self.born = 0

    def claim(self, name: str) -> None:
        for lane in ("pages", "bulk"):
            self.tickets[name] += self.senders[name].claim(lane, 2)[0]

    def deliver(self, name: str) -> None:
        if self.tickets[name]:
            self.results[name].append(self.senders[name].deliver(self.tickets[name].pop(0)))

    def record(self, name: str) -> None:
        self.senders[name].record(self.results[name])
        self.results[name] = []

    def die(self, name: str) -> None:
        self.born += 1
        self.senders[name] = Sender(self.post.runtime, f"{name}{self.born}")
        self.tickets[name], self.results[name] = [], []

    def enqueue(self, kind: str) -> None:
        if kind == "page":
            self.post.page()
        else:
            self.post.enqueue(kind, "weekly")

    def wait(self, seconds: int) -> None:
        self.post.wait(seconds=seconds)

    def fault(self, name: str) -> None:
        setattr(self.post.simulator.faults, name, 1)

    def callbacks(self, how: str) -> None:
        faults = self.post.simulator.faults
        faults.double, faults.reverse, faults.no_callbacks = how == "double", how == "reverse", how == "lost"
        self.post.report()

    def reconcile(self, _: str) -> None:
        self.post.sender.reconcile()


@pytest.fixture
def post(world: Any) -> PostOffice:
    return PostOffice(world)


def test_nothing_is_lost_and_no_reminder_is_sent_twice(post: PostOffice) -> None:
    @settings(max_examples=40)
    @given(st.lists(EVENTS, min_size=4, max_size=30))
    def check(events: list[tuple[str, Any]]) -> None:
        with post.db.unit_of_work() as session:
            for table in (Receipt, Attempt):
                session.execute(delete(table))
            session.execute(delete(Message).where(Message.dedupe.startswith("test:")))
            session.execute(update(Message).values(status="cancelled", reason="not part of this test"))
        post.clock = post.world.clock = post.runtime.clock = StillClock(START)
        post.simulator.texts.clear()
        post.simulator.faults = Faults()
        senders = Senders(post)
        for event, argument in events:
            getattr(senders, event)(argument)
        finish(post)
        judge(post)

    def finish(post: PostOffice) -> None:
        """Time goes by, and somebody works."""
        post.simulator.faults = Faults()
        for _ in range(14):
            post.wait(seconds=65)
            post.send()
            post.report()

    def judge(post: PostOffice) -> None:
        texts = [text.body for text in post.simulator.texts]
        for row in post.world.messages():
            if not row.dedupe.startswith("test:") or "/" in row.dedupe:
                continue
            mark = str(row.fields["url"])
            times = sum(mark in body for body in texts)
            assert row.status in ENDS, (mark, row.status)
            if row.kind == "reminder":
                assert times <= 1, (mark, times)
            if row.status in ("delivered", "sent", "accepted"):
                assert times >= 1, (mark, row.status)
            if row.kind in ("page", "safety"):
                assert row.status != DeliveryStatus.EXPIRED and times >= 1, (mark, row.status, times)

    check()
