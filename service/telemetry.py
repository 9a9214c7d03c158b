"""What a process counts about itself, for /metrics. Counts and seconds only: no id, no number, no word of a patient."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SENDS = Counter("vigilia_sends_total", "Calls to a carrier, by how they ended", ["lane", "channel", "result"])
CARRIER_SECONDS = Histogram(
    "vigilia_carrier_seconds", "How long a carrier took to answer", ["channel"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16),
)  # fmt: skip
LEASES_LOST = Counter("vigilia_leases_lost_total", "Claims whose sender died, stalled or lost the answer")
STALE_ANSWERS = Counter("vigilia_stale_answers_total", "Answers that came after their claim was lost")
ROWS_HANDLED = Counter("vigilia_due_rows_total", "Due rows that a tick handled", ["sweep"])
ROWS_FAILED = Counter("vigilia_due_rows_failed_total", "Due rows that raised and were backed off", ["sweep"])
IN_FLIGHT = Gauge("vigilia_in_flight", "Messages between claim and record", ["lane"])
LAST_TICK = Gauge("vigilia_last_tick_timestamp_seconds", "When this process ended its last tick (machine time)")
WEBHOOKS = Counter("vigilia_webhooks_total", "Posts of the carrier, by what became of them", ["kind", "result"])
