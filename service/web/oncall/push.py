"""Pages in a browser: the subscription of the person who is logged in becomes one of their contacts."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import request
from flask_babel import gettext as _
from py_vapid import Vapid02
from werkzeug.wrappers import Response

from service.access import actor
from service.errors import Forbidden, Problem
from service.models import Staff
from service.runtime import current
from service.use_cases import contacts
from service.web.base import go, say
from service.web.oncall.blueprint import oncall, readers

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
    except (ValueError, TypeError, KeyError) as error:
        raise Problem("not a browser's subscription", field="subscription") from error
    if urlsplit(endpoint).scheme != "https":
        raise Problem("not a browser's subscription", field="subscription")
    return json.dumps({"endpoint": endpoint, "keys": keys}, sort_keys=True)


@oncall.post("/staff/push")
@readers
def subscribe() -> Response:
    """This browser pages whoever is logged in. It is verified by being here."""
    runtime = current()
    staff_id = actor().staff_id
    if staff_id is None:
        raise Forbidden("only a named person can be paged")
    address = check_subscription(request.form.get("subscription", ""))
    with runtime.db.unit_of_work() as session:
        contacts.add(
            session,
            session.get_one(Staff, staff_id),
            channel="webpush",
            address=address,
            verified=True,
            actor=actor().name,
            now=runtime.clock.now(),
        )
    say(_("This browser pages you from now on."))
    return go("oncall.staff", anchor=f"staff-{staff_id}")
