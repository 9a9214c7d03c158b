"""What a bench gives back, and the table of it. Machines are noisy: only ratios of one run are kept as goals."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Row:
    """One line of the table. `ours` and `other` are in `unit`; `ratio` is compared with `goal`, which is "" where there
    is none, else ">= 0.30" or "<= 3". `other` None: it could not be measured, and `note` says why."""

    bench: str
    work: str
    unit: str
    ours: float | None
    against: str
    other: float | None
    ratio: float | None
    goal: str
    note: str = ""

    @property
    def reached(self) -> str:
        """"yes", "no", or "" where there is nothing to reach or it could not be measured."""
        if not self.goal or self.ratio is None:
            return ""
        sign, _, number = self.goal.partition(" ")
        held = self.ratio >= float(number) if sign == ">=" else self.ratio <= float(number)
        return "yes" if held else "no"


@dataclass(frozen=True)
class Options:
    """`quick`: fewer rows, the same work."""

    quick: bool

    def of(self, quick: int, full: int) -> int:
        return quick if self.quick else full


Bench = Callable[[Options], list[Row]]


class Stopwatch:
    """`with Stopwatch() as watch: ...; watch.seconds`."""

    seconds = 0.0

    def __enter__(self) -> Stopwatch:
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = max(time.perf_counter() - self._began, 1e-9)


def percentile(values: Iterable[float], part: float) -> float:
    """The value below which `part` (0..1) of them lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def figure(value: float | None) -> str:
    """Three figures that matter: 21500 -> 21.5k, 0.4871 -> 0.49."""
    if value is None:
        return "-"
    if abs(value) >= 10000:
        return f"{value / 1000:.1f}k"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


HEAD = ("work", "ours", "limit or peer", "ratio", "goal", "reached")


def cells(row: Row) -> tuple[str, ...]:
    """The row as the table shows it."""
    other = f"{row.against} {figure(row.other)} {row.unit}" if row.other is not None else f"{row.against}: {row.note}"
    ours = f"{figure(row.ours)} {row.unit}" if row.ours is not None else "-"
    return (row.work, ours, other, figure(row.ratio), row.goal, row.reached)


def table(rows: Iterable[Row]) -> str:
    """A table of Markdown, which a terminal can show as well."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(cells(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> dict[str, object]:
    """What the run was made on; the load says how much of it was ours."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def keep(rows: Iterable[Row], begun: dict[str, object], path: Path = RESULTS) -> None:
    """Write the results; benches that were not run this time keep their older rows."""
    rows = list(rows)
    run = {row.bench for row in rows}
    try:
        older = json.loads(path.read_text())["rows"]
    except (OSError, ValueError, KeyError):
        older = []
    kept = [one for one in older if one["bench"] not in run]
    whole = {"machine": begun, "rows": kept + [asdict(row) for row in rows]}
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=True) + "\n")


def load(path: Path = RESULTS) -> tuple[dict[str, object], list[Row]]:
    """The machine and the rows of the results file."""
    whole = json.loads(path.read_text())
    names = set(Row.__dataclass_fields__)
    return whole["machine"], [Row(**{key: one[key] for key in names}) for one in whole["rows"]]
