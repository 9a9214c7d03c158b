"""`vigilia rehearse`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from service.clock import Clock
from service.logs import configure_logs
from service.rehearsal import FAULTS, Rehearsal


@click.command()
@click.option("--patients", default=9, show_default=True, type=click.IntRange(1, 500), help="Made-up patients.")
@click.option("--days", default=190, show_default=True, type=click.IntRange(1, 400), help="Study days.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same report.")
@click.option("--faults", default="none", show_default=True, type=click.Choice(FAULTS), help="What goes wrong.")
@click.option("--report", "file", type=click.Path(path_type=Path), help="Where the JSON report goes; default: shown.")
def rehearse(patients: int, days: int, seed: int, faults: str, file: Path | None) -> None:
    """The whole study on a virtual clock, through the real code; exit 1 when anything is unexplained.

    Example: vigilia rehearse --patients 9 --days 190 --seed 1 --faults all --report out.json
    """
    configure_logs(as_json=True, level="CRITICAL")
    clock = Clock()
    began = clock.monotonic()
    found = Rehearsal(patients, days, seed, faults).run()
    text = json.dumps(found, indent=2, ensure_ascii=False)
    if file is None:
        click.echo(text)
    else:
        file.write_text(text + "\n", encoding="utf-8")
    human = [one["seconds_to_human"] for one in found["fevers"] if one.get("seconds_to_human") is not None]
    click.echo(
        f"{patients} patients, {days} days, seed {seed}, faults {faults}: {len(found['fevers'])} fevers, "
        f"a human after {max(human, default=0)} s at most, {found['crashes']} crashes, "
        f"{len(found['unexplained'])} unexplained, {clock.monotonic() - began:.0f} s",
        err=True,
    )
    sys.exit(1 if found["unexplained"] else 0)
