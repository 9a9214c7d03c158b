"""`vigilia`: the command line. A command's module is imported when the command is called."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "audit": "cli_audit:audit",
    "backup": "cli_backup:backup",
    "db": "cli_db:db",
    "demo": "cli_demo:demo",
    "doctor": "cli_doctor:doctor",
    "explain": "cli_explain:explain",
    "export": "cli_export:export",
    "protocol": "cli_protocol:protocol",
    "rehearse": "cli_rehearse:rehearse",
    "restore": "cli_backup:restore",
    "serve": "cli_serve:serve",
    "settings": "cli_settings:settings_table",
    "staff": "cli_staff:staff",
    "token": "cli_tokens:token",
    "up": "cli_serve:up",
    "worker": "cli_worker:worker",
}


class Commands(click.Group):
    """Commands by name, so that `vigilia protocol check` loads no database and no web framework."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command: click.Command = getattr(import_module(f"service.{module}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="vigilia")
def main() -> None:
    """ePRO, visit scheduling and fever escalation for clinical trials."""
