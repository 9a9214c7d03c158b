"""Twilio's webhook signature."""

from __future__ import annotations

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
    address = urldefrag(url).url  # connection overrides (#rc=5) are not part of what is signed
    return any(RequestValidator(token).validate(address, params, signature) for token in tokens if token)


def sign(token: str, url: str, params: Mapping[str, Any]) -> str:
    """The signature Twilio would send with this post."""
    return str(RequestValidator(token).compute_signature(urldefrag(url).url, params))
