"""Processes that a bench starts and ends itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextmanager
def module(name: str, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`python -m NAME WORDS` until the block ends; what it prints can be read from `.stdout`."""
    process = subprocess.Popen(
        [sys.executable, "-m", name, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def port_of(process: subprocess.Popen[str]) -> int:
    """The port that a process printed as its first line."""
    assert process.stdout is not None
    return int(process.stdout.readline())
