"""Structured logs. Ids only: never a text, a number or an answer of a patient."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

FORBIDDEN = frozenset(
    {"body", "text", "phone", "address", "to", "from_", "value", "celsius", "fields", "raw", "password"}
)


def drop_health_data(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take out what must not be in a log, and say that it was taken out."""
    for key in FORBIDDEN & event.keys():
        event[key] = "[withheld]"
    return event


class _Stderr:
    """Standard error as it is now: a kept handle outlives the stream under test runners."""

    def write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
        except ValueError:
            return

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except ValueError:
            return


def configure_logs(*, as_json: bool, level: str = "INFO") -> None:
    """JSON lines for machines, or readable lines for a terminal, on standard error, from `level` on."""
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            drop_health_data,
            structlog.processors.format_exc_info if as_json else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(file=_Stderr()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Any:
    """A logger; call it with an event name and ids: `log.info("message_sent", message=12)`."""
    return structlog.get_logger(name)
