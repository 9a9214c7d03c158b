"""A patient's calendar: planned and stored, re-anchored; then what the pages read among very many patients."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
from sqlalchemy import select

from bench import crowd
from bench.database import NOON, connect, fill_patients, make_runtime, server
from bench.harness import Options, Row
from service.models import AnchorDate, Patient
from service.runtime import Runtime
from service.use_cases import anchors, calendar, patients

ENROLLED = date(2026, 2, 1)  # as bench.database has it
INFUSION = ENROLLED + timedelta(days=14)
TABLES = ("visit", "reminder", "occasion")
# What a re-anchor by one day writes (but for two reminders, two questions and a timer), by one statement of the
# server. Visits and reminders move, questions end on the old days and begin on the new ones; the anchor's date, the
# revision and the audit entries are those that `like` has.
SHIFT = """
WITH visits AS (
    UPDATE visit SET date = date + 1, window_start = window_start + 1, window_end = window_end + 1,
        updated_at = %(now)s, sequence = sequence + 1, version_id = version_id + 1
    WHERE patient_id = %(patient)s AND code = ANY(%(codes)s)),
reminders AS (
    UPDATE reminder SET due_at = due_at + interval '1 day' WHERE patient_id = %(patient)s AND key = ANY(%(keys)s)),
gone AS (
    UPDATE occasion SET status = 'cancelled', next_due_at = NULL, ended_reason = 'bench'
    WHERE patient_id = %(patient)s AND status = 'upcoming' AND questionnaire = ANY(%(ended)s) RETURNING *),
asked AS (
    INSERT INTO occasion (patient_id, site_id, questionnaire, for_date, opens_at, late_at, missed_at, status,
        next_due_at, reminders_sent, explained, version_id)
    SELECT patient_id, site_id, questionnaire, for_date + 1, opens_at + interval '1 day', late_at + interval '1 day',
        missed_at + interval '1 day', 'upcoming', opens_at + interval '1 day', 0, 0, 1 FROM gone),
anchored AS (
    INSERT INTO anchor_date (patient_id, name, actual_date, recorded_at, recorded_by)
    SELECT %(patient)s, name, actual_date, %(now)s, recorded_by FROM anchor_date
    WHERE patient_id = %(like)s AND name = 'infusion_1'),
kept AS (
    INSERT INTO calendar_revision (patient_id, number, change, before, diff, reason, actor, created_at)
    SELECT %(patient)s, number, change, before, diff, reason, actor, %(now)s FROM calendar_revision
    WHERE patient_id = %(like)s),
audited AS (
    INSERT INTO audit_entry (at, actor, action, subject_id, patient_id, detail)
    SELECT %(now)s, actor, action, subject_id, %(patient)s, detail FROM audit_entry WHERE patient_id = %(like)s)
UPDATE patient SET revision = revision + 1, version_id = version_id + 1 WHERE id = %(patient)s
"""
ROWS = """
SELECT 'codes', code, xmin::text FROM visit WHERE patient_id = %(patient)s
UNION ALL SELECT 'keys', key, xmin::text FROM reminder WHERE patient_id = %(patient)s
UNION ALL SELECT 'ended', questionnaire, xmin::text FROM occasion
WHERE patient_id = %(patient)s AND status = 'cancelled'
"""


def side_by_side(turns: int, ours: Callable[[int], None], other: Callable[[int], None]) -> tuple[float, float]:
    """Median milliseconds of each, taking turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(turns):
        for kept, work in zip(times, (ours, other), strict=True):
            began = time.perf_counter()
            work(number)
            kept.append((time.perf_counter() - began) * 1000)
    return statistics.median(times[0]), statistics.median(times[1])


def row(work: str, ours: float, against: str, other: float, goal: str) -> Row:
    """Milliseconds of each; the ratio is how much of the limit's speed we have."""
    return Row("calendar", work, "ms", ours, against, other, other / ours, goal)


class Stored:
    """What one patient's calendar is in each table, ready to be copied for another patient."""

    def __init__(self, connection: psycopg.Connection, model: int) -> None:
        self.columns: dict[str, list[str]] = {}
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        for table in TABLES:
            names = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
            self.columns[table] = [name for (name,) in connection.execute(names, (table,))]
            shown = ", ".join(f'"{name}"::text' for name in self.columns[table])
            query = f"SELECT {shown} FROM {table} WHERE patient_id = %s ORDER BY id"
            self.rows[table] = list(connection.execute(query, (model,)))

    @property
    def count(self) -> int:
        return sum(map(len, self.rows.values()))

    def prepared(self, patient: int) -> dict[str, list[list[Any]]]:
        """The rows with numbers of their own and the patient's in them: the limit has only to write."""
        ready: dict[str, list[list[Any]]] = {}
        visits: dict[str, int] = {}
        for table, rows in self.rows.items():
            ready[table] = []
            for number, one in enumerate(rows):
                values: dict[str, Any] = dict(zip(self.columns[table], one, strict=True))
                fresh = patient * 1_000_000 + number
                if table == "visit":
                    visits[values["id"]] = fresh
                if table == "reminder":
                    values["visit_id"] = visits[values["visit_id"]]
                ready[table].append(list((values | {"id": fresh, "patient_id": patient}).values()))
        return ready

    def copy(self, connection: psycopg.Connection, ready: dict[str, list[list[Any]]]) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            for table, rows in ready.items():
                names = ", ".join(f'"{name}"' for name in self.columns[table])
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for one in rows:
                        copy.write_row(one)


def enrolled(runtime: Runtime, ids: list[int]) -> None:
    """The enrolment's date, which the calendar hangs on."""
    with runtime.db.unit_of_work() as session:
        for number in ids:
            session.add(
                AnchorDate(
                    patient_id=number, name="enrolment", actual_date=ENROLLED, recorded_at=NOON, recorded_by="bench"
                )
            )


def plan(runtime: Runtime, patient: int) -> None:
    with runtime.db.unit_of_work() as session:
        calendar.refresh(session, patients.get(session, patient), now=NOON, is_new=True)


def move(runtime: Runtime, patient: int, day: date) -> None:
    with runtime.db.unit_of_work() as session:
        found = patients.get(session, patient)
        anchors.commit(
            session, found, anchor="infusion_1", date=day, reason="bench", actor="system", now=NOON
        )


def written_by(connection: psycopg.Connection, patient: int, work: Callable[[], None]) -> dict[str, list[str]]:
    """Which visits, reminders and questionnaires of a patient some work writes: what the limit has to write as well."""
    before = set(connection.execute(ROWS, {"patient": patient}))
    work()
    found: dict[str, set[str]] = {"codes": set(), "keys": set(), "ended": set()}
    for kind, name, _stamp in set(connection.execute(ROWS, {"patient": patient})) - before:
        found[kind].add(name)
    return {kind: sorted(names) for kind, names in found.items()}


def run(options: Options) -> list[Row]:
    """Ours and the limit take turns on patients of their own."""
    turns = options.of(30, 200)
    with server() as postgres:
        runtime = make_runtime(postgres, "calendar")
        connection = connect(postgres, "calendar")
        fill_patients(connection, crowd.PEOPLE)
        with runtime.db.reading() as session:
            ids = list(session.scalars(select(Patient.id).order_by(Patient.id).limit(2 * turns + 2)))
        ours, other, (model, warm) = ids[:turns], ids[turns : 2 * turns], ids[2 * turns :]
        enrolled(runtime, [*ours, model, warm])
        for number in (model, warm):
            plan(runtime, number)
        stored = Stored(connection, model)
        ready = [stored.prepared(number) for number in other]
        planned = side_by_side(
            turns, lambda n: plan(runtime, ours[n]), lambda n: stored.copy(connection, ready[n])
        )
        day = INFUSION + timedelta(days=1)
        same = written_by(connection, warm, lambda: move(runtime, warm, day)) | {"like": warm, "now": NOON}
        moved = side_by_side(
            turns,
            lambda n: move(runtime, ours[n], day),
            lambda n: connection.execute(SHIFT, same | {"patient": other[n]}),  # type: ignore[arg-type]
        )
        seen = crowd.pages(runtime, connection, model)
        connection.close()
        runtime.db.close()
    return [
        row(f"plan and store a patient's calendar ({stored.count} rows)", planned[0], "COPY", planned[1], ">= 0.50"),
        row("re-anchor one patient", moved[0], "one server-side statement of the same rows", moved[1], ">= 0.50"),
        *seen,
    ]
