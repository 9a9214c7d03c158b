"""Twilio's webhook signature: HMAC-SHA1 over the address and the sorted form. The twilio library's own check, which
takes an address with and without its port, is asked where the plain one fails."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urldefrag

from twilio.request_validator import RequestValidator


def signature_is_valid(
    tokens: Iterable[str], url: str, params: Mapping[str, Any], signature: str | None
) -> bool:
    """Whether Twilio signed this post with one of `tokens` (two while rotating).

    `url` is the configured public base URL + path + raw query; `params` the posted form (a MultiDict or a
    dict).
    A missing or empty signature is False, never an error.
    """
    if not signature:
        return False
    address = _signed_address(url)
    said, given = address + _form(params), signature.encode()
    tokens = [token for token in tokens if token]
    if any(hmac.compare_digest(_digest(token, said), given) for token in tokens):
        return True
    return any(RequestValidator(token).validate(address, params, signature) for token in tokens)


def sign(token: str, url: str, params: Mapping[str, Any]) -> str:
    """The signature Twilio would send with this post."""
    return _digest(token, _signed_address(url) + _form(params)).decode()


def _signed_address(url: str) -> str:
    """Connection overrides (#rc=5) are not part of what is signed."""
    return urldefrag(url).url if "#" in url else url


def _form(params: Mapping[str, Any]) -> str:
    many = getattr(params, "getlist", None)
    if many is None:
        return "".join(f"{name}{params[name]}" for name in sorted(params))
    return "".join(f"{name}{value}" for name in sorted(set(params)) for value in sorted(set(many(name))))


def _digest(token: str, said: str) -> bytes:
    return b64encode(hmac.digest(token.encode(), said.encode(), "sha1"))
