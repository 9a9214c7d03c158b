"""The real worker in a process of its own: `python -m bench.sending_process DATABASE_URL [deaf]`.

Its carrier takes 100 ms a message and prints `ATTEMPT SECONDS` (monotonic, which all processes share) when it is handed
a page. `deaf`: nothing wakes it but its own looks, as if every NOTIFY were lost.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from bench.database import NoonClock, settings
from notifications.carriers.base import SendResult
from notifications.message import Channel, OutboundMessage
from service import listener
from service.app import create_runtime
from service.logs import configure_logs
from service.worker import Worker


class TellingCarrier:
    """Notes when a page reaches it."""

    def send(self, message: OutboundMessage) -> SendResult:
        if message.sender_lane == "pages":
            os.write(1, f"{message.key} {time.monotonic()}\n".encode())
        time.sleep(0.1)
        return SendResult(f"SM{message.key:0>32}")


def main() -> None:
    """Work until the process is ended."""
    configure_logs(as_json=True, level="ERROR")
    url, deaf = sys.argv[1], "deaf" in sys.argv[2:]
    if deaf:
        listener.Listener.start = lambda self: None  # type: ignore[method-assign]
    config = settings(url, poll_seconds=0)
    runtime = create_runtime(config, clock=NoonClock(), carriers={Channel.SMS: TellingCarrier()})
    worker, told = Worker(runtime), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    worker.start()
    told.wait()
    worker.stop()


if __name__ == "__main__":
    main()
