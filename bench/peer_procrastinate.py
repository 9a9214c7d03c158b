"""Procrastinate's application and worker: `python -m bench.peer_procrastinate CONNINFO`."""

from __future__ import annotations

import asyncio
import sys

import procrastinate


def make(conninfo: str) -> procrastinate.App:
    """One task, which notes each reminder as sent in the database that it came from."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo, min_size=4, max_size=10))

    @app.task(name="remind")
    async def remind(number: int) -> None:
        await app.connector.execute_query_async("INSERT INTO sent VALUES (%(number)s, now())", number=number)

    return app


def defer(conninfo: str, count: int) -> None:
    """Make the schema, and put `count` reminders into the queue."""

    async def put() -> None:
        app = make(conninfo)
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            await app.configure_task("remind").batch_defer_async(*({"number": number} for number in range(count)))

    asyncio.run(put())


def main() -> None:
    """Work, 8 at a time, until the process is ended."""

    async def work() -> None:
        app = make(sys.argv[1])
        async with app.open_async():
            await app.run_worker_async(concurrency=8)

    asyncio.run(work())


if __name__ == "__main__":
    main()
