"""Posts over kept connections from threads of a process of its own: `python -m bench.http_load < PLAN` (JSON).

The plan: port, threads, posts (method, path, headers, body), each sent once.
Prints JSON: seconds, milliseconds of each, statuses.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from typing import Any


def worker(port: int, posts: list[dict[str, Any]], taken: list[float], statuses: dict[int, int]) -> None:
    """Send the posts one after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for post in posts:
        began = time.perf_counter()
        connection.request(post["method"], post["path"], post["body"], post["headers"])
        answer = connection.getresponse()
        answer.read()
        taken.append((time.perf_counter() - began) * 1000)
        statuses[answer.status] = statuses.get(answer.status, 0) + 1


def main() -> None:
    """Read the plan, send, tell."""
    plan = json.load(sys.stdin)
    taken: list[float] = []
    statuses: dict[int, int] = {}
    count = plan["threads"]
    threads = [
        threading.Thread(target=worker, args=(plan["port"], plan["posts"][place::count], taken, statuses))
        for place in range(count)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    json.dump({"seconds": seconds, "milliseconds": taken, "statuses": statuses}, sys.stdout)


if __name__ == "__main__":
    main()
