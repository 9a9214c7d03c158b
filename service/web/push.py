"""What a browser needs for Web Push, and what it gives back: our public key, its subscription."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from service.errors import Problem

LONGEST = 2000


@lru_cache(maxsize=4)
def public_key(private_key: str) -> str:
    """What a browser needs to subscribe, base64url; "" without a key."""
    if not private_key:
        return ""
    pem = private_key.startswith("-----")
    vapid = Vapid02.from_pem(private_key.encode()) if pem else Vapid02.from_string(private_key)
    point = vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def check_subscription(text: str) -> str:
    """The browser's subscription as it is kept; Problem for anything else."""
    try:
        given: Any = json.loads(text) if len(text) <= LONGEST else None
        endpoint = str(given["endpoint"])
        keys = {name: str(given["keys"][name]) for name in ("p256dh", "auth")}
        where = urlsplit(endpoint)
        named = where.scheme == "https" and _is_public_name(where.hostname or "")
    except (ValueError, TypeError, KeyError) as error:
        raise Problem("not a browser's subscription", field="subscription") from error
    if not named or not all(keys.values()):
        raise Problem("not a browser's subscription", field="subscription")
    return json.dumps({"endpoint": endpoint, "keys": keys}, sort_keys=True)


def _is_public_name(host: str) -> bool:
    """A push service has a name with a dot; a bare name or an address would be one of our own machines."""
    try:
        ip_address(host)
    except ValueError:
        return "." in host.strip(".")
    return False
