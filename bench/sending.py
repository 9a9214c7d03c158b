"""Claim, render, hand over and record, through the real sender, beside two plain UPDATEs of the same table."""

from __future__ import annotations

import psycopg

from bench.database import connect, fill_messages, fill_patients, make_runtime, server
from bench.harness import Options, Row, Stopwatch
from service.runtime import Runtime
from service.sender import BATCH, Sender
from service.use_cases.outbox_record import Result

WARM = 8 * BATCH
CLAIM = """
UPDATE message SET status = 'claimed', claimer = 'bench', lease_until = now() + interval '30 s', attempts = attempts + 1
WHERE id IN (SELECT id FROM message WHERE status = 'ready' AND lane = 'bulk' AND send_at <= %s
             ORDER BY send_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
RECORD = """
UPDATE message SET status = 'accepted', claimer = NULL, lease_until = NULL, provider_id = 'SM' || id, sent_at = now()
WHERE id = ANY(%s)
"""


def two_updates(connection: psycopg.Connection, runtime: Runtime, wanted: int) -> int:
    """The limit: claim a batch, commit, record it, commit; nothing rendered, checked or logged."""
    done = 0
    while done < wanted:
        ids = [row[0] for row in connection.execute(CLAIM, (runtime.clock.now(), min(BATCH, wanted - done)))]
        if not ids:
            break
        connection.execute(RECORD, (ids,))
        done += len(ids)
    return done


def ours(runtime: Runtime, wanted: int) -> int:
    """What the bulk lane does: claim with an attempt each, check, render, carrier; record with the next claim."""
    sender, done, results = Sender(runtime), 0, list[Result]()
    while done < wanted:
        tickets, _ = sender.exchange(results, "bulk", min(BATCH, wanted - done))
        if not tickets:
            break
        results = [sender.deliver(ticket) for ticket in tickets]
        done += len(tickets)
    sender.record(results)
    return done


def run(options: Options) -> list[Row]:
    """Both take turns on one table, so that neither has the emptier one."""
    whole, due = options.of(20_000, 1_000_000), options.of(8_000, 20_000)
    turns, patients = 8, options.of(2_000, 10_000)
    with server() as postgres:
        runtime = make_runtime(postgres, "sending")
        connection = connect(postgres, "sending")
        fill_patients(connection, patients)
        fill_messages(connection, whole, due=due + 2 * WARM, patients=patients)
        ours(runtime, WARM)  # until the statements are prepared
        two_updates(connection, runtime, WARM)
        each, seconds = due // (2 * turns), {"ours": 0.0, "limit": 0.0}
        for _ in range(turns):
            with Stopwatch() as watch:
                assert ours(runtime, each) == each
            seconds["ours"] += watch.seconds
            with Stopwatch() as watch:
                assert two_updates(connection, runtime, each) == each
            seconds["limit"] += watch.seconds
        attempts = connection.execute("SELECT count(*) FROM attempt WHERE status = 'accepted'").fetchone()
        assert attempts == (each * turns + WARM,)
        connection.close()
        runtime.db.close()
    half = each * turns
    return [
        Row(
            "sending", f"claim, check, render, record {half} due of {whole} rows, log included", "/s",
            half / seconds["ours"], "two plain UPDATEs a batch", half / seconds["limit"],
            seconds["limit"] / seconds["ours"], ">= 0.30",
        )
    ]  # fmt: skip
