"""`vigilia doctor`: what would go wrong tonight."""

from __future__ import annotations

import sys
from datetime import datetime

import click
from sqlalchemy.exc import SQLAlchemyError

from service.clock import Clock
from service.config import Config
from service.db import Database
from service.errors import ConfigError
from service.use_cases import watch
from service.use_cases.watch import Finding, Severity


@click.command()
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="Look from this instant (UTC) instead of now.")
def doctor(at: datetime | None) -> None:
    """Settings, database, clocks, workers, on-call cover and contacts: what would keep a fever from a human
    tonight.

    Exit 0 when all is well or only warnings are found, 1 when something is critical.

    Example: vigilia doctor
    """
    found = _settings()
    try:
        config = Config.from_env(needs_carrier=False)
    except ConfigError:
        config = None
    if config is not None:
        found += _database(config, at)
    for finding in found:
        mark = "XX" if finding.severity is Severity.CRITICAL else "! "
        since = f" (since {finding.since:%Y-%m-%d %H:%M}Z)" if finding.since else ""
        click.echo(f"{mark} {finding.kind}: {finding.detail}{since}")
    if not found:
        click.echo("ok: settings, database, workers, on-call cover and contacts")
    sys.exit(0 if watch.is_safe(found) else 1)


def _settings() -> list[Finding]:
    try:
        config = Config.from_env()
    except ConfigError as error:
        return [Finding("settings", fault, None, Severity.CRITICAL) for fault in error.faults]
    advice = {
        "smtp_url": "VIGILIA_SMTP_URL is not set: alarms have no second path",
        "alarm_email": "VIGILIA_ALARM_EMAIL is not set: nobody gets the alarms of the second path",
        "heartbeat_url": "VIGILIA_HEARTBEAT_URL is not set: nobody outside notices when this service dies",
    }
    return [
        Finding("settings", words, None, Severity.WARNING)
        for name, words in advice.items()
        if not getattr(config, name)
    ]


def _database(config: Config, at: datetime | None) -> list[Finding]:
    clock = Clock()
    now = at.replace(tzinfo=clock.now().tzinfo) if at else clock.now()
    database = Database(config.database_url)
    try:
        with database.reading() as session:
            return watch.findings(session, now=now, machine_now=clock.machine())
    except SQLAlchemyError as error:
        detail = f"cannot be read ({type(error).__name__}); is it there and migrated? `vigilia db check`"
        return [Finding("database", detail, None, Severity.CRITICAL)]
    finally:
        database.close()
