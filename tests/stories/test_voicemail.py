"""A voicemail is no human: it hears the page to its end, and the ladder goes on."""

from __future__ import annotations

from service.demo import seed
from tests.stories.test_cases import LIMA, PATIENT, REIS, _febrile


def test_a_machine_that_picks_up_stops_nothing(world):
    world.simulator.desk.machines.add(seed.REIS.phone)
    _febrile(world, PATIENT)
    world.advance(minutes=2)
    (call,) = world.phone(REIS).calls
    assert call.status == "completed" and call.said and not call.pressed
    assert world.alerts(PATIENT)[0].status == "open" and not world.phone(LIMA).unread
    world.advance(minutes=2)
    assert world.phone(LIMA).code(), "the backup is paged all the same"
