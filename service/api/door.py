"""The carrier's texts and receipts before the web framework, which costs twice what keeping a receipt does.

Only a plain post is answered here: a form of ordinary size, no field twice, rightly signed, kept without a fault.
Everything else goes on to the application, as if nobody had looked at it, and has its answer there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from notifications.carriers.signature import signature_is_valid
from service.api import webhooks
from service.api.signed import TWIML, Form, clean
from service.logs import get_logger
from service.runtime import Runtime

log = get_logger("door")
FORM = "application/x-www-form-urlencoded"
LARGEST = 64 * 1024  # bytes
SOON = 3.0  # seconds after which what failed is not tried once more: the carrier waits for 15, a locked row takes 10
LATE = "LATE"
HEADERS = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
# path -> what keeps such a post
KEEPERS: dict[str, Callable[[Runtime, Form, str], str]] = {
    "/webhooks/twilio/sms": webhooks.keep_text,
    "/webhooks/twilio/status": webhooks.keep_receipt,
}


class Door:
    """A WSGI application in front of the other."""

    def __init__(self, application: Any, runtime: Runtime) -> None:
        self._application, self._runtime = application, runtime

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        said = self._keep(environ) if environ["PATH_INFO"] in KEEPERS else None
        if said is None:
            answer: Iterable[bytes] = self._application(environ, start_response)
            return answer
        if said is LATE:
            start_response("503 Service Unavailable", [("Content-Length", "0"), *HEADERS])
            return []
        if not said:
            start_response("204 No Content", HEADERS)
            return []
        body = said.encode()
        start_response("200 OK", [("Content-Type", TWIML), ("Content-Length", str(len(body))), *HEADERS])
        return [body]

    def _keep(self, environ: dict[str, Any]) -> str | None:
        """What is answered; None: this is for the application."""
        form = _plain_form(environ)
        if form is None:
            return None
        config, path, query = self._runtime.config, environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        url = config.public_url.rstrip("/") + path + (f"?{query}" if query else "")
        if not signature_is_valid(config.twilio_tokens, url, form, environ.get("HTTP_X_TWILIO_SIGNATURE")):
            return None
        attempt = next((value for name, value in parse_qsl(query) if name == "attempt"), "")
        clock = self._runtime.clock
        began = clock.monotonic()
        try:
            return KEEPERS[path](self._runtime, {clean(name): clean(value) for name, value in form.items()}, attempt)
        except Exception as error:  # the application tries it once more, and answers; else the carrier does
            log.warning("not_kept", path=path, error=type(error).__name__)
            return None if clock.monotonic() - began < SOON else LATE


def _plain_form(environ: dict[str, Any]) -> dict[str, str] | None:
    """The posted form, if it is one like all others."""
    size, kind = environ.get("CONTENT_LENGTH") or "", environ.get("CONTENT_TYPE") or ""
    plain = environ["REQUEST_METHOD"] == "POST" and kind.partition(";")[0].strip().lower() == FORM
    if not plain or not (size.isascii() and size.isdigit() and len(size) < 9) or int(size) > LARGEST:
        return None
    body = environ["wsgi.input"].read(int(size))
    environ["wsgi.input"] = BytesIO(body)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        return None
    form = dict(pairs)
    return form if len(form) == len(pairs) and len(body) == int(size) else None
