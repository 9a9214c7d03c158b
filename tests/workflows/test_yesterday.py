"""What is said of yesterday, what only mentions it, and what takes an answer back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.yesterday import is_about_yesterday, takes_back


@pytest.mark.parametrize(
    "text",
    ["ontem 37,2", "37,2 ontem", "Ontem a noite deu 36,9", "era 36,8 ontem", "yesterday 36.9", "36.9 (yesterday's)",
     "onte foi 37"],
)  # fmt: skip
def test_what_was_yesterday(text: str) -> None:
    assert is_about_yesterday(text) and not takes_back(text)


@pytest.mark.parametrize(
    "text",
    ["37,2", "febre desde ontem 38,2", "desde ontem 37,4", "since yesterday 38", "ontem 37,2 hoje 36,8",
     "ontem 38, agora 37", "de ontem pra ca 38", "igual a ontem", "ontem e ainda hoje", "anteontem"],
)  # fmt: skip
def test_what_is_of_now(text: str) -> None:
    assert not is_about_yesterday(text) and not takes_back(text)


@pytest.mark.parametrize(
    "text",
    ["era de ontem", "isso era de ontem", "Desculpa, foi de ontem", "essa resposta era pra ontem", "a de ontem",
     "that was yesterday's", "it was for yesterday", "sorry, yesterday's answer", "errei, era a de ontem!"],
)  # fmt: skip
def test_what_takes_an_answer_back(text: str) -> None:
    assert takes_back(text)


@pytest.mark.parametrize("text", ["ontem", "ontem tive febre", "ontem foi bom", "ontem 37", "ontem eu cai", ""])
def test_what_takes_nothing_back(text: str) -> None:
    assert not takes_back(text)


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    assert is_about_yesterday(text) in (True, False) and takes_back(text) in (True, False)
