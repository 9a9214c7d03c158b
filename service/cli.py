"""`vigilia`: the command line."""

from __future__ import annotations

import click

from service.cli_protocol import protocol


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="vigilia")
def main() -> None:
    """ePRO, visit scheduling and fever escalation for clinical trials."""


main.add_command(protocol)
