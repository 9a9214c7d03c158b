"""The simulated carrier's calls: they ring, are picked up, hear keys, and end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from service.demo.sim_state import Call, Pending
from service.demo.twiml import Heard, read_twiml

if TYPE_CHECKING:
    from service.demo.simulator import Simulator

MACHINE_AFTER = timedelta(seconds=20)


class CallDesk:
    """All calls, by sid. Each change of state is reported to the call's status callback."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.calls: dict[str, Call] = {}
        self._rings: list[Call] = []  # those that may still move on by themselves
        self.machines: set[str] = set()  # numbers with a voicemail, which picks up what nobody picks up

    def accept(self, call: Call) -> None:
        """The API took a call. It begins to ring at the next `move_on`."""
        with self._simulator.lock:
            self.calls[call.sid] = call
            self._rings.append(call)

    def move_on(self) -> int:
        """Queued calls begin to ring; those that rang too long end unanswered. How many changed."""
        simulator = self._simulator
        if simulator.faults.silent:
            return 0
        changed = 0
        with simulator.lock:
            rings = self._rings = [call for call in self._rings if call.ringing]
        for call in tuple(rings):
            if call.status == "queued":
                dead = call.to in simulator.faults.undelivered
                self._report(call, "failed" if dead else "ringing")
                changed += 1
            elif call.status == "ringing" and simulator.now() >= call.at + MACHINE_AFTER and call.to in self.machines:
                self._by_machine(call)
                changed += 1
            elif call.status == "ringing" and simulator.now() >= call.at + timedelta(seconds=call.timeout):
                self._report(call, "no-answer")
                changed += 1
        return changed

    def answer(self, call: Call) -> None:
        """Picked up: fetch what to say."""
        if not call.ringing:
            return
        if call.status == "queued":
            self._report(call, "ringing")
        self._report(call, "in-progress")
        if call.twiml:
            self._hear(call, read_twiml(call.twiml), call.url)
        else:
            self._ask(call, call.url, {})

    def _by_machine(self, call: Call) -> None:
        """A voicemail hears everything to its end and presses no key. The carrier was not asked to tell it from a human
        and does not."""
        self.answer(call)
        self.hang_up(call)

    def press(self, call: Call, digits: str) -> None:
        """Keys, to whoever listens."""
        if call.ringing:
            self.answer(call)
        if call.status != "in-progress" or not call.keys_to:
            return
        call.pressed += digits
        self._ask(call, call.keys_to, {"Digits": digits})

    def hang_up(self, call: Call) -> None:
        """The callee ends the call, or refuses it."""
        if call.live:
            self._report(call, "completed" if call.status == "in-progress" else "busy")

    def _ask(self, call: Call, url: str, more: dict[str, str]) -> None:
        status, body = self._simulator.push(Pending(url, self._form(call) | more))
        heard = (
            read_twiml(body)
            if status == 200
            else Heard(("We are sorry, an application error has occurred.",))
        )
        self._hear(call, heard, url)

    def _hear(self, call: Call, heard: Heard, base: str) -> None:
        call.said += heard.said
        call.keys_to = urljoin(base, heard.keys_to) if heard.keys_to else ""
        if not call.keys_to:
            self._report(call, "completed")

    def _report(self, call: Call, status: str) -> None:
        call.status = status
        if call.callback and not self._simulator.faults.no_callbacks:
            # a caller's code may be running inside our own request: reports queue up and leave with
            # `deliver()`
            with self._simulator.lock:
                self._simulator.queue(Pending(call.callback, self._form(call), 5))

    def _form(self, call: Call) -> dict[str, str]:
        return {
            "CallSid": call.sid,
            "AccountSid": self._simulator.account_sid,
            "From": call.from_,
            "To": call.to,
            "Called": call.to,
            "Caller": call.from_,
            "CallStatus": call.status,
            "Direction": "outbound-api",
            "ApiVersion": "2010-04-01",
            "CallbackSource": "call-progress-events",
        }
