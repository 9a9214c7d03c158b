"""The twilio client's way to the network: our base address, our time-outs, one pool of kept connections."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import certifi
from requests.utils import get_environ_proxies, select_proxy
from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3 import PoolManager, ProxyManager, Timeout, make_headers

from notifications.carriers.base import last_look

OFFICIAL = "https://api.twilio.com"

_silent = logging.getLogger("notifications.twilio")


def rebase(url: str, api_base: str) -> str:
    """`url` with the scheme, host and path prefix of `api_base`; unchanged for Twilio's own."""
    if api_base.rstrip("/") == OFFICIAL:
        return url
    base, old = urlsplit(api_base), urlsplit(url)
    return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + old.path, old.query, ""))


def pool_manager(api_base: str, size: int) -> PoolManager:
    """Kept connections to `api_base`, through the proxy and with the certificates that the environment names."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or certifi.where()
    given: dict[str, Any] = {"maxsize": size, "num_pools": 4, "retries": False, "cert_reqs": "CERT_REQUIRED"}
    given["ca_cert_dir" if os.path.isdir(bundle) else "ca_certs"] = bundle
    proxy = select_proxy(api_base, get_environ_proxies(api_base))
    if proxy is None:
        return PoolManager(**given)
    user, _, password = (urlsplit(proxy).netloc.rpartition("@")[0]).partition(":")
    named = make_headers(proxy_basic_auth=f"{user}:{password}") if user else None
    return ProxyManager(proxy, proxy_headers=named, **given)


class RebasedHttpClient(HttpClient):  # type: ignore[misc]
    """Sends each request of the twilio client to `api_base`.

    `connect` and `read` are seconds; the client's own default is no time-out at all. Logs nothing: addresses and
    texts are health data. Retries nothing: a create call is not idempotent. urllib3 itself, since `requests` over it
    costs as much of a processor again, and 64 threads share one.
    """

    def __init__(
        self,
        api_base: str = OFFICIAL,
        *,
        connect: float = 3.0,
        read: float = 8.0,
        pool: int = 64,
        pools: PoolManager | None = None,
    ) -> None:
        super().__init__(_silent, False, read)
        self._base = api_base
        self._timeout = Timeout(connect=connect, read=read)
        self._pools = pools or pool_manager(api_base, pool)

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
        """One HTTP exchange. Raises what `urllib3` raises, and TooLate."""
        sent = dict(headers or {})
        if auth is not None:
            sent |= make_headers(basic_auth=f"{auth[0]}:{auth[1]}")
        url = rebase(uri, self._base)
        if asked := _form(params):
            url += f"{'&' if '?' in url else '?'}{asked}"
        if method.upper() == "POST":
            last_look()
        answer = self._pools.urlopen(
            method.upper(), url, body=_form(data) or None, headers=sent, timeout=self._timeout, redirect=False
        )
        return Response(answer.status, answer.data.decode(errors="replace"), answer.headers)


def _form(values: Mapping[str, Any] | None) -> str:
    """Values as a form; those that are None are left out."""
    return urlencode({key: value for key, value in (values or {}).items() if value is not None}, doseq=True)
