"""`python -m bench [NAME ...] [--quick] [--no-page]`: ours, the limit and the peers, side by side in one run."""

from __future__ import annotations

import importlib
import sys
import traceback

import click

from bench.harness import Bench, Options, Row, keep, load, machine, table
from bench.page import write_page

NAMES = ("sending", "peers", "carrier", "growth", "inbound", "pages", "calendar")


def bench_called(name: str) -> Bench:
    """The `run` of `bench/NAME.py`."""
    found: Bench = importlib.import_module(f"bench.{name}").run
    return found


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--quick", is_flag=True, help="Fewer rows, the same work: some minutes instead of an hour.")
@click.option("--page/--no-page", default=True, help="Write docs/reference/speed.md from the results as well.")
def main(names: tuple[str, ...], quick: bool, page: bool) -> None:
    """Run the benches NAMES (all of them), print the table, and keep it in bench/results.json."""
    begun, failed = machine() | {"quick": quick}, []
    for name in names or NAMES:
        try:
            rows: list[Row] = bench_called(name)(Options(quick))
        except Exception:  # one that breaks must not cost the others
            traceback.print_exc()
            failed.append(name)
            continue
        keep(rows, begun)
        click.echo(table(rows), color=sys.stdout.isatty())
        click.echo()
    if page:
        write_page()
    elif not names:
        click.echo(table(load()[1]))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
