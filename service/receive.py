"""What came in is stored first and read afterwards, each in its own unit of work."""

from __future__ import annotations

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError

from service import telemetry
from service.killpoints import reach
from service.logs import get_logger
from service.runtime import Runtime
from service.use_cases import inbox

log = get_logger("receive")
RACES = (OperationalError, StaleDataError)
TRIES = 3


def read(runtime: Runtime, inbound_id: int) -> bool:
    """Read one stored text; whether that went well. One that cannot be read stays visible and alarms a human; it never
    raises, so that the carrier is told that we have it. A race is tried again, and then left to the tick."""
    for _ in range(TRIES):
        try:
            with runtime.db.unit_of_work() as session:
                inbox.handle(session, inbound_id, now=runtime.clock.now())
                session.flush()
                reach("inbound_read")
            return True
        except RACES as error:
            log.warning("text_read_again", inbound=inbound_id, error=type(error).__name__)
        except Exception as error:
            return _poison(runtime, inbound_id, type(error).__name__)
    return False


def _poison(runtime: Runtime, inbound_id: int, name: str) -> bool:
    log.error("text_not_read", inbound=inbound_id, error=name)
    telemetry.WEBHOOKS.labels("sms", "poisoned").inc()
    try:
        with runtime.db.unit_of_work() as session:
            inbox.poison(session, inbound_id, name, now=runtime.clock.now())
    except Exception as second:  # the row is still there, unread: the tick comes back to it
        log.error("text_not_poisoned", inbound=inbound_id, error=type(second).__name__)
    return False
