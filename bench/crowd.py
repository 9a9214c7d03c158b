"""What the pages Today, matrix and patient read, among 100,000 patients of 1,000 sites, half-way through."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from bench.database import NOON
from bench.harness import Row
from service.models import Patient, Site
from service.runtime import Runtime
from service.use_cases import calendar, matrix, worklist

SITES, PEOPLE = 1_000, 100_000
MORE_SITES = """
INSERT INTO site (study_id, code, name, telephone, emergency_number, place, clinic_hour, timezone, country, subdivision,
    closed_days, daily_capacity, settings, created_at)
SELECT study_id, 'S' || n, name, telephone, emergency_number, place, clinic_hour, timezone, country, subdivision,
    closed_days, 12, settings, created_at
FROM site, generate_series(2, %(sites)s) AS n WHERE site.code = 'RP'
"""
SPREAD = """
UPDATE patient SET site_id = sites.id FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM site) AS sites
WHERE patient.code LIKE 'B-%%' AND patient.id %% %(sites)s = sites.place
"""
# Each patient is somewhere else on the way: what is some days past has mostly taken place. A patient's visits lie
# together, as enrolment writes them.
MORE_VISITS = """
INSERT INTO visit (patient_id, site_id, code, label, anchor, setting, status, date, window_start, window_end, projected,
    merged_into, flags, sequence, updated_at, version_id)
SELECT patient.id, patient.site_id, code, label, anchor, setting,
    CASE WHEN date + shift < date '2026-03-02' - 3 THEN 'completed' ELSE visit.status END,
    date + shift, window_start + shift, window_end + shift, projected, merged_into, flags, sequence, updated_at, 1
FROM visit, (SELECT id, site_id, (id * 7 %% 120)::int - 60 AS shift FROM patient
    WHERE NOT EXISTS (SELECT FROM visit AS own WHERE own.patient_id = patient.id)) AS patient
WHERE visit.patient_id = %(model)s
ORDER BY patient.id, visit.id
"""
# A week of questions, a month of levels, and what coordinators did and have to do.
MORE_ANSWERS = """
INSERT INTO occasion (patient_id, site_id, questionnaire, for_date, opens_at, late_at, missed_at, status,
    reminders_sent, explained, version_id)
SELECT patient.id, patient.site_id, 'daily', day, day + interval '11 h', day + interval '27 h', day + interval '39 h',
    CASE WHEN day > date '2026-03-02' THEN 'upcoming' WHEN (patient.id + n) %% 20 = 0 THEN 'missed'
        ELSE 'answered' END, 0, 0, 1
FROM patient, generate_series(-5, 1) AS n, LATERAL (SELECT date '2026-03-02' + n AS day) AS days
ON CONFLICT DO NOTHING
"""
MORE_LEVELS = """
INSERT INTO observation (patient_id, code, value, unit, drawn_on, recorded_by, recorded_at)
SELECT patient.id, 'csa', (120 + (patient.id * 31 + n * 17) %% 160)::text, 'ng/mL', date '2026-03-01' - 7 * n, 'bench',
    %(now)s
FROM patient, generate_series(0, 3) AS n
"""
MORE_TASKS = """
INSERT INTO task (patient_id, site_id, kind, level, rules, detail, status, due_at, dedupe, created_at, version_id)
SELECT patient.id, patient.site_id, 'call', 'amber', '["N-MISS1"]', '{}',
    CASE WHEN n = 0 AND patient.id %% 10 = 0 THEN 'open' ELSE 'done' END, %(now)s - n * interval '1 day',
    'bench:' || patient.id || ':' || n, %(now)s - n * interval '1 day', 1
FROM patient, generate_series(0, 9) AS n
"""
FILLS = (MORE_SITES, SPREAD, MORE_VISITS, MORE_ANSWERS, MORE_LEVELS, MORE_TASKS)


@contextmanager
def sql_time(runtime: Runtime) -> Iterator[list[float]]:
    """Milliseconds that statements take until the block ends."""
    spent: list[float] = []
    begun: list[float] = []

    def before(*_: Any) -> None:
        begun.append(time.perf_counter())

    def after(*_: Any) -> None:
        spent.append((time.perf_counter() - begun.pop()) * 1000)

    event.listen(runtime.db.engine, "before_cursor_execute", before)
    event.listen(runtime.db.engine, "after_cursor_execute", after)
    try:
        yield spent
    finally:
        event.remove(runtime.db.engine, "before_cursor_execute", before)
        event.remove(runtime.db.engine, "after_cursor_execute", after)


def reading(runtime: Runtime, times: int, look: Callable[[Session], Any]) -> float:
    """Milliseconds of SQL of one look: each statement at its best of so many, as the machine has other work."""
    best: list[float] = []
    for _ in range(times):
        with sql_time(runtime) as spent, runtime.db._read() as session:  # without keeping rows readable afterwards
            look(session)
            session.rollback()
        best = [min(pair) for pair in zip(best, spent, strict=True)] if best else list(spent)
    return sum(best)


def pages(runtime: Runtime, connection: psycopg.Connection, model: int) -> list[Row]:
    """Today, the matrix and one patient's calendar; `model` is the patient whose visits the others get."""
    for fill in FILLS:
        connection.execute(fill, {"sites": SITES, "model": model, "now": NOON})
    connection.execute("VACUUM ANALYZE")
    with runtime.db.reading() as session:
        places = list(session.scalars(select(Site.id).order_by(Site.id)))
        ids = list(session.scalars(select(Patient.id).order_by(Patient.id.desc()).limit(200)))
    looks: dict[str, Callable[[Session, int], Any]] = {
        "Today": lambda session, n: worklist.today(session, site_id=places[n % len(places)], now=NOON),
        "matrix": lambda session, n: matrix.grids(session, site_id=places[n % len(places)], now=NOON),
        "patient's calendar": lambda session, n: calendar.as_rows(session, session.get_one(Patient, ids[n])),
    }
    rows = []
    for name, look in looks.items():
        spent = statistics.median(
            reading(runtime, 25, lambda session, n=n: look(session, n))  # type: ignore[misc]
            for n in range(0, len(ids), len(ids) // 7)
        )
        work = f"{name}: SQL at {PEOPLE:,} patients of {SITES:,} sites"
        rows.append(Row("calendar", work, "ms", spent, "fixed", 5.0, spent, "<= 5"))
    return rows
