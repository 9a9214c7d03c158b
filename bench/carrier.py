"""The lane, with the real twilio client and a carrier that takes 100 ms to answer: threads / latency is the limit."""

from __future__ import annotations

import time
from dataclasses import replace

from bench.database import connect, fill_messages, fill_patients, make_runtime, server
from bench.harness import Options, Row
from bench.processes import module, port_of
from service.carriers import carriers_from
from service.lanes import Lane

THREADS, LATENCY = 64, 0.1


def run(options: Options) -> list[Row]:
    """Counted between the first and the last answer recorded, the filling and emptying of the threads left out."""
    wanted = options.of(4_000, 20_000)
    with server() as postgres, module("bench.slow_carrier", str(LATENCY)) as carrier:
        runtime = make_runtime(postgres, "carrier", send_threads=THREADS)
        base = f"http://127.0.0.1:{port_of(carrier)}"
        runtime.carriers = carriers_from(replace(runtime.config, twilio_api_base=base))
        connection = connect(postgres, "carrier")
        fill_patients(connection, 2_000)
        fill_messages(connection, wanted + 2_000, due=wanted, patients=2_000)
        lane = Lane(runtime, "bulk", threads=THREADS, wake=runtime.text_waits)
        lane.start()
        marks = [(0.0, 0)]
        until = time.perf_counter() + 4 * wanted * LATENCY / THREADS + 30  # some may be lost to a time-out
        while marks[-1][1] < wanted and time.perf_counter() < until:
            time.sleep(0.25)
            row = connection.execute("SELECT count(*) FROM attempt WHERE status = 'accepted'").fetchone()
            marks.append((time.perf_counter(), row[0] if row else 0))
        lane.ask_to_stop()
        lane.join(20)
        connection.close()
        runtime.db.close()
    middle = [mark for mark in marks if wanted * 0.1 < mark[1] < wanted * 0.95]
    (began, first), (ended, last) = middle[0], middle[-1]
    rate, limit = (last - first) / (ended - began), THREADS / LATENCY
    return [
        Row(
            "carrier", "real twilio client, carrier 100 ms, 64 threads", "/s", rate, "threads / latency", limit,
            rate / limit, ">= 0.90",
        )
    ]  # fmt: skip
