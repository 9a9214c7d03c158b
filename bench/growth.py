"""Claiming a batch while the table grows: an index over what is ready keeps it flat."""

from __future__ import annotations

from statistics import median

from bench.database import connect, fill_messages, fill_patients, make_runtime, server
from bench.harness import Options, Row, Stopwatch
from service.sender import BATCH, Sender

TURNS = 12
EACH = 1000  # messages a patient has at most: a large table is one of many patients


def run(options: Options) -> list[Row]:
    """The batch is claimed and committed, nothing is sent. Ten million rows want 20 GB of disk while they are there."""
    sizes = (10_000, 100_000) if options.quick else (10_000, 1_000_000, 10_000_000)
    milliseconds: dict[int, float] = {}
    for size in sizes:  # a server each, so that no size leaves the next one a full disk
        with server() as postgres:
            runtime = make_runtime(postgres, f"rows{size}")
            with connect(postgres, f"rows{size}") as connection:
                patients = max(size // EACH, 1000)
                fill_patients(connection, patients)
                fill_messages(connection, size, due=(TURNS + 2) * BATCH, patients=patients)
            sender, taken = Sender(runtime), []
            for turn in range(TURNS + 2):
                with Stopwatch() as watch:
                    tickets, _ = sender.claim("bulk", BATCH)
                assert len(tickets) == BATCH
                if turn >= 2:
                    taken.append(watch.seconds * 1000)
            milliseconds[size] = median(taken)
            runtime.db.close()
    small, *larger = sizes
    return [
        Row(
            "growth", f"claim {BATCH} of {size:,} rows", "ms", milliseconds[size], f"of {small:,} rows",
            milliseconds[small], milliseconds[size] / milliseconds[small], "<= 3",
        )
        for size in larger
    ]  # fmt: skip
