"""Nobody of ours answers the carrier for ten minutes: what patients wrote meanwhile is found in the carrier's list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.demo import seed
from service.demo.sim_state import Pending
from service.models import Alert, Inbound, Message
from tests.chaos.harness import Chaos
from tests.conftest import FROM, PUBLIC

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
PHONES = dict(seed.PATIENTS)


def test_texts_sent_while_our_web_process_is_down_are_polled_with_their_own_time(chaos: Chaos) -> None:
    chaos.simulator.post = lambda url, form, headers: (0, "")  # nothing listens
    now = chaos.clock.now()  # the study's and, from here, the carrier's
    wrote = [(now - timedelta(minutes=10), "36,7"), (now - timedelta(minutes=9), "38,9"), (now, "obrigada")]
    for at, words in wrote:
        chaos.simulator.now = lambda at=at: at
        chaos.simulator.receive(PHONES["P-001"], FROM, words)
    chaos.simulator.now = chaos.clock.now
    for _ in range(8):
        chaos.simulator.deliver()  # the carrier repeats its posts, and gives up
    chaos.config = replace(chaos.config, poll_seconds=1)
    worker = chaos.worker()
    chaos.wait(lambda: _handled(chaos) == len(wrote))
    chaos.wait(lambda: any("P-001" in text.body and text.to == seed.REIS.phone for text in chaos.simulator.texts))
    chaos.stop(worker)
    with chaos.db.reading() as session:
        rows = list(session.scalars(select(Inbound).order_by(Inbound.id)))
        found = [(one.carrier_at, one.body) for one in rows]
        assert found == [(at.replace(microsecond=0), words) for at, words in wrote], "Twilio's dates have whole seconds"
        assert {one.found_by for one in rows} == {"poll"}
        assert all(one.received_at > one.carrier_at for one in rows[:2] if one.carrier_at)
        assert len(session.scalars(select(Alert)).all()) == 1, "one fever, one case"

    chaos.web()  # the carrier, at last, reaches us again with the same texts
    for text in chaos.simulator.inbound:
        again = Pending(f"{PUBLIC}/webhooks/twilio/sms", chaos.simulator.inbound_form(text))
        assert chaos.simulator.push(again)[0] == 200
    with chaos.db.reading() as session:
        assert len(session.scalars(select(Inbound)).all()) == len(wrote), "known by their ids"
        assert len(session.scalars(select(Alert)).all()) == 1
        advice = select(Message).where(Message.template == "red", Message.channel == "sms")
        assert len(session.scalars(advice).all()) == 1


def _handled(chaos: Chaos) -> int:
    with chaos.db.reading() as session:
        return len(session.scalars(select(Inbound.id).where(Inbound.status == "handled")).all())
