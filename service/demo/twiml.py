"""Reading the TwiML of a call, as far as we write it: Say, Gather, Hangup."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree


@dataclass(frozen=True)
class Heard:
    """What the callee hears, where pressed keys go, and whether the call ends after it."""

    said: tuple[str, ...]
    keys_to: str = ""


def read_twiml(text: str) -> Heard:
    """TwiML -> Heard. A broken document is heard as Twilio's own "application error", like on the
    telephone."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return Heard(("We are sorry, an application error has occurred.",))
    said: list[str] = []
    keys_to = ""
    for element in root.iter():
        if element.tag == "Say" and (words := "".join(element.itertext()).strip()) and words not in said:
            said.append(words)
        if element.tag == "Gather" and not keys_to:
            keys_to = element.get("action", "")
    return Heard(tuple(said), keys_to)
