"""`vigilia settings`: the settings as a table, from the one place that reads them."""

from __future__ import annotations

from dataclasses import fields

import click

from service.config import Config


def table() -> str:
    """The reference page's table."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for one in fields(Config):
        default = "on" if one.default is True else "off" if one.default is False else str(one.default)
        shown = f"`{default}`" if default else ""
        lines.append(f"| `VIGILIA_{one.name.upper()}` | {shown} | {one.metadata['help']} |")
    return "\n".join(lines) + "\n"


@click.command("settings")
def settings_table() -> None:
    """Print every setting with its default and meaning.

    Example: vigilia settings
    """
    click.echo(table(), nl=False)
