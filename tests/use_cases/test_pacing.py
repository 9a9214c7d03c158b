"""One sender number, many workers: together they keep its pace, and no page waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from service.models import Patient, SenderNumber
from service.sender import Sender
from tests.sending import PostOffice


@pytest.fixture
def post(world: Any) -> Iterator[PostOffice]:
    post = PostOffice(world)
    config = post.runtime.config
    post.runtime.config = replace(config, messages_per_second=5)
    yield post
    post.runtime.config = config


def claims(post: PostOffice, name: str, limit: int = 100) -> int:
    """How many one worker sends now."""
    sender = Sender(post.runtime, name)
    tickets, _ = sender.claim("bulk", limit)
    sender.record([sender.deliver(one) for one in tickets])
    return len(tickets)


def test_two_workers_share_the_pace_of_a_number(post: PostOffice) -> None:
    for _ in range(30):
        post.enqueue()
    assert [claims(post, "a", 3), claims(post, "b"), claims(post, "a"), claims(post, "b")] == [3, 2, 0, 0]
    post.machine_waits(seconds=0.5)
    assert [claims(post, "b"), claims(post, "a")] == [2, 0]
    post.machine_waits(hours=1)
    assert claims(post, "a") == 5, "one second's worth is saved up"
    assert len(post.texts()) == len(set(post.texts())) == 12


def test_pages_leave_at_once_and_the_rest_waits_for_them(post: PostOffice) -> None:
    """A reply leaves from the number that the patient wrote to: it counts, and waits for nothing."""
    for _ in range(12):
        post.enqueue()
    assert claims(post, "a") == 5
    pages = [post.page() for _ in range(8)]
    replies = [post.enqueue("reply", "saved") for _ in range(10)]
    post.sender.drain("pages")
    assert {post.status(one) for one in (*pages, *replies)} == {"accepted"}
    post.machine_waits(seconds=1.9)
    assert claims(post, "a") == 0, "ten replies of two seconds"
    post.machine_waits(seconds=1.2)
    assert claims(post, "a") == 5


def test_a_number_that_is_used_up_holds_no_other_back(post: PostOffice) -> None:
    for _ in range(9):
        post.enqueue()
    assert claims(post, "a") == 5
    with post.db.unit_of_work() as session:
        session.get_one(Patient, post.patient_id).channel = "whatsapp"
    last = post.enqueue()
    assert claims(post, "a") == 1 and post.status(last) == "accepted"


def test_no_row_is_written_without_a_limit(post: PostOffice) -> None:
    post.runtime.config = replace(post.runtime.config, messages_per_second=0)
    for _ in range(9):
        post.enqueue()
    assert claims(post, "a") == 9
    with post.db.reading() as session:
        assert session.scalars(select(SenderNumber)).all() == []
