"""One made-up phone: its texts and calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.demo.sim_state import Call, Text

if TYPE_CHECKING:
    from service.demo.simulator import Simulator


class SimulatedPhone:
    """One phone: what it got, newest last."""

    def __init__(self, simulator: Simulator, number: str) -> None:
        self._simulator = simulator
        self.number = number

    @property
    def inbox(self) -> list[Text]:
        return [
            text for text in self._simulator.texts if text.to == self.number and text.status == "delivered"
        ]

    @property
    def outbox(self) -> list[Text]:
        """What was typed on it."""
        return [text for text in self._simulator.inbound if text.from_ == self.number]

    @property
    def last(self) -> Text:
        return self.inbox[-1]

    @property
    def calls(self) -> list[Call]:
        return [call for call in self._simulator.calls if call.to == self.number]

    def replies(self, body: str, media: tuple[str, ...] = ()) -> str:
        """Answer on the number and channel of the newest text."""
        newest = self.last
        return self._simulator.receive(self.number, newest.from_, body, media, channel=newest.channel)
