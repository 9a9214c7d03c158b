"""`vigilia export`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from service.cli_common import settings
from service.clock import Clock
from service.db import Database
from service.use_cases import exports


@click.command()
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path), help="A new folder.")
def export(folder: Path) -> None:
    """Tidy files for a statistician: one CSV a grain, a codebook, and CDISC Dataset-JSON 1.1.

    Example: vigilia export --to export-2026-03-02
    """
    database = Database(settings(needs_carrier=False).database_url)
    try:
        with database.reading() as session:
            counts = exports.write(session, folder, now=Clock().machine())
    except FileExistsError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    for name, count in counts.items():
        click.echo(f"{count:8d}  {name}.csv")
