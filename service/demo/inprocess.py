"""HTTP without a socket: the twilio client into the simulator, the simulator into us. So six months run in minutes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from sys import stderr
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_to_bytes, urlsplit

from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from service.demo.sim_api import Asked, ConnectionRefused, SimulatorApi

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """What a WSGI application answered."""

    status: int
    headers: Mapping[str, str]
    text: str


@lru_cache(maxsize=64)
def _host(scheme: str, netloc: str) -> dict[str, Any]:
    """What every request to one host has in its environment."""
    parts = urlsplit(f"{scheme}://{netloc}")
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": parts.hostname or "localhost",
        "SERVER_PORT": str(parts.port or (443 if scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": netloc or "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme or "http",
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _parts(url: str) -> tuple[dict[str, Any], str, str]:
    parts = urlsplit(url)
    path = unquote_to_bytes(parts.path or "/").decode("latin-1")
    return _host(parts.scheme, parts.netloc), path, parts.query


def call(
    app: Any, method: str, url: str, *, body: bytes = b"", kind: str = FORM, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request to a WSGI application, as PEP 3333 writes it. What the application raises is raised here."""
    base, path, query = _parts(url)
    environ: dict[str, Any] = base | {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": BytesIO(body),
        "wsgi.errors": stderr,
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
    """Asks the simulator instead of the network. A lost answer and a refused connection look as `urllib3` shows
    them."""

    def __init__(self, api: SimulatorApi) -> None:
        super().__init__(logging.getLogger("service.demo.twilio"), False, None)
        self._api = api

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
        parts = urlsplit(uri)
        query = dict(parse_qsl(parts.query)) | _form(params)
        asked = Asked(method.upper(), unquote(parts.path), query, _form(data), auth or (None, None))
        try:
            told = self._api.ask(asked)
        except ConnectionRefused:
            raise NewConnectionError(None, "nobody listens") from None  # type: ignore[arg-type]
        if told.fault == "lose_answer":
            raise ReadTimeoutError(None, uri, "the simulator lost its answer") from None  # type: ignore[arg-type]
        return Response(told.status, json.dumps(told.body), {})


def _form(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Values as a form carries them; of a list the first, which is all that the simulator reads."""
    first = ((name, one[0] if isinstance(one, list) else one) for name, one in (values or {}).items())
    return {name: str(one) for name, one in first if one is not None}
