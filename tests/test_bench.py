"""The speed page says what was measured. Nothing is timed here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.harness import RESULTS, Row, cells, figure, keep, load, percentile, table
from bench.page import PAGE, page_text

ROW = Row("sending", "claim and record", "/s", 4900.0, "two UPDATEs", 10000.0, 0.49, ">= 0.30")


def test_the_page_is_made_of_the_results() -> None:
    assert PAGE.read_text() == page_text(), "run `python -m bench`"


def test_the_page_tells_every_row_and_every_goal_that_was_missed() -> None:
    _, rows = load(RESULTS)
    page = PAGE.read_text()
    assert rows
    for row in rows:
        assert "| " + " | ".join(cells(row)) + " |" in page
    missed = page.split("## Not reached")[1]
    assert missed.count("\n- ") == sum(row.reached == "no" for row in rows)


@pytest.mark.parametrize(
    ("ratio", "goal", "reached"),
    [
        (0.49, ">= 0.30", "yes"),
        (0.30, ">= 0.30", "yes"),
        (0.29, ">= 0.30", "no"),
        (2.9, "<= 3", "yes"),
        (3.1, "<= 3", "no"),
        (0.5, "", ""),
        (None, ">= 8", ""),
    ],
)
def test_a_goal_is_reached_or_not(ratio: float | None, goal: str, reached: str) -> None:
    assert Row("x", "work", "/s", 1.0, "peer", 1.0, ratio, goal).reached == reached


@pytest.mark.parametrize(
    ("value", "shown"),
    [(21500.0, "21.5k"), (4900.0, "4900"), (12.34, "12.3"), (0.4871, "0.49"), (None, "-")],
)
def test_figures_are_short(value: float | None, shown: str) -> None:
    assert figure(value) == shown


def test_a_peer_that_is_not_here_says_why() -> None:
    row = Row("peers", "reminders", "/s", 10.0, "Celery + Redis", None, None, ">= 8", "not measured: no Redis")
    assert "| reminders | 10.0 /s | Celery + Redis: not measured: no Redis | - | >= 8 |  |" in table([row])


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile(range(1, 101), 0.5) == 51
    assert percentile(range(1, 101), 0.99) == 100
    assert percentile([7.0], 0.99) == 7.0


def test_a_bench_that_is_not_run_keeps_its_older_rows(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    other = Row("growth", "claim", "ms", 2.0, "small", 1.0, 2.0, "<= 3")
    machine: dict[str, object] = {"cores": 2, "python": "3.11", "load": 0.1}
    keep([ROW, other], machine, path)
    again = Row("sending", "claim and record", "/s", 5100.0, "two UPDATEs", 10000.0, 0.51, ">= 0.30")
    keep([again], machine, path)
    assert load(path) == (machine, [other, again])
    assert json.loads(path.read_text())["machine"] == machine
