"""Named steps at which a test may kill or stop this process: VIGILIA_KILL_AT=`name`, `name:3` (the third time) or
`stop:name` (SIGSTOP instead of SIGKILL). Unset, and in production it is, a step costs one comparison.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

_wanted = os.environ.get("VIGILIA_KILL_AT", "")
_signal = signal.SIGSTOP if _wanted.startswith("stop:") else signal.SIGKILL
_name, _, _times = _wanted.removeprefix("stop:").partition(":")
_left = int(_times or 1)
hook: Callable[[str], None] | None = None  # a rehearsal's: raises where the process is to crash

POINTS = (
    "tick_row",  # a due row is handled, not committed
    "tick_row_done",  # committed, the next not begun
    "claiming",  # messages are claimed, not committed
    "claimed",  # committed, nothing sent
    "sending",  # checks passed, the carrier not called
    "answered",  # the carrier took it, nothing recorded
    "recording",  # recorded, not committed
    "recorded",  # committed
    "inbound_stored",  # a text is stored and committed, not read
    "inbound_read",  # read, not committed
    "polled",  # the carrier's list is read, nothing stored
)


def reach(name: str) -> None:
    """Die here if the environment says so."""
    global _left
    if hook is not None:
        hook(name)
    if not _name or name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), _signal)
