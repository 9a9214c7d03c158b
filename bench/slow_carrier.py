"""A process that answers as Twilio's create call does, after a wait: `python -m bench.slow_carrier SECONDS`.

It prints its port. One thread, so that thousands of waiting calls cost it nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys

SERIAL = itertools.count(1)
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def answer() -> bytes:
    """A message as the create call gives it back."""
    sid = f"SM{next(SERIAL):032x}"
    body = json.dumps({"sid": sid, "status": "queued", "error_code": None, "error_message": None}).encode()
    head = f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(wait: float) -> None:
    """Until the process is ended."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                found = LENGTH.search(head)
                if found:
                    await reader.readexactly(int(found[1]))
                await asyncio.sleep(wait)
                writer.write(answer())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=512)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
