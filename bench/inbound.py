"""A patient's text: signature checked, parsed, stored, committed, read, answered; beside a bare hello of the server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

from bench.database import (
    ACCOUNT,
    OUR_NUMBER,
    PUBLIC,
    TOKEN,
    connect,
    fill_messages,
    fill_patients,
    make_runtime,
    server,
)
from bench.harness import Options, Row, percentile
from bench.processes import ROOT, module, port_of
from notifications.carriers.signature import sign

PATIENTS, TURNS = 2_000, 2
WAYS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("unread",), "a text: signature, parse, store, commit, answer", ">= 0.15"),
    ((), "the same, and read in the same post", ""),
)
PATH = "/webhooks/twilio/sms"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def text(number: int) -> dict[str, Any]:
    """A signed post of one patient's text."""
    form = {
        "MessageSid": f"SM{number:032x}", "AccountSid": ACCOUNT, "From": f"+55169{number % PATIENTS + 1:08d}",
        "To": OUR_NUMBER, "Body": "36,5", "NumMedia": "0", "NumSegments": "1", "ApiVersion": "2010-04-01",
    }  # fmt: skip
    headers = FORM | {"X-Twilio-Signature": sign(TOKEN, PUBLIC + PATH, form)}
    return {"method": "POST", "path": PATH, "headers": headers, "body": urlencode(form)}


def hello(_number: int) -> dict[str, Any]:
    """A post of the same size to a view that does nothing."""
    return text(0) | {"path": "/hello"}


def posted(port: int, make: Callable[[int], dict[str, Any]], first: int, count: int, threads: int) -> dict[str, Any]:
    """What `bench.http_load` measured; AssertionError when an answer was not 200."""
    plan = {"port": port, "threads": threads, "posts": [make(first + place) for place in range(count)]}
    done = subprocess.run(
        [sys.executable, "-m", "bench.http_load"], input=json.dumps(plan), cwd=ROOT, text=True, check=True,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["statuses"] == {"200": count}, told["statuses"]
    return told


def run(options: Options) -> list[Row]:
    """Each way takes turns with the hello of its server; then a text's p99 alone and while a worker sends a batch."""
    count, found = options.of(300, 3_000), []
    with server() as postgres, ExitStack() as running:
        runtime = make_runtime(postgres, "inbound")
        with connect(postgres, "inbound") as connection:
            fill_patients(connection, PATIENTS)
            fill_messages(connection, 100_000, due=100_000, patients=PATIENTS)
        url, first = runtime.config.database_url, 1_000
        for words, what, goal in WAYS:
            port = port_of(running.enter_context(module("bench.web_server", url, *words)))
            posted(port, text, first, 50, 4)
            posted(port, hello, 0, 50, 4)
            rates = {"ours": 0.0, "hello": 0.0}
            for _ in range(TURNS):
                first += count
                rates["ours"] += count / posted(port, text, first, count, 8)["seconds"] / TURNS
                rates["hello"] += 3 * count / posted(port, hello, 0, 3 * count, 8)["seconds"] / TURNS
            ratio = rates["ours"] / rates["hello"]
            found.append(Row("inbound", what, "/s", rates["ours"], "its server's hello", rates["hello"], ratio, goal))
            first += count
        quiet = percentile(posted(port, text, first, count, 1)["milliseconds"], 0.99)
        running.enter_context(module("bench.sending_process", url))
        posted(port, text, first + count, 50, 1)
        busy = percentile(posted(port, text, first + 2 * count, count, 1)["milliseconds"], 0.99)
        runtime.db.close()
    work = "a text stored, read and answered while a batch is sent: p99"
    return found + [Row("inbound", work, "ms", busy, "p99 alone", quiet, busy / quiet, "<= 2")]
