"""What the carrier's posts have in common: their blueprint, the signature, the form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from flask import Blueprint, Response, request

from notifications.carriers.signature import signature_is_valid
from service import telemetry
from service.access import public
from service.errors import Forbidden
from service.runtime import current

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks/twilio")
Form = Mapping[str, str]
TWIML = "text/xml; charset=utf-8"


def signed(view: Callable[..., Response]) -> Callable[..., Response]:
    """Only what the carrier signed, for our public address as it is configured (a proxy may show us another one)."""

    @wraps(view)
    def checked(**arguments: Any) -> Response:
        config = current().config
        query = request.query_string.decode("ascii", "replace")
        url = config.public_url.rstrip("/") + request.path + (f"?{query}" if query else "")
        given = request.headers.get("X-Twilio-Signature")
        if not signature_is_valid(config.twilio_tokens, url, request.form, given):
            telemetry.WEBHOOKS.labels(request.path.split("/")[3], "forged").inc()
            raise Forbidden("this post is not signed by the carrier")
        return view(**arguments)

    return public("the carrier's signature")(checked)


def form() -> dict[str, str]:
    """The posted form, one value a field, with what no database takes replaced."""
    return {clean(name): clean(value) for name, value in request.form.items()}


def clean(text: str) -> str:
    """`text` without NUL and lone surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def twiml(body: str) -> Response:
    """A document that tells the carrier what to do next."""
    return Response(body, content_type=TWIML)
