"""`vigilia audit verify`."""

from __future__ import annotations

import sys

import click

from service.cli_common import settings
from service.db import Database
from service.use_cases import audit as trail


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command()
@click.option("--head", "expected", default="", help="A head kept elsewhere, NUMBER:HASH; shows a cut tail.")
def verify(expected: str) -> None:
    """Walk the whole chain; exit 1 names every changed, removed or inserted entry.

    Example: vigilia audit verify --head 1042:9f2c...
    """
    database = Database(settings(needs_carrier=False).database_url)
    with database.reading() as session:
        verdict = trail.verify(session)
        faults = list(verdict.faults)
        if expected:
            faults += trail.check_head(session, expected)
    for fault in faults:
        click.echo(fault)
    click.echo(f"{verdict.sealed} entries sealed, {verdict.unsealed} wait for the sealer")
    click.echo(f"head {verdict.sealed}:{verdict.head}")
    sys.exit(1 if faults else 0)
