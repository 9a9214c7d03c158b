"""WhatsApp's 24 hours: free text until then, afterwards only texts that WhatsApp has approved (content templates).

Source: Twilio's documentation of WhatsApp sessions and of the Content API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from notifications.catalog import CATALOG, FIELDS
from notifications.render import LANGUAGES

# a text that waits in a queue for some minutes must still arrive inside
WINDOW = timedelta(hours=24) - timedelta(minutes=5)
_SID = re.compile(r"HX[0-9a-fA-F]{32}")


def is_open(seen_at: datetime | None, *, now: datetime) -> bool:
    """Whether free text may be sent to someone whose last WhatsApp text came at `seen_at` (None: never)."""
    return seen_at is not None and now - seen_at < WINDOW


def parse_approved(text: str) -> dict[str, str]:
    """ "pt_BR/weekly=HX..., en/weekly=HX..." -> {"pt_BR/weekly": "HX..."}; ValueError names what is wrong."""
    approved: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, _, sid = (piece.strip() for piece in part.partition("="))
        folder, _, name = key.partition("/")
        if folder not in LANGUAGES.values() or name not in CATALOG:
            raise ValueError(f"{key!r} is no text; write folder/template, such as pt_BR/weekly")
        if not _SID.fullmatch(sid):
            raise ValueError(f"{key}: {sid!r} is no content id (HX and 32 hexadecimal digits)")
        if key in approved:
            raise ValueError(f"{key} is there twice")
        approved[key] = sid
    return approved


def content(sid: str, template: str, values: Mapping[str, str]) -> dict[str, Any]:
    """What the carrier is handed for an approved text: its id, and `template`'s fields in the catalogue's order as
    the variables {{1}}, {{2}}, ..."""
    filled = [str(values.get(name, FIELDS[name].default or "")) for name in CATALOG[template].fields]
    return {
        "content_sid": sid,
        "content_variables": {str(place): value for place, value in enumerate(filled, start=1)},
    }
