"""What the simulated carrier remembers: texts, calls, and the faults it was told to make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Text:
    """One text, either way. `from_` and `to` are bare numbers; `status` is Twilio's word."""

    sid: str
    from_: str
    to: str
    body: str
    channel: str
    direction: str
    status: str
    at: datetime
    callback: str = ""
    code: int | None = None
    media: tuple[str, ...] = ()
    expected: bool = False
    approved: bool = False

    def address(self, number: str) -> str:
        """The number as Twilio writes it on this channel."""
        return f"whatsapp:{number}" if self.channel == "whatsapp" else number


@dataclass
class Call:
    """One call to a phone. `said` is what was spoken so far; `keys_to` is where pressed keys go ("": nobody
    listens)."""

    sid: str
    from_: str
    to: str
    url: str
    twiml: str
    callback: str
    status: str
    at: datetime
    timeout: int = 60
    said: list[str] = field(default_factory=list)
    keys_to: str = ""
    pressed: str = ""

    @property
    def ringing(self) -> bool:
        return self.status in ("queued", "ringing")

    @property
    def live(self) -> bool:
        return self.status in ("queued", "ringing", "in-progress")


@dataclass
class Faults:
    """What goes wrong. The counts go down by one a create request; the rest holds until it is changed.

    `silent`: accepted, then nothing ever happens. `undelivered`: numbers whose phones are off.
    `no_callbacks`:
    delivered, but never reported. `whatsapp_window`: free text by WhatsApp fails (63016) for who was silent
    for 24 h. `plan` is asked for each create request's fault, by its number from 1:
    "refuse", "http_500", "http_429", "http_503", "lose_answer", "silent" or "".
    """

    refuse: int = 0
    http_500: int = 0
    http_503: int = 0
    http_429: int = 0
    lose_answer: int = 0
    silent: bool = False
    undelivered: set[str] = field(default_factory=set)
    no_callbacks: bool = False
    double: bool = False
    reverse: bool = False
    delay: float = 0.0
    down: bool = False
    whatsapp_window: bool = False
    plan: Callable[[int], str] | None = None

    def next(self, number: int) -> str:
        """The fault of create request `number`."""
        if self.down:
            return "refuse"
        if self.plan and (planned := self.plan(number)):
            return planned
        for name in ("refuse", "http_429", "http_503", "http_500", "lose_answer"):
            left: int = getattr(self, name)
            if left > 0:
                setattr(self, name, left - 1)
                return name
        return ""


@dataclass
class Pending:
    """A webhook on its way to us. `tries` left after this one, when the address asks for them (#rc=)."""

    url: str
    form: dict[str, str]
    tries: int = 0


# (url, form, headers) -> (status, body)
Post = Callable[[str, dict[str, str], dict[str, str]], tuple[int, str]]

Json = dict[str, Any]
