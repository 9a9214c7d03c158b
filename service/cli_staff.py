"""`vigilia staff add|list`."""

from __future__ import annotations

import click

from service.cli_tokens import ACTOR, site_id_of, writing
from service.clock import Clock
from service.security import Role
from service.use_cases import contacts, lists
from service.use_cases import staff as people


@click.group()
def staff() -> None:
    """People of the care team."""


@staff.command()
@click.option("--name", required=True, help="As pages show it: Dr. Reis.")
@click.option("--email", required=True, help="To log in with.")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True, help="What they may do.")
@click.option("--site", "site_code", help="Code of their site; every site where it is left out.")
@click.option("--study", help="Code of the study, where several have such a site.")
@click.option("--phone", help="For pages, once it is verified.")
@click.option("--language", default="pt-BR", show_default=True, help="Of their pages and texts.")
@click.option("--verified", is_flag=True, help="The telephone was tried: use it for pages from now on.")
@click.password_option(help="At least 10 characters; asked for where it is left out.")
def add(
    name: str,
    email: str,
    role: str,
    site_code: str | None,
    study: str | None,
    phone: str | None,
    language: str,
    verified: bool,
    password: str,
) -> None:
    """Add a person who can log in and, with a telephone, be paged.

    Example: vigilia staff add --name "Dr. Reis" --email reis@example.org --role clinician --site RP
    """
    with writing() as session:
        person = people.add(
            session,
            name=name,
            email=email,
            role=role,
            site_id=site_id_of(session, site_code, study),
            password=password,
            phone=phone,
            language=language,
            verified=verified,
            actor=ACTOR,
            now=Clock().now(),
        )
        click.echo(f"added {person.id}: {person.name}, {person.role}")


@staff.command("list")
def show() -> None:
    """The care team, and which of their contacts may be used for pages.

    Example: vigilia staff list
    """
    with writing() as session:
        for person in lists.staff(session, site_id=None, limit=10_000):
            ways = contacts.of_staff(session, [person.id])
            usable = sorted({way.channel for way in ways if way.verified_at and not way.opted_out_at})
            state = "" if person.active else " (not active)"
            click.echo(f"{person.id}\t{person.role}\t{person.name}{state}\t{', '.join(usable) or 'not reachable'}")
