"""The twilio client into the simulator without a socket: what makes six months run in seconds."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.exceptions import NewConnectionError, ReadTimeoutError
from werkzeug.test import Client

from service.demo.sim_api import FAULT_HEADER, ConnectionRefused


class InProcessTwilioHttpClient(HttpClient):  # type: ignore[misc]
    """Calls a WSGI application instead of the network. A lost answer and a refused connection look as
    `urllib3` shows them."""

    def __init__(self, app: Any) -> None:
        super().__init__(logging.getLogger("service.demo.twilio"), False, None)
        self._app = app
        self._client = Client(app)

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
        query = "&".join(part for part in (parts.query, urlencode(params or {}, doseq=True)) if part)
        kept = {name: value for name, value in (headers or {}).items() if name.lower() != "content-type"}
        try:
            answer = self._client.open(
                parts.path,
                method=method.upper(),
                query_string=query,
                data=data,
                headers=kept,
                auth=auth,
            )
        except ConnectionRefused:
            raise NewConnectionError(None, "nobody listens") from None  # type: ignore[arg-type]
        if answer.headers.get(FAULT_HEADER) == "lose_answer":
            raise ReadTimeoutError(None, uri, "the simulator lost its answer") from None  # type: ignore[arg-type]
        return Response(answer.status_code, answer.get_data(as_text=True), answer.headers)
