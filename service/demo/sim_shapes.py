"""The simulated carrier's answers: texts and calls in the shape of Twilio's own."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING

from service.demo.sim_state import Call, Json, Text

if TYPE_CHECKING:
    from service.demo.simulator import Simulator

VERSION = "2010-04-01"


def _rfc2822(at: datetime) -> str:
    return format_datetime(at)


def message_json(simulator: Simulator, text: Text, status: str = "") -> Json:
    """A text, as Twilio's Messages resource shows it."""
    at = _rfc2822(text.at)
    return {
        "account_sid": simulator.account_sid,
        "api_version": VERSION,
        "body": text.body,
        "date_created": at,
        "date_sent": None if text.status == "queued" else at,
        "date_updated": at,
        "direction": text.direction,
        "error_code": text.code,
        "error_message": None,
        "from": text.address(text.from_),
        "messaging_service_sid": None,
        "num_media": str(len(text.media)),
        "num_segments": str(1 + max(0, len(text.body) - 1) // 160),
        "price": None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": status or text.status,
        "subresource_uris": {
            "media": f"/{VERSION}/Accounts/{simulator.account_sid}/Messages/{text.sid}/Media.json"
        },
        "to": text.address(text.to),
        "uri": f"/{VERSION}/Accounts/{simulator.account_sid}/Messages/{text.sid}.json",
    }


def call_json(simulator: Simulator, call: Call, status: str = "") -> Json:
    """A call, as Twilio's Calls resource shows it."""
    root = f"/{VERSION}/Accounts/{simulator.account_sid}/Calls/{call.sid}"
    return {
        "account_sid": simulator.account_sid,
        "answered_by": None,
        "api_version": VERSION,
        "caller_name": None,
        "date_created": _rfc2822(call.at),
        "date_updated": _rfc2822(call.at),
        "direction": "outbound-api",
        "duration": None,
        "end_time": None,
        "forwarded_from": None,
        "from": call.from_,
        "from_formatted": call.from_,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": "PN" + "0" * 32,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call.sid,
        "start_time": _rfc2822(call.at),
        "status": status or call.status,
        "subresource_uris": {"recordings": f"{root}/Recordings.json"},
        "to": call.to,
        "to_formatted": call.to,
        "trunk_sid": None,
        "uri": f"{root}.json",
    }
