"""Bears worker and web processes quickly: everything is imported once, each child is a fork.

Reads one JSON object a line: {"kind": "worker" | "web", "config": {...}, "offset": seconds, "kill_at": "", "port": 0}.
Answers the child's process id. Ends with its input.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from datetime import datetime, timedelta
from typing import Any


def main() -> None:
    """Serve until standard input closes."""
    import service.api.webhooks  # noqa: F401
    import service.app  # noqa: F401
    import service.killpoints
    import service.worker  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave at once, so that their absence shows
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            sys.stdin.close()
            os.environ["VIGILIA_KILL_AT"] = order.get("kill_at", "")
            importlib.reload(service.killpoints)  # `reach` reads the module's globals, which are new now
            status = 1
            try:
                status = live(order)
            finally:
                os._exit(status)
        print(child, flush=True)


def live(order: dict[str, Any]) -> int:
    """A child's life."""
    from service.app import create_app, create_runtime
    from service.clock import MovableClock
    from service.config import Config
    from service.logs import configure_logs
    from service.use_cases import outbox_unknown
    from service.worker import Worker

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    configure_logs(as_json=True)
    outbox_unknown.GIVE_UP_AFTER = {True: timedelta(seconds=1), False: timedelta(seconds=2)}
    outbox_unknown.LOOK_AGAIN = timedelta(seconds=0.5)

    class JumpingClock(MovableClock):
        """Its machine clock jumps an hour on SIGUSR1 and back on SIGUSR2, as a wrong time server makes it."""

        ahead = timedelta()

        def machine(self) -> datetime:
            return super().machine() + self.ahead

        def jump(self, signum: int, _: Any) -> None:
            self.ahead += timedelta(hours=1 if signum == signal.SIGUSR1 else -1)

    clock = JumpingClock(timedelta(seconds=order["offset"]))
    signal.signal(signal.SIGUSR1, clock.jump)
    signal.signal(signal.SIGUSR2, clock.jump)
    runtime = create_runtime(Config(**order["config"]), clock=clock)
    if order["kind"] == "worker":
        return Worker(runtime).run_until_told()
    from werkzeug.serving import make_server

    make_server("127.0.0.1", order["port"], create_app(runtime.config, runtime=runtime), threaded=True).serve_forever()
    return 0


if __name__ == "__main__":
    main()
