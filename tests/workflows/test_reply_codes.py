"""Codes: what they look like, when they come back, how they are read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.reply_codes import (
    CodeAction,
    CodeReply,
    allocate,
    code_for,
    read_codes,
)


@pytest.mark.parametrize(
    "text, case, action",
    [
        ("7K4", "7K", CodeAction.ACKNOWLEDGE),
        ("7k5", "7K", CodeAction.PASS_ON),
        (" ok, 7K4.", "7K", CodeAction.ACKNOWLEDGE),
        ("7 k 4", "7K", CodeAction.ACKNOWLEDGE),
        ("7K-4", "7K", CodeAction.ACKNOWLEDGE),
        ("７Ｋ４", "7K", CodeAction.ACKNOWLEDGE),
        ("pego 23m4!", "23M", CodeAction.ACKNOWLEDGE),
    ],
)
def test_a_code_is_read_however_a_tired_thumb_types_it(text, case, action):
    assert read_codes(text) == (CodeReply(case, action),)


@pytest.mark.parametrize(
    "text", ["", "ok", "7K", "7K6", "7I4", "38.4", "38,4", "1K4", "A7K4", "7K44", "7KK4", "0800 4"]
)
def test_what_is_no_code_is_none(text):
    assert read_codes(text) == ()


def test_two_codes_in_one_text_are_both_read_in_order():
    assert [each.case for each in read_codes("7K4 e 3M5 7k4")] == ["7K", "3M"]


def test_codes_are_deterministic_and_neighbours_differ_in_both_characters():
    used: list[str] = []
    for _ in range(60):
        used.append(allocate(used))
    assert used[0] == allocate([])
    assert len(set(used)) == 60
    for before, after in zip(used, used[1:]):
        assert before[0] != after[0] and before[1] != after[1]


def test_a_freed_code_comes_back_as_late_as_possible():
    first = allocate([])
    second = allocate([first], after=first)
    assert allocate([second], after=second) != first


def test_when_the_short_codes_are_used_up_longer_ones_follow_and_a_page_never_waits_for_one():
    used: list[str] = []
    for _ in range(1400):
        used.append(allocate(used, after=used[-1] if used else ""))
    assert len(set(used)) == 1400
    assert [len(code) for code in (used[0], used[135], used[136], used[1223], used[1224])] == [2, 2, 3, 3, 4]
    assert all(read_codes(code_for(code, CodeAction.PASS_ON))[0].case == code for code in used)


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_no_text_makes_the_reader_raise(text):
    for reply in read_codes(text):
        assert read_codes(code_for(reply.case, reply.action)) == (reply,)
