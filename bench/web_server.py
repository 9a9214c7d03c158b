"""The application under waitress, as `vigilia up` serves it: `python -m bench.web_server DATABASE_URL`.

Prints its port. `/hello` is a Flask view on the same server that does nothing. `unread` as a second word: texts are
stored and answered, and reading them is left to the worker's tick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import waitress
from flask import Flask

from bench.database import NoonClock, settings
from service.api import webhooks
from service.app import create_app, create_runtime
from service.logs import configure_logs


def main() -> None:
    """Serve until the process is ended."""
    configure_logs(as_json=True, level="ERROR")
    config = settings(sys.argv[1])
    if "unread" in sys.argv[2:]:
        setattr(webhooks, "read", lambda runtime, inbound_id: False)
    app = create_app(config, runtime=create_runtime(config, clock=NoonClock(), carriers={}))
    bare = Flask("bare")
    bare.add_url_rule("/hello", "hello", lambda: "hello", methods=["GET", "POST"])

    def whole(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        answer: Iterable[bytes] = (bare if environ["PATH_INFO"] == "/hello" else app)(environ, start)
        return answer

    server: Any = waitress.create_server(whole, host="127.0.0.1", port=0, threads=16)
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    main()
