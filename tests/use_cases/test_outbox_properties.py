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

NAMES = st.sampled_from("ab")
EVENTS = st.one_of(
    st.tuples(st.just("enqueue"), st.sampled_from(["reminder", "reminder", "safety", "page"])),
    st.tuples(st.just("work"), st.tuples(NAMES, st.integers(1, 4))),
    st.tuples(st.just("work"), st.tuples(NAMES, st.integers(1, 4))),
    st.tuples(st.just("die"), NAMES),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 12, 35, 70])),
    st.tuples(st.just("callbacks"), st.sampled_from(["plain", "double", "reverse", "lost"])),
    st.tuples(st.just("reconcile"), st.just("")),
)
# what the carrier does with each request, in order
FAULTS = st.lists(st.sampled_from(["", "", "lose_answer", "http_500", "http_503", "http_429", "refuse"]), max_size=12)
ENDS = {one.value for one in FINAL} | {"accepted", "sending", "sent"}


class Senders:
    """Two senders whose steps are taken one at a time, and that may die between any two."""

    def __init__(self, post: PostOffice) -> None:
        self.post = post
        self.senders = {name: Sender(post.runtime, name) for name in "ab"}
        self.tickets: dict[str, list[Ticket]] = {"a": [], "b": []}
        self.results: dict[str, list[Any]] = {"a": [], "b": []}
        self.born = 0

    def work(self, how: tuple[str, int]) -> None:
        """Claim; and call the carrier; and record; and once more: so many of these steps."""
        name, steps = how
        for step in (self.claim, self.deliver, self.record, self.deliver)[:steps]:
            step(name)

    def claim(self, name: str) -> None:
        for lane in ("pages", "bulk"):
            self.tickets[name] += self.senders[name].claim(lane, 2)[0]

    def deliver(self, name: str) -> None:
        while self.tickets[name]:
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
    @given(st.lists(EVENTS, min_size=4, max_size=25), FAULTS)
    def check(events: list[tuple[str, Any]], faults: list[str]) -> None:
        with post.db.unit_of_work() as session:
            for table in (Receipt, Attempt):
                session.execute(delete(table))
            session.execute(delete(Message).where(Message.dedupe.startswith("test:")))
            session.execute(update(Message).values(status="cancelled", reason="not part of this test"))
        post.clock = post.world.clock = post.runtime.clock = StillClock(START)
        post.simulator.texts.clear()
        requests = post.simulator.requests
        post.simulator.faults = Faults(plan=lambda number: dict(enumerate(faults, requests + 1)).get(number, ""))
        senders = Senders(post)
        senders.enqueue("reminder")
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
