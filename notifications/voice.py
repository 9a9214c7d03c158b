"""What a call says and asks: TwiML, built with the twilio library so that texts are escaped."""

from __future__ import annotations

from functools import lru_cache

from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Gather, VoiceResponse

# BCP 47 -> the languages Twilio's voices speak.
_SPOKEN = {"en": "en-US", "pt": "pt-BR"}


def spoken(language: str) -> str:
    """The voice's language for a BCP 47 tag; English for one it does not speak."""
    return _SPOKEN.get(language.replace("_", "-").split("-")[0].lower(), "en-US")


def gather_twiml(
    text: str, action_url: str, language: str, *, digits: int = 1, seconds: int = 10, again: int = 2
) -> str:
    """Says `text` and posts the keys pressed to `action_url`; says it `again` times while nothing is
    pressed."""
    response = VoiceResponse()
    for _ in range(max(1, again)):
        gather = Gather(num_digits=digits, action=action_url, method="POST", timeout=seconds)
        gather.say(text, language=spoken(language))
        response.append(gather)
    response.hangup()
    return str(response)


def say_twiml(text: str, language: str, *, again: int = 1) -> str:
    """Says `text` (`again` times) and hangs up."""
    response = VoiceResponse()
    for _ in range(max(1, again)):
        response.say(text, language=spoken(language))
    response.hangup()
    return str(response)


@lru_cache(maxsize=1)
def message_twiml() -> str:
    """The empty answer to an incoming text: replies go out through the outbox, never in the webhook's
    answer."""
    return str(MessagingResponse())
