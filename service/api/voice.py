"""Telephone calls: what a call of ours says, the keys that are pressed, and people who call our number."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.carriers.twilio import channel_of, with_overrides
from notifications.message import Channel
from notifications.render import Renderer
from notifications.voice import gather_twiml, say_twiml
from service.api.webhooks import blueprint, form, signed, twiml
from service.errors import NotFound
from service.models import Alert, Message, Site, Staff
from service.runtime import current
from service.use_cases import alerts, patients, staff_messages, tasks
from service.use_cases.compose import written

TAKE, PASS_ON = "4", "5"
REJECT = '<?xml version="1.0" encoding="UTF-8"?><Response><Reject/></Response>'


@blueprint.post("/voice/<int:message_id>")
@signed
def speak(message_id: int) -> Response:
    """What our call says. A page of a case listens for a key."""
    runtime = current()
    with runtime.db.reading() as session:
        message = _call(session, message_id)
        text = written(runtime.renderer, message, public_url=runtime.config.public_url).text
        if message.kind != "page" or message.alert_id is None or message.staff_id is None:
            return twiml(say_twiml(text, message.language, again=2))
        return twiml(gather_twiml(text, _keys_url(message), message.language))


def _call(session: Session, message_id: int) -> Message:
    message = session.get(Message, message_id) if message_id < 2**63 else None
    if message is None or message.channel != Channel.VOICE:
        raise NotFound("there is no such call")
    return message


def _keys_url(message: Message) -> str:
    base = current().config.public_url.rstrip("/")
    return with_overrides(f"{base}/webhooks/twilio/voice/{message.id}/digits")


@blueprint.post("/voice/<int:message_id>/digits")
@signed
def digits(message_id: int) -> Response:
    """4 takes the case, 5 passes it on, anything else hears it again."""
    runtime, pressed = current(), form().get("Digits", "").strip()
    now = runtime.clock.now()
    with runtime.db.unit_of_work() as session:
        message = _call(session, message_id)
        alert = session.get(Alert, message.alert_id or 0)
        person = session.get(Staff, message.staff_id or 0)
        if alert is None or person is None:
            raise NotFound("this call is about no case")
        if pressed not in (TAKE, PASS_ON):
            text = written(runtime.renderer, message, public_url=runtime.config.public_url).text
            return twiml(gather_twiml(text, _keys_url(message), message.language))
        said = _act(session, runtime.renderer, alert, person, pressed, message.language, now)
    return twiml(say_twiml(said, message.language))


def _act(
    session: Session, renderer: Renderer, alert: Alert, person: Staff, pressed: str, language: str, now: datetime
) -> str:
    def say(template: str, **fields: str) -> str:
        # spoken with its accents, as a text that is not cut to an SMS
        return renderer.render(template, fields, language=language, channel=Channel.WHATSAPP).text

    if pressed == PASS_ON:
        paged = alerts.pass_on(session, alert, staff=person, via="voice", now=now)
        if paged:
            return say("passed_on", case=alert.case, who=staff_messages.shown(paged[0]))
    ack = alerts.acknowledge(session, alert, staff=person, via="voice", now=now) if pressed == TAKE else None
    owner = ack.by if ack else session.get(Staff, alert.acknowledged_by_id or 0)
    taken_at = ack.at if ack else alert.acknowledged_at
    if owner is None or taken_at is None:
        return say("already_closed" if alert.status == "closed" else "ack_unknown", **(
            {"case": alert.case} if alert.status == "closed" else {}
        ))
    fields = {
        "case": alert.case, "who": staff_messages.shown(owner),
        "time": staff_messages.clock(taken_at, alert.patient.site.timezone),
    }  # fmt: skip
    if ack and ack.first:
        return say("acknowledged", patient=alert.patient.code, **fields)
    return say("already_taken", **fields)


@blueprint.post("/voice")
@signed
def called() -> Response:
    """Somebody calls our number: they hear whom to call, and a patient's call becomes a task."""
    runtime, posted = current(), form()
    now = runtime.clock.now()
    caller = channel_of(posted.get("From", ""))[1]
    with runtime.db.unit_of_work() as session:
        found = patients.by_phone(session, caller) if caller else []
        for patient in found:
            tasks.open_task(
                session, kind="called", level="amber", patient=patient, now=now,
                dedupe=f"called:{posted.get('CallSid', '')[:64]}:{patient.id}",
                detail={"at": now.astimezone(ZoneInfo(patient.timezone)).strftime("%H:%M")},
            )  # fmt: skip
        sites = [found[0].site] if found else list(session.scalars(select(Site).limit(2)))
        if len(sites) != 1:
            return twiml(REJECT)
        language = found[0].language if found else "pt-BR"
        text = runtime.renderer.render(
            "help_minimal", {"tel": sites[0].telephone, "emergency": sites[0].emergency_number}, language=language,
            channel=Channel.WHATSAPP,
        ).text  # fmt: skip
    return twiml(say_twiml(text, language, again=2))
