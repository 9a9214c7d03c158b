"""The carrier's posts: texts and receipts. Each is signed, stored as it came, committed, and only then read."""

from __future__ import annotations

import hashlib

from flask import Response, request

import service.api.voice  # noqa: F401  (calls are posts of the same blueprint)
from notifications.carriers.twilio import channel_of
from notifications.voice import message_twiml
from service import telemetry
from service.api.signed import Form, blueprint, form, signed, twiml
from service.killpoints import reach
from service.receive import read
from service.runtime import Runtime, current
from service.use_cases import inbox, receipts

blp = blueprint
LONGEST = 64  # characters of an id, a word or a code that we keep as such
MOST_MEDIA = 10


@blueprint.post("/sms")
@signed
def sms() -> Response:
    """A text. 2xx only once it is stored."""
    return twiml(keep_text(current(), form()))


def keep_text(runtime: Runtime, posted: Form, _attempt: str = "") -> str:
    """Store a text under the carrier's id, commit, read it; the document to answer with."""
    inbound_id = _store(runtime, posted)
    reach("inbound_stored")
    telemetry.WEBHOOKS.labels("sms", "stored" if inbound_id else "seen before").inc()
    if inbound_id is not None:
        read(runtime, inbound_id)
    return message_twiml()


def _store(runtime: Runtime, posted: Form) -> int | None:
    channel, sender = channel_of(posted.get("From", ""))
    media = [
        {"url": posted.get(f"MediaUrl{place}", ""), "type": posted.get(f"MediaContentType{place}", "")}
        for place in range(_count(posted.get("NumMedia", "")))
    ]
    with runtime.db.noting() as within:
        return inbox.store(
            within, provider_id=_id(posted, "MessageSid", "SmsSid"), channel=channel.value, from_address=sender,
            to_address=channel_of(posted.get("To", ""))[1], body=posted.get("Body", ""), media=media,
            form=dict(posted), received_at=runtime.clock.now(), found_by="webhook",
        )  # fmt: skip


def _count(text: str) -> int:
    return min(int(text), MOST_MEDIA) if text.isascii() and text.isdigit() and len(text) <= 4 else 0


def _id(posted: Form, *names: str) -> str:
    """The carrier's id; a digest of the form where it has none, so that nothing signed is thrown away."""
    for name in names:
        if posted.get(name):
            return posted[name][:LONGEST]
    return "form:" + hashlib.sha256(repr(sorted(posted.items())).encode()).hexdigest()


@blueprint.post("/status")
@signed
def status() -> Response:
    """A receipt of a text or a call."""
    keep_receipt(current(), form(), request.args.get("attempt", ""))
    return Response(status=204)


def keep_receipt(runtime: Runtime, posted: Form, attempt: str) -> str:
    """Keep a receipt and apply it; nothing to answer. `attempt` is ours, out of the callback's address: it finds the
    attempt even before the carrier's id is stored."""
    known = int(attempt) if attempt.isascii() and attempt.isdigit() and len(attempt) < 19 else None
    word = posted.get("MessageStatus") or posted.get("CallStatus") or posted.get("SmsStatus") or "unknown"
    word, code = word[:LONGEST], posted.get("ErrorCode", "")[:LONGEST]
    begin = runtime.db.noting if receipts.is_good(word, code) else runtime.db.unit_of_work
    with begin() as session:
        applied = receipts.apply_receipt(
            session, attempt_id=known, provider_id=_id(posted, "MessageSid", "CallSid", "SmsSid"), word=word,
            code=code, form=posted, now=runtime.clock.now(),
        )  # fmt: skip
    telemetry.WEBHOOKS.labels("status", "applied" if applied else "kept").inc()
    return ""
