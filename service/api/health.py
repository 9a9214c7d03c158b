"""Probes: does the process live, is the service ready, and its numbers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from service import migrate
from service.access import public
from service.runtime import current
from service.use_cases import metrics, workers

blp = blueprint = Blueprint("health", __name__)
TOO_LATE = 60  # seconds


@blueprint.get("/livez")
@public("a probe; says only that the process answers")
def livez() -> Response:
    return Response("ok\n", content_type="text/plain")


@blueprint.get("/readyz")
@public("a probe; no ids")
def readyz() -> tuple[Response, int]:
    """503 and the faults when the database is away or behind, or something due is over 60 s late."""
    faults = _faults()
    return jsonify(ready=not faults, faults=faults), 503 if faults else 200


def _faults() -> list[dict[str, Any]]:
    runtime = current()
    try:
        if at := migrate.is_behind(runtime.db.engine):
            return [{"check": "migrations", "detail": f"the database is at {at}, this version wants {migrate.head()}"}]
        with runtime.db.reading() as session:
            late = workers.late_by(session, now=runtime.clock.now()).total_seconds()
    except SQLAlchemyError as error:
        return [{"check": "database", "detail": type(error).__name__}]
    if late > TOO_LATE:
        return [{"check": "late", "detail": f"the oldest due item is {late:.0f} s late: does a worker run?"}]
    return []


@blueprint.get("/metrics")
@public("the operators' scraper; counts only, no ids")
def show_metrics() -> Response:
    """Prometheus text: this process' own counts, and what the database says."""
    runtime = current()
    with runtime.db.reading() as session:
        numbers = metrics.read(session, now=runtime.clock.now(), machine_now=runtime.clock.machine())
    return Response(generate_latest() + _text(numbers).encode(), content_type=CONTENT_TYPE_LATEST)


def _text(numbers: metrics.Numbers) -> str:
    lines = [
        *_gauge("vigilia_due_lag_seconds", "How late the oldest due item is", {"": numbers.late_seconds}),
        *_gauge(
            "vigilia_messages_waiting", "Messages that have not left, by lane and state",
            {f'{{lane="{lane}",state="{state}"}}': count for (lane, state), count in sorted(numbers.waiting.items())},
        ),
        *_gauge("vigilia_alerts_open", "Cases that are not closed", {"": numbers.alerts_open}),
        *_gauge("vigilia_tasks_open", "Tasks that nobody has seen", {"": numbers.tasks_open}),
        *_gauge("vigilia_inbound_unread", "Texts stored and not handled", {"": numbers.inbound_unread}),
        *_gauge("vigilia_occasions_open", "Questionnaires that wait for an answer", {"": numbers.occasions_open}),
        *_gauge(
            "vigilia_heartbeat_age_seconds", "Since a part of this kind was last seen alive",
            {f'{{kind="{kind}"}}': age for kind, age in sorted(numbers.alive.items())},
        ),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _gauge(name: str, about: str, values: dict[str, float]) -> list[str]:
    lines = [f"{name}{labels} {value}" for labels, value in values.items()]
    return [f"# HELP {name} {about}", f"# TYPE {name} gauge", *lines]
