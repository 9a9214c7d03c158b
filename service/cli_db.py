"""`vigilia db ...`: migrations."""

from __future__ import annotations

import sys

import click
from sqlalchemy import Engine

from service import migrate
from service.config import Config
from service.db import make_engine
from service.errors import ConfigError


def _engine() -> Engine:
    try:
        return make_engine(Config.from_env(needs_carrier=False).database_url)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


@click.group()
def db() -> None:
    """Bring the database up to date, or check that it is."""


@db.command(epilog="Example: vigilia db upgrade")
def upgrade() -> None:
    """Run the migrations that are missing; safe to run again."""
    engine = _engine()
    before = migrate.current(engine)
    migrate.upgrade(engine)
    click.echo(f"{before or 'empty'} -> {migrate.current(engine)}")


@db.command(epilog="Example: vigilia db check && vigilia worker")
def check() -> None:
    """Exit 0 when every migration has run and the tables are as the models say; else 1, with each difference."""
    engine = _engine()
    at, head = migrate.current(engine), migrate.head()
    faults = [f"the database is at {at or 'nothing'}, the newest migration is {head}"] if at != head else []
    faults += migrate.differences(engine) if at == head else []
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)
    click.echo(f"{head}: models and database agree")
