"""`vigilia worker`."""

from __future__ import annotations

import os
import sys

import click
from prometheus_client import start_http_server

from service.app import create_runtime
from service.config import Config
from service.errors import ConfigError
from service.logs import configure_logs
from service.worker import Worker


@click.command(epilog="Example: VIGILIA_DATABASE_URL=postgresql+psycopg://vigilia@db/vigilia vigilia worker")
def worker() -> None:
    """Tick, send, poll and watch until told to stop (SIGTERM, Ctrl-C).

    VIGILIA_METRICS_BIND=127.0.0.1:9101 serves this process' own counts under /metrics.
    """
    try:
        config = Config.from_env()
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    configure_logs(as_json=config.log_json)
    if bind := os.environ.get("VIGILIA_METRICS_BIND"):
        host, _, port = bind.rpartition(":")
        start_http_server(int(port), host or "127.0.0.1")
    runtime = create_runtime(config)
    try:
        sys.exit(Worker(runtime).run_until_told())
    finally:
        runtime.db.close()
