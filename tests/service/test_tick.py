"""The tick: in order, a transaction a row, a poison row in nobody's way; and a clock that is moved step by step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import false, func, literal, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from service import tick
from service.clock import Clock
from service.db import UtcDateTime
from service.models import AuditEntry, Message
from service.use_cases import audit, sweeps
from tests.conftest import START
from tests.sending import PostOffice


class Rows:
    """A sweep over rows in memory: id -> when it is due. What was handled is written to the audit trail too."""

    def __init__(self, name: str = "rows", **due: int) -> None:
        self.name = name
        self.waiting = {int(key.removeprefix("row")): START + timedelta(seconds=value) for key, value in due.items()}
        self.handled: list[tuple[int, datetime]] = []
        self.poison: set[int] = set()
        self.error: type[Exception] = RuntimeError

    def due(self, _session: Session, now: datetime, limit: int) -> Sequence[int]:
        return [row for row, at in sorted(self.waiting.items(), key=lambda one: one[1]) if at <= now][:limit]

    def handle(self, session: Session, row: int, now: datetime) -> None:
        audit.record(session, "row:handle", actor="system", now=now, subject_id=row)
        if row in self.poison:
            raise self.error("38,7 of P-001")
        self.handled.append((row, now))
        del self.waiting[row]

    watches = False

    @property
    def waits(self) -> tuple[Any, ...]:
        first = literal(min(self.waiting.values(), default=None), UtcDateTime())
        return (select(func.coalesce(select(Message.send_at).where(false()).scalar_subquery(), first)),)


def use(monkeypatch: pytest.MonkeyPatch, *rows: Rows) -> None:
    monkeypatch.setattr(sweeps, "SWEEPS", rows)


@pytest.fixture(autouse=True)
def nothing_backed_off(runtime: Any) -> None:
    runtime.backed_off.clear()


def audited(runtime: Any) -> list[int | None]:
    with runtime.db.reading() as session:
        query = select(AuditEntry.subject_id).where(AuditEntry.action == "row:handle").order_by(AuditEntry.id)
        return list(session.scalars(query))


def test_what_is_due_is_handled_oldest_first_and_the_rest_waits(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows(row1=0, row2=-5, row3=1)
    use(monkeypatch, rows)
    report = tick.run_tick(runtime)
    assert [row for row, _ in rows.handled] == [2, 1]
    assert report.done == {"rows": 2} and report.handled == 2 and report.failed == 0


def test_a_row_that_raises_stops_nothing_and_leaves_nothing_behind(
    runtime: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, others = Rows(row1=-2, row2=-1, row3=0), Rows("others", row9=0)
    rows.poison = {2}
    use(monkeypatch, rows, others)
    report = tick.run_tick(runtime)
    assert [row for row, _ in rows.handled] == [1, 3] and [row for row, _ in others.handled] == [9]
    assert report.failed == 1
    assert audited(runtime) == [1, 3, 9], "what the poison row wrote was rolled back"
    assert "38,7" not in capsys.readouterr().err, "an error's words may be a patient's"


def test_a_row_that_raises_is_backed_off_longer_each_time_and_comes_back(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows(row1=0)
    rows.poison = {1}
    use(monkeypatch, rows)
    failed_at = []
    for second in range(40):
        if tick.run_tick(runtime).failed:
            failed_at.append(second)
        runtime.clock.advance(timedelta(seconds=1))
    assert failed_at == [0, 2, 6, 14, 30]
    rows.poison = set()
    runtime.clock.advance(timedelta(minutes=5))
    assert tick.run_tick(runtime).handled == 1 and runtime.backed_off == {}


def test_a_row_that_another_worker_changed_meanwhile_is_no_fault(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = Rows(row1=0)
    rows.poison, rows.error = {1}, StaleDataError
    use(monkeypatch, rows)
    report = tick.run_tick(runtime)
    assert (report.failed, report.handled, runtime.backed_off) == (0, 0, {})


def test_a_sweep_that_cannot_even_select_does_not_stop_the_others(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, rows = Rows("broken", row9=0), Rows(row1=0)

    def raises(*_: Any) -> Sequence[int]:
        raise RuntimeError("no such column")

    broken.due = raises  # type: ignore[method-assign]
    use(monkeypatch, broken, rows)
    report = tick.run_tick(runtime)
    assert report.failed == 1 and len(rows.handled) == 1


def test_a_tick_has_a_limit(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(**{f"row{number}": -number for number in range(1, 8)})
    use(monkeypatch, rows)
    assert [tick.run_tick(runtime, limit=3).handled for _ in range(4)] == [3, 3, 1, 0]


def test_moving_the_clock_does_each_thing_at_its_own_time(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Rows("first", row1=60, row2=7200), Rows("second", row3=3600, row4=86_400)
    use(monkeypatch, first, second)
    assert tick.next_due(runtime) == START + timedelta(seconds=60)
    pumped: list[datetime] = []

    def pump() -> int:
        pumped.append(runtime.clock.now())
        return 0

    tick.advance(runtime, START + timedelta(hours=3), pump=pump)
    done = sorted(first.handled + second.handled, key=lambda one: one[1])
    assert done == [(row, START + timedelta(seconds=at)) for row, at in ((1, 60), (3, 3600), (2, 7200))]
    assert runtime.clock.now() == START + timedelta(hours=3)
    assert pumped == sorted(pumped)
    assert tick.next_due(runtime) == START + timedelta(days=1)


def test_moving_the_clock_steps_over_a_row_that_raises(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(row1=10, row2=20)
    rows.poison = {1}
    use(monkeypatch, rows)
    tick.advance(runtime, START + timedelta(hours=2))
    ((row, at),) = rows.handled
    assert row == 2 and START + timedelta(seconds=20) <= at <= START + timedelta(seconds=80)
    assert runtime.clock.now() == START + timedelta(hours=2)
    assert runtime.backed_off[("rows", 1)].failures < 40, "about once in five minutes"


def test_the_real_clock_is_not_moved(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch)
    monkeypatch.setattr(runtime, "clock", Clock())
    with pytest.raises(TypeError, match="not moved"):
        tick.advance(runtime, START)


def test_the_next_due_thing_may_be_a_message_or_a_look_up(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post = PostOffice(world)
    use(monkeypatch)
    assert tick.next_due(post.runtime) is None
    post.enqueue(send_at=START + timedelta(hours=1))
    assert tick.next_due(post.runtime) == START + timedelta(hours=1)
    post.simulator.faults.http_500 = 1
    post.page()
    post.send()
    look_up = tick.next_due(post.runtime)
    assert look_up is not None and look_up <= START + timedelta(seconds=5)


def test_a_lost_page_is_settled_while_the_clock_is_moved(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post = PostOffice(world)
    use(monkeypatch)
    post.simulator.faults.http_500 = 1
    page, reminder = post.page(), post.enqueue()
    tick.advance(post.runtime, START + timedelta(minutes=5), pump=post.simulator.deliver)
    assert (post.status(page), post.status(reminder)) == ("delivered", "delivered")


def test_the_trail_is_sealed_to_its_end(runtime: Any) -> None:
    with runtime.db.unit_of_work() as session:
        for number in range(audit.CHUNK + 5):
            audit.record(session, "row:handle", actor="system", now=START, subject_id=number)
    assert tick.seal(runtime) >= audit.CHUNK + 5
    with runtime.db.reading() as session:
        verdict = audit.verify(session)
    assert verdict.faults == () and verdict.unsealed == 0
    assert tick.seal(runtime) == 0


def test_every_sweep_has_a_name_of_its_own(runtime: Any) -> None:
    names = [one.name for one in sweeps.SWEEPS]
    assert len(names) == len(set(names)) >= 6


def test_every_sweep_answers_on_an_empty_database(bare_runtime: Any) -> None:
    with bare_runtime.db.reading() as session:
        for sweep in sweeps.SWEEPS:
            assert list(sweep.due(session, START, 10)) == [] and sweep.next_due(session) is None
    assert tick.run_tick(bare_runtime).handled == 0 and tick.next_due(bare_runtime) is None
