"""`vigilia token create|list|revoke`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from service.cli_common import settings
from service.clock import Clock
from service.db import Database
from service.errors import Problem
from service.security import Role
from service.use_cases import lists, tokens
from workflows.decisions import RuleViolation

ACTOR = "operator"


@contextmanager
def writing() -> Iterator[Session]:
    """One transaction on the database of the settings; what the rules refuse ends with exit 1 and a sentence."""
    database = Database(settings(needs_carrier=False).database_url)
    try:
        with database.unit_of_work() as session:
            yield session
    except Problem as error:
        click.echo(f"{error.field + ': ' if error.field else ''}{error.detail}", err=True)
        sys.exit(1)
    except RuleViolation as error:
        click.echo(f"{error.field}: {error.message}", err=True)
        sys.exit(1)
    finally:
        database.close()


def site_id_of(session: Session, code: str | None, study: str | None) -> int | None:
    """The number of the site of that code; None for every site."""
    if code is None:
        return None
    wanted = lists.study_by_code(session, study) if study else None
    return lists.site_by_code(session, code, wanted).id


@click.group()
def token() -> None:
    """Tokens of the API."""


@token.command()
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True, help="What it may do.")
@click.option("--site", "site_code", help="Code of its site; every site where it is left out.")
@click.option("--study", help="Code of the study, where several have such a site.")
@click.option("--name", default="", help="What it is called in lists and in the audit trail.")
@click.option("--staff", "email", help="E-mail address of the person who stands for it.")
def create(role: str, site_code: str | None, study: str | None, name: str, email: str | None) -> None:
    """Make a token. It is printed once, alone on standard output, and kept nowhere.

    Example: vigilia token create --role coordinator --site RP --name "Lab feed"
    """
    with writing() as session:
        text = tokens.create(
            session,
            name=name or f"{role} {site_code or 'every site'}",
            role=role,
            site_id=site_id_of(session, site_code, study),
            staff_id=lists.staff_of(session, email).id if email else None,
            actor=ACTOR,
            now=Clock().now(),
        )
    click.echo("Keep it now, it is not shown again:", err=True)
    click.echo(text)


@token.command("list")
def show() -> None:
    """Tokens that work, with their last use; never the tokens themselves.

    Example: vigilia token list
    """
    with writing() as session:
        for row in tokens.listed(session):
            used = f"{row.last_used_at:%Y-%m-%d %H:%M}Z" if row.last_used_at else "never used"
            click.echo(f"{row.id}\t{row.role}\t{row.name}\t{used}")


@token.command()
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """Refuse a token from now on.

    Example: vigilia token revoke 7
    """
    with writing() as session:
        row = tokens.revoke(session, number, actor=ACTOR, now=Clock().now())
        click.echo(f"revoked {row.id}: {row.name}")
