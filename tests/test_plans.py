"""Nothing that is asked day by day reads a whole table that grows: SQLite's own plans of what a study really asks.

One sixth of a year of one patient is some thousand rows a table; a statement that reads them all for each text is not
noticed here, and stops a real study.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from service import rehearsal
from service.rehearsal import Rehearsal

# Those that grow with each text; not those with a few rows a week (alerts, reply codes).
GROWING = frozenset(
    "alert_log alert_report attempt audit_entry audit_seal inbound link message occasion page reading receipt reminder"
    " response task timer triage_hit visit".split()
)
WHOLE = re.compile(r"(?:SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?|SEARCH (\w+))$")  # a bare SEARCH: of the least
NEWEST = re.compile(r"FROM (\w+) ORDER BY \1\.(?:id|number) DESC LIMIT")  # the end of a table, read backwards
OURS = re.compile(r"/service/(?!rehearsal|db\.|prepared\.)")
VALUE = re.compile(r"'(?:[^']|'')*'|\b\d+\b")


def _from_the_service() -> bool:
    """Whether the service itself asks, and not a made-up person or a migration."""
    frame = sys._getframe(2)
    while frame is not None:
        if "/rehearsal_" in (name := frame.f_code.co_filename) or "/migrations/" in name:
            return False
        if OURS.search(name):
            return True
        frame = frame.f_back
    return False


@pytest.fixture(scope="module")
def plans() -> Iterator[dict[str, list[str]]]:
    """Each statement of a short rehearsal, and the lines of its plan that read a table or an index from end to end."""
    asked: dict[str, str] = {}
    whole: dict[str, list[str]] = {}

    def keep(statement: str) -> None:
        name = " ".join(VALUE.sub("?", statement).split())
        if name not in asked and name.startswith(("SELECT", "UPDATE", "DELETE")) and _from_the_service():
            asked[name] = statement

    def listen(connection: Any, _record: Any) -> None:
        connection.set_trace_callback(keep)

    def explain(run: Rehearsal) -> dict[str, Any]:
        connection = run.runtime.db.engine.raw_connection()
        connection.set_trace_callback(None)
        cursor = connection.cursor()
        rows = cursor.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'")
        partial = {name for (name,) in rows}
        for shown, statement in asked.items():
            whole[shown] = []
            for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall():
                found = WHOLE.match(row[3])
                if found and (found[1] or found[3]) in GROWING and found[2] not in partial and not NEWEST.search(shown):
                    whole[shown].append(row[3])
        connection.close()
        return {}

    patched = pytest.MonkeyPatch()
    patched.setattr(rehearsal, "report", explain)
    event.listen(Engine, "connect", listen)
    try:
        Rehearsal(patients=2, days=30, seed=1).run()
        yield whole
    finally:
        event.remove(Engine, "connect", listen)
        patched.undo()


def test_no_statement_reads_a_whole_table_that_grows(plans: dict[str, list[str]]) -> None:
    assert len(plans) > 100
    assert {statement: whole for statement, whole in plans.items() if whole} == {}
