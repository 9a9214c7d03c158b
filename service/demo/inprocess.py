"""HTTP without a socket: the twilio client into the simulator, the simulator into us. So six months run in minutes."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from sys import stderr
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from service.demo.sim_api import FAULT_HEADER, ConnectionRefused

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What a WSGI application answered."""

    status: int
    headers: Mapping[str, str]
    text: str


def call(
    app: Any, method: str, url: str, *, body: bytes = b"", kind: str = FORM, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request to a WSGI application, as PEP 3333 writes it. What the application raises is raised here."""
    parts = urlsplit(url)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path or "/").decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "localhost",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": parts.netloc or "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme or "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body:
        environ |= {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body))}
    for name, value in (headers or {}).items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    said: list[Any] = []

    def start_response(status: str, fields: list[tuple[str, str]], _error: Any = None) -> None:
        said[:] = [status, fields]

    chunks: Iterable[bytes] = app(environ, start_response)
    try:
        text = b"".join(chunks).decode()
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return Answer(int(said[0][:3]), dict(said[1]), text)


class InProcessTwilioHttpClient(HttpClient):  # type: ignore[misc]
    """Calls a WSGI application instead of the network. A lost answer and a refused connection look as
    `urllib3` shows them."""

    def __init__(self, app: Any) -> None:
        super().__init__(logging.getLogger("service.demo.twilio"), False, None)
        self._app = app

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One exchange. Raises what `urllib3` raises."""
        if params:
            uri += ("&" if "?" in uri else "?") + urlencode(params, doseq=True)
        kept = {name: value for name, value in (headers or {}).items() if name.lower() != "content-type"}
        if auth:
            kept["Authorization"] = "Basic " + b64encode(":".join(auth).encode()).decode()
        try:
            answer = call(
                self._app, method.upper(), uri, body=urlencode(data, doseq=True).encode() if data else b"", headers=kept
            )
        except ConnectionRefused:
            raise NewConnectionError(None, "nobody listens") from None  # type: ignore[arg-type]
        if answer.headers.get(FAULT_HEADER) == "lose_answer":
            raise ReadTimeoutError(None, uri, "the simulator lost its answer") from None  # type: ignore[arg-type]
        return Response(answer.status, answer.text, answer.headers)
