"""What a running process has in hand: settings, database, clock, carriers, renderer. Made once, by `service.app`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app

from notifications.carriers.base import Carrier
from notifications.message import Channel
from notifications.render import Renderer
from service.clock import Clock
from service.config import Config
from service.db import Database


@dataclass(frozen=True)
class BackedOff:
    """A due row that raised when the tick handled it: how often, and when (study time) it is tried again."""

    failures: int
    until: datetime


@dataclass
class Runtime:
    """`page_waits` and `text_waits` are set when something was committed that should not wait for the next tick."""

    config: Config
    db: Database
    clock: Clock
    carriers: Mapping[Channel, Carrier]
    renderer: Renderer
    page_waits: threading.Event = field(default_factory=threading.Event)
    text_waits: threading.Event = field(default_factory=threading.Event)
    backed_off: dict[tuple[str, int], BackedOff] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.db.wakes = {"pages": self.page_waits, "bulk": self.text_waits}


def current() -> Runtime:
    """The runtime of the app that serves this request."""
    runtime: Runtime = current_app.extensions["vigilia"]
    return runtime
