"""`vigilia explain ID`."""

from __future__ import annotations

import click

from service.config import Config
from service.db import Database
from service.errors import ConfigError, Problem
from service.use_cases.explain import explain as lines_about


@click.command(epilog="Examples: vigilia explain message/12; vigilia explain P-001")
@click.argument("reference", metavar="ID")
def explain(reference: str) -> None:
    """Why a message, visit, occasion, alert, task or patient is as it is, one line each.

    ID is message/12, visit/3, occasion/5, alert/7, task/2, inbound/4, or a patient's code.
    """
    try:
        db = Database(Config.from_env(needs_carrier=False).database_url)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    try:
        with db.reading() as session:
            for line in lines_about(session, reference):
                click.echo(line)
    except Problem as error:
        raise click.ClickException(error.detail) from None
    finally:
        db.close()
