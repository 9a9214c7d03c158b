"""Telephone calls: what a call of ours says, the keys that are pressed, and people who call our number."""

from __future__ import annotations

from datetime import datetime

from flask import Response
from sqlalchemy.orm import Session

from notifications.carriers.twilio import channel_of, with_overrides
from notifications.message import Channel
from notifications.render import Renderer
from notifications.voice import gather_twiml, say_twiml
from service.api.signed import blueprint, form, signed, twiml
from service.errors import NotFound
from service.models import Alert, Message, Staff
from service.runtime import current
from service.use_cases import alerts, calls, selftest, staff_messages
from service.use_cases.compose import written

TAKE, PASS_ON, HEARD = "4", "5", "1"
CONTACT_TEST = "contact_test"
REJECT = '<?xml version="1.0" encoding="UTF-8"?><Response><Reject/></Response>'


@blueprint.post("/voice/<int:message_id>")
@signed
def speak(message_id: int) -> Response:
    """What our call says. A page of a case and a test of the number listen for a key."""
    runtime = current()
    with runtime.db.reading() as session:
        message = _call(session, message_id)
        text = written(runtime.renderer, message, public_url=runtime.config.public_url).text
        listens = message.template == CONTACT_TEST or message.alert_id is not None
        if message.kind != "page" or not listens or message.staff_id is None:
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
    """4 takes the case, 5 passes it on, 1 confirms a test call; anything else hears it again."""
    runtime, pressed = current(), form().get("Digits", "").strip()
    now = runtime.clock.now()
    with runtime.db.unit_of_work() as session:
        message = _call(session, message_id)
        if message.template == CONTACT_TEST:
            return _tested(session, runtime.renderer, message, pressed, now)
        alert = session.get(Alert, message.alert_id or 0)
        person = session.get(Staff, message.staff_id or 0)
        if alert is None or person is None:
            raise NotFound("this call is about no case")
        if pressed not in (TAKE, PASS_ON):
            text = written(runtime.renderer, message, public_url=runtime.config.public_url).text
            return twiml(gather_twiml(text, _keys_url(message), message.language))
        selftest.prove_call(session, message, now=now)
        said = _act(session, runtime.renderer, alert, person, pressed, message.language, now)
    return twiml(say_twiml(said, message.language))


def _tested(session: Session, renderer: Renderer, message: Message, pressed: str, now: datetime) -> Response:
    if pressed != HEARD:
        text = written(renderer, message, public_url=current().config.public_url).text
        return twiml(gather_twiml(text, _keys_url(message), message.language))
    selftest.confirm(session, message, now=now)
    thanks = renderer.render("contact_heard", {}, language=message.language, channel=Channel.VOICE).text
    return twiml(say_twiml(thanks, message.language))


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
        return say("already_closed", case=alert.case) if alert.status == "closed" else say("ack_unknown")
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
    with runtime.db.unit_of_work() as session:
        answer = calls.called(
            session, channel_of(posted.get("From", ""))[1], posted.get("CallSid", "")[:64], now=runtime.clock.now()
        )
    if answer is None:
        return twiml(REJECT)
    text = runtime.renderer.render(
        "help_minimal", answer.fields, language=answer.language, channel=Channel.WHATSAPP
    ).text
    return twiml(say_twiml(text, answer.language, again=2))
