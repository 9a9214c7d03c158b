"""The twilio client's way to the network: our base address, our time-outs, one pooled session."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http import HttpClient
from twilio.http.response import Response

from notifications.carriers.base import last_look

OFFICIAL = "https://api.twilio.com"

_silent = logging.getLogger("notifications.twilio")


def rebase(url: str, api_base: str) -> str:
    """`url` with the scheme, host and path prefix of `api_base`; unchanged for Twilio's own."""
    if api_base.rstrip("/") == OFFICIAL:
        return url
    base, old = urlsplit(api_base), urlsplit(url)
    return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + old.path, old.query, ""))


class RebasedHttpClient(HttpClient):  # type: ignore[misc]
    """Sends each request of the twilio client to `api_base`.

    `connect` and `read` are seconds; the client's own default is no time-out at all. Logs nothing: addresses
    and
    texts are health data. Retries nothing: a create call is not idempotent.
    """

    def __init__(
        self,
        api_base: str = OFFICIAL,
        *,
        connect: float = 3.0,
        read: float = 8.0,
        pool: int = 64,
        session: requests.Session | None = None,
    ) -> None:
        super().__init__(_silent, False, read)
        self._base = api_base
        self._timeouts = (connect, read)
        self._session = session or requests.Session()
        if session is None:
            adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool, max_retries=0)
            self._session.mount("https://", adapter)
            self._session.mount("http://", adapter)
            # the environment's proxies and certificates are read once, not for every message
            found = self._session.merge_environment_settings(api_base, {}, False, None, None)
            self._session.proxies, self._session.verify = found["proxies"], found["verify"]
            self._session.trust_env = False

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
        """One HTTP exchange. Raises what `requests` raises, and TooLate."""
        if method.upper() == "POST":
            last_look()
        answer = self._session.request(
            method.upper(),
            rebase(uri, self._base),
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=self._timeouts,
            allow_redirects=allow_redirects,
        )
        return Response(answer.status_code, answer.text, answer.headers)
