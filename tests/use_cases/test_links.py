"""Links in messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service.errors import NotFound
from service.models import Link
from service.use_cases import links
from tests.conftest import START

HOUR = timedelta(hours=1)


def test_a_link_is_found_by_its_token_which_is_stored_nowhere(session: Any) -> None:
    token = links.make(session, kind="page", now=START, lifetime=HOUR)
    assert len(token) == 22
    found = links.find(session, token, kind="page", now=START + HOUR - timedelta(seconds=1))
    assert token not in (found.digest, str(vars(found)))
    assert session.scalars(select(Link)).one() is found


def test_a_link_ends(session: Any) -> None:
    token = links.make(session, kind="page", now=START, lifetime=HOUR)
    with pytest.raises(links.Expired):
        links.find(session, token, kind="page", now=START + HOUR)
    assert links.Expired.status == 410


@pytest.mark.parametrize("token", ["", "nothing", "\x00", "é" * 40])
def test_what_is_no_link_is_not_found(session: Any, token: str) -> None:
    with pytest.raises(NotFound):
        links.find(session, token, kind="page", now=START)


def test_a_link_of_one_kind_opens_nothing_else(session: Any) -> None:
    token = links.make(session, kind="questions", now=START, lifetime=HOUR)
    with pytest.raises(NotFound):
        links.find(session, token, kind="page", now=START)


def test_the_first_use_is_known_from_the_second(session: Any) -> None:
    token = links.make(session, kind="page", now=START, lifetime=HOUR)
    link = links.find(session, token, kind="page", now=START)
    assert links.use(session, link, now=START)
    assert not links.use(session, link, now=START + timedelta(seconds=1))


def test_a_kind_of_link_that_nobody_knows_is_refused(session: Any) -> None:
    with pytest.raises(ValueError, match="no kind of link"):
        links.make(session, kind="door", now=START, lifetime=HOUR)


def test_no_two_tokens_are_alike(session: Any) -> None:
    assert len({links.make(session, kind="page", now=START, lifetime=HOUR) for _ in range(100)}) == 100
