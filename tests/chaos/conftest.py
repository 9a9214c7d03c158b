"""The processes of the chaos tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.harness import Chaos, Nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def chaos(house: Any, nursery: Nursery) -> Iterator[Chaos]:
    chaos = Chaos(house, nursery)
    yield chaos
    chaos.close()
