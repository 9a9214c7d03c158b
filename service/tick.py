"""The tick: the sweeps in order, one unit of work a row. A row that raises is backed off and stops nothing."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from service import telemetry
from service.clock import MovableClock, StillClock
from service.killpoints import reach
from service.logs import get_logger
from service.runtime import BackedOff, Runtime
from service.sender import Sender
from service.use_cases import audit, sweeps
from service.use_cases.outbox_waits import Waits
from service.use_cases.sweep import Sweep

log = get_logger("tick")
LIMIT = 500
BACK_OFF, LONGEST = timedelta(seconds=2), timedelta(minutes=5)


@dataclass(frozen=True)
class Look:
    """What one look at the database found waiting: the next row of each sweep (study time), and messages."""

    sweeps: dict[str, datetime]
    messages: Waits

    def sends(self, runtime: Runtime) -> bool:
        """Whether a sender has something to do now."""
        clock, check = runtime.clock, self.messages.check
        return bool(self.messages.lanes(clock.now())) or check is not None and check <= clock.machine()

    def next_due(self, runtime: Runtime) -> datetime | None:
        """When (study time) the next of it is due."""
        clock, check = runtime.clock, self.messages.check
        found = [sweeps.soonest(self.sweeps), self.messages.send_at]
        if check is not None:
            found.append(clock.now() + (check - clock.machine()))
        return min((one for one in found if one is not None), default=None)


@dataclass
class TickReport:
    """How many rows each sweep handled, how many raised, and what waits afterwards."""

    seen: Look
    done: dict[str, int] = field(default_factory=dict)
    failed: int = 0

    @property
    def handled(self) -> int:
        return sum(self.done.values())


def look(runtime: Runtime) -> Look:
    """What waits."""
    with runtime.db.looking() as direct:
        return Look(*sweeps.look(direct))


def run_tick(runtime: Runtime, *, limit: int = LIMIT) -> TickReport:
    """Handle what is due now, at most `limit` rows a sweep."""
    report = TickReport(look(runtime))
    for sweep in sweeps.SWEEPS:
        now = runtime.clock.now()
        at = report.seen.sweeps.get(sweep.name)
        if at is None or at > now and not sweep.watches:
            continue
        try:
            with runtime.db.looking() as direct:
                due = sweep.due(direct, now, limit)
        except Exception as error:
            report.failed += 1
            telemetry.ROWS_FAILED.labels(sweep.name).inc()
            log.error("sweep_failed", sweep=sweep.name, error=type(error).__name__, at=_where(error))
            continue
        for row in due:
            _one(runtime, sweep, row, report)
        if due:  # what was handled may have made rows of later sweeps due
            report.seen = look(runtime)
    telemetry.LAST_TICK.set(runtime.clock.machine().timestamp())
    return report


def _one(runtime: Runtime, sweep: Sweep, row: int, report: TickReport) -> None:
    key, now = (sweep.name, row), runtime.clock.now()
    known = runtime.backed_off.get(key)
    if known is not None and known.until > now:
        return
    try:
        with runtime.db.unit_of_work() as session:
            if not _mine(session, sweep.name, row):
                return
            sweep.handle(session, row, now)
            session.flush()
            reach("tick_row")
    except StaleDataError:
        log.info("row_changed_meanwhile", sweep=sweep.name, row=row)
        return
    except Exception as error:
        failures = known.failures + 1 if known else 1
        runtime.backed_off[key] = BackedOff(failures, now + min(BACK_OFF * 2 ** min(failures - 1, 10), LONGEST))
        report.failed += 1
        telemetry.ROWS_FAILED.labels(sweep.name).inc()
        log.error("row_failed", sweep=sweep.name, row=row, failures=failures, error=type(error).__name__,
                  at=_where(error))
        return
    runtime.backed_off.pop(key, None)
    report.done[sweep.name] = report.done.get(sweep.name, 0) + 1
    telemetry.ROWS_HANDLED.labels(sweep.name).inc()
    reach("tick_row_done")


def _mine(session: Session, sweep: str, row: int) -> bool:
    """Whether this tick may handle the row: on PostgreSQL, not while another worker's tick does."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    space = zlib.crc32(f"tick {sweep}".encode()) - 2**31
    found = session.scalar(
        text("SELECT pg_try_advisory_xact_lock(:space, :row)"), {"space": space, "row": row % 2**31}
    )
    return bool(found)


def _where(error: BaseException) -> str:
    """The file and line that raised: a traceback's text could hold a patient's words."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""


def seal(runtime: Runtime) -> int:
    """Chain the audit entries that have no seal yet; how many. One sealer at a time."""
    total = 0
    while True:
        with runtime.db.unit_of_work() as session:
            if not _mine(session, "seal", 0):
                return total
            sealed = audit.seal(session, now=runtime.clock.now())
        total += sealed
        if sealed < audit.CHUNK:
            return total


def next_due(runtime: Runtime) -> datetime | None:
    """When (study time) the next thing is due: a row of a sweep, a message, or the look-up of an unknown one."""
    return look(runtime).next_due(runtime)


def advance(
    runtime: Runtime, until: datetime, *, sender: Sender | None = None, pump: Callable[[], int] | None = None
) -> int:
    """Move the study clock to `until`, doing each due thing at its own time and in order; how many rows were handled.

    `pump` makes the world outside go on (the simulator's callbacks) and says how much it did.
    """
    clock = runtime.clock
    if not isinstance(clock, (MovableClock, StillClock)):
        raise TypeError("the real clock is not moved")
    sender = sender or Sender(runtime)
    total, due = settle(runtime, sender, pump)
    while clock.now() < until and due is not None and due <= until:
        now = clock.now()
        clock.move_to(min(due if due > now else _after_back_off(runtime, now), until))
        done, due = settle(runtime, sender, pump)
        total += done
    clock.move_to(until)
    return total + settle(runtime, sender, pump)[0]


def _after_back_off(runtime: Runtime, now: datetime) -> datetime:
    """A row that stays due has raised, and hides when the others are due: on to its next try, a minute at the most."""
    later = [one.until for one in runtime.backed_off.values() if one.until > now]
    return min(later + [now + timedelta(minutes=1)])


def settle(
    runtime: Runtime, sender: Sender, pump: Callable[[], int] | None = None
) -> tuple[int, datetime | None]:
    """Do everything that is due now until nothing is; how much, and when the next thing is due.

    RuntimeError when a row stays due for ever.
    """
    total = 0
    for _ in range(1000):
        report = run_tick(runtime)
        done = report.handled
        if report.seen.sends(runtime):
            done += sender.drain(seen=report.seen.messages)
        done += pump() if pump else 0
        total += done
        if not done:
            return total, report.seen.next_due(runtime)
    raise RuntimeError("something stays due although it was handled a thousand times")
