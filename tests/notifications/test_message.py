"""Receipts commute, and never bring an attempt back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.message import FINAL, RANK, Channel, DeliveryStatus, OutboundMessage, may_move

S = DeliveryStatus
RECEIPTS = [S.ACCEPTED, S.SENDING, S.SENT, S.DELIVERED, S.UNDELIVERED, S.FAILED_TEMPORARY, S.FAILED_PERMANENT]


def after(start: DeliveryStatus, receipts: list[DeliveryStatus]) -> DeliveryStatus:
    for receipt in receipts:
        if may_move(start, receipt):
            start = receipt
    return start


def test_every_state_has_its_own_rank() -> None:
    assert set(RANK) == set(S)
    assert len(set(RANK.values())) == len(S)


@pytest.mark.parametrize(
    ("old", "new", "moves"),
    [
        (S.CLAIMED, S.ACCEPTED, True),
        (S.ACCEPTED, S.SENDING, True),
        (S.SENDING, S.SENT, True),
        (S.SENT, S.DELIVERED, True),
        (S.SENT, S.UNDELIVERED, True),
        (S.CLAIMED, S.UNKNOWN, True),
        (S.UNKNOWN, S.DELIVERED, True),
        (S.UNKNOWN, S.EXPIRED, True),
        (S.READY, S.CANCELLED, True),
        (S.EXPIRED, S.DELIVERED, True),  # a late receipt still tells the truth
        (S.DELIVERED, S.SENT, False),
        (S.DELIVERED, S.UNDELIVERED, False),
        (S.DELIVERED, S.DELIVERED, False),
        (S.SENT, S.CANCELLED, False),  # it is out already
        (S.SENT, S.EXPIRED, False),
        (S.EXPIRED, S.SENT, False),
        (S.ACCEPTED, S.UNKNOWN, False),
    ],
)
def test_moves(old: DeliveryStatus, new: DeliveryStatus, moves: bool) -> None:
    assert may_move(old, new) is moves


@given(
    start=st.sampled_from(list(S)), receipts=st.lists(st.sampled_from(RECEIPTS), max_size=8), data=st.data()
)
def test_any_order_of_the_same_receipts_ends_the_same(
    start: DeliveryStatus, receipts: list[DeliveryStatus], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(receipts + receipts[:2]))
    assert after(start, list(shuffled)) == after(start, receipts)


@given(receipts=st.lists(st.sampled_from(RECEIPTS), max_size=8))
def test_a_final_state_stays_final(receipts: list[DeliveryStatus]) -> None:
    for state in FINAL:
        assert after(state, receipts) in FINAL


def test_a_message_shows_no_subscription_in_its_repr() -> None:
    message = OutboundMessage("1", Channel.WEBPUSH, to="", text="", payload={"subscription": "secret"})
    assert "secret" not in repr(message)
