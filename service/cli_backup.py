"""`vigilia backup` and `vigilia restore`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service import migrate
from service.cli_common import settings
from service.clock import Clock
from service.db import Database
from service.use_cases import backups


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Write every row into FILE while the service runs. The file holds health data: keep it encrypted.

    Example: vigilia backup vigilia-2026-03-02.zip
    """
    database = Database(settings(needs_carrier=False).database_url)
    with database.reading() as session:
        if not database.is_sqlite:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        counts = backups.write(
            session, file, revision=migrate.current(database.engine) or "", now=Clock().machine()
        )
    click.echo(f"{sum(counts.values())} rows of {len(counts)} tables in {file}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True))
def restore(file: Path) -> None:
    """Fill an empty database from FILE; it is migrated first. Either engine, whichever wrote the file.

    Example: VIGILIA_DATABASE_URL=sqlite:///new.db vigilia restore vigilia-2026-03-02.zip
    """
    database = Database(settings(needs_carrier=False).database_url)
    migrate.upgrade(database.engine)
    try:
        with database.unit_of_work() as session:
            counts = backups.read(session, file, revision=migrate.head())
    except backups.BackupError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"{sum(counts.values())} rows of {len(counts)} tables restored from {file}")
