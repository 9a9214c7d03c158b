"""What commands share: settings that are told all at once."""

from __future__ import annotations

import sys

import click

from service.config import Config
from service.errors import ConfigError
from service.logs import configure_logs


def settings(*, needs_carrier: bool = True) -> Config:
    """The settings from the environment; every fault on standard error and exit 2."""
    try:
        config = Config.from_env(needs_carrier=needs_carrier)
    except ConfigError as error:
        click.echo("vigilia cannot start:\n" + "\n".join(f"  {fault}" for fault in error.faults), err=True)
        sys.exit(2)
    configure_logs(as_json=config.log_json)
    return config
