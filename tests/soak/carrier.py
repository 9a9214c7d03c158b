"""A carrier for loads: `python -m tests.soak.carrier SECONDS FILE` answers as Twilio's API does after so many seconds,
and writes what it took into FILE, a line each: time (Unix seconds), telephone, and what names the message.

One thread, so that hundreds of waiting calls cost it little. It prints its port, and lists what it took. It posts no
receipts.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from email.utils import formatdate
from typing import Any, TextIO
from urllib.parse import parse_qsl, urlsplit

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
NAMED = re.compile(r"/w/(\d{6})|\b([A-Z]-\d{5})\b")


class Carrier:
    def __init__(self, wait: float, file: TextIO) -> None:
        self.wait, self.file = wait, file
        self.taken: dict[str, list[dict[str, Any]]] = {}
        self.serial = 0

    async def answer(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        asked = urlsplit(target)
        if method == "GET":
            found = self.taken.get(dict(parse_qsl(asked.query)).get("To", ""), [])[::-1][:50]
            return 200, {"messages": found, "calls": [], "next_page_uri": None, "page": 0, "page_size": 50}
        form = dict(parse_qsl(body.decode()))
        named = NAMED.search(form.get("Body", ""))
        self.file.write(f"{time.time()} {form['To']} {named[1] or named[2] if named else '-'}\n")
        self.file.flush()
        self.serial += 1
        kind = "SM" if asked.path.endswith("Messages.json") else "CA"
        one = {
            "sid": f"{kind}{self.serial:032x}", "status": "queued", "error_code": None, "error_message": None,
            "to": form["To"], "from": form["From"], "body": form.get("Body", ""), "direction": "outbound-api",
            "date_created": formatdate(), "date_sent": formatdate(),
        }  # fmt: skip
        if kind == "SM":
            self.taken.setdefault(form["To"], []).append(one)
        await asyncio.sleep(self.wait)
        return 201, one

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                length = LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                status, answer = await self.answer(method, target, body)
                told = json.dumps(answer).encode()
                first = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(told)}\r\n\r\n"
                writer.write(first.encode() + told)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def serve(wait: float, path: str) -> None:
    """Until the process is ended."""
    with open(path, "a", encoding="utf-8") as file:
        listening = await asyncio.start_server(Carrier(wait, file).talk, "127.0.0.1", 0, backlog=512)
        print(listening.sockets[0].getsockname()[1], flush=True)
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2]))
