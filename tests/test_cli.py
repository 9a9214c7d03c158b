"""Every command is there, helps itself with an example, and says all its faults at once."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from service.cli import COMMANDS, main

CONTRACT = {
    "demo", "up", "serve", "worker", "db", "protocol", "staff", "token", "rehearse", "explain", "doctor", "audit",
    "export", "backup", "restore",
}  # fmt: skip


def test_the_commands_of_the_contract_are_there() -> None:
    assert CONTRACT <= COMMANDS.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_helps_with_an_example(name: str) -> None:
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command is not None
    leaves = (
        [[name, sub] for sub in command.list_commands(context)] if isinstance(command, click.Group) else [[name]]
    )
    for words in leaves:
        shown = CliRunner().invoke(main, [*words, "--help"])
        assert shown.exit_code == 0, shown.output
        told = " ".join(shown.output.split("Usage:", 1)[1].split())
        assert f"vigilia {' '.join(words)}" in told and "Example" in told, f"{words}: no example"


def test_serve_does_not_start_on_faulty_settings(monkeypatch) -> None:
    for name in ("SECRET_KEY", "PUBLIC_URL", "TWILIO_ACCOUNT_SID"):
        monkeypatch.delenv(f"VIGILIA_{name}", raising=False)
    shown = CliRunner().invoke(main, ["up"])
    assert shown.exit_code == 2
    for name in ("SECRET_KEY", "PUBLIC_URL", "TWILIO_ACCOUNT_SID"):
        assert f"VIGILIA_{name}" in shown.output
