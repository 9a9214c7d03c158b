"""`vigilia doctor`: what would go wrong tonight."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from notifications.render import Renderer
from service import doctor as checks
from service.carriers import carriers_from
from service.clock import Clock
from service.config import Config
from service.db import Database
from service.errors import ConfigError
from service.use_cases import watch
from service.use_cases.watch import Finding, Severity


@click.command()
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="Look from this instant (UTC) instead of now.")
@click.option("--offline", is_flag=True, help="Ask nobody outside: leave the carrier and its clock out.")
def doctor(at: datetime | None, offline: bool) -> None:
    """What would keep a fever from a human tonight: settings, texts, carrier, clocks, workers, cover, contacts.

    Exit 0 when all is well or only warnings are found, 1 when something is critical.

    Example: vigilia doctor
    """
    found = checks.settings()
    try:
        config = Config.from_env(needs_carrier=False)
    except ConfigError:
        config = None
    if config is not None:
        found += _look(config, at, offline)
    for finding in sorted(found, key=lambda each: each.severity is not Severity.CRITICAL):
        mark = "XX" if finding.severity is Severity.CRITICAL else "! "
        since = f" (since {finding.since:%Y-%m-%d %H:%M}Z)" if finding.since else ""
        click.echo(f"{mark} {finding.kind}: {finding.detail}{since}")
    if not found:
        click.echo("ok: settings, texts, carrier, clocks, workers, on-call cover and contacts")
    sys.exit(0 if watch.is_safe(found) else 1)


def _look(config: Config, at: datetime | None, offline: bool) -> list[Finding]:
    clock = Clock()
    found = checks.texts(Renderer(Path(config.templates_dir) if config.templates_dir else None))
    if config.twilio_account_sid and not offline:
        found += checks.clock_skew(config, clock.machine()) or checks.carrier(carriers_from(config), clock.machine())
    database = Database(config.database_url)
    try:
        with database.reading() as session:
            now = at.replace(tzinfo=UTC) if at else clock.now()
            found += watch.findings(session, now=now, machine_now=clock.machine())
    except SQLAlchemyError as error:
        detail = f"cannot be read ({type(error).__name__}); is it there and migrated? `vigilia db check`"
        found.append(Finding("database", detail, None, Severity.CRITICAL))
    finally:
        database.close()
    return found
