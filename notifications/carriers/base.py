"""What every carrier promises, and the three ways a send can fail."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from notifications.message import DeliveryStatus, OutboundMessage


@dataclass(frozen=True)
class SendResult:
    """The carrier took the message. `provider_id` is its own id ("" where it gives none)."""

    provider_id: str
    status: DeliveryStatus = DeliveryStatus.ACCEPTED


class CarrierError(Exception):
    """A send that did not end in acceptance. `code` is the carrier's; `message` never holds the text or the
    number."""

    def __init__(self, code: int | str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class TemporaryFailure(CarrierError):
    """Not taken; may be tried again. `next_channel`: do not wait, use the recipient's next channel as
    well."""

    def __init__(
        self, code: int | str, message: str, *, next_channel: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(code, message)
        self.next_channel = next_channel
        self.retry_after = retry_after


class PermanentFailure(CarrierError):
    """Will never be taken for this recipient and channel: the next channel is due now."""

    def __init__(
        self,
        code: int | str,
        message: str,
        *,
        next_channel: bool = True,
        opted_out: bool = False,
        not_mobile: bool = False,
    ) -> None:
        super().__init__(code, message)
        self.next_channel = next_channel
        self.opted_out = opted_out
        self.not_mobile = not_mobile


class AnswerLost(CarrierError):
    """It may have been taken: the answer never came, or was a 500. Look it up before sending it again."""

    def __init__(self, message: str, code: int | str = "answer_lost") -> None:
        super().__init__(code, message)


class TooLate(CarrierError):
    """The fence: the message was claimed too long ago to be handed over. Nothing left."""


# Asked by a carrier's network code at the last moment before a message leaves; raises TooLate. A process may have stood
# still since the message was claimed, and another may have dealt with it.
LAST_LOOK: ContextVar[Callable[[], None] | None] = ContextVar("last_look", default=None)


def last_look() -> None:
    """Raise TooLate if the fence says so."""
    look = LAST_LOOK.get()
    if look is not None:
        look()


class Carrier(Protocol):
    """Hands one message to the outside. Holds no transaction, keeps its own time-outs, may be used by many
    threads."""

    def send(self, message: OutboundMessage) -> SendResult:
        """Raises TemporaryFailure, PermanentFailure or AnswerLost."""
        ...
