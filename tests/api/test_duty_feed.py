"""The on-call rota in a calendar program."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select

from service.demo import seed
from service.models import Rota
from service.use_cases import duty_feed, oncall
from tests.use_cases.case_help import at, person

BASE = "https://vigilia.test"


def events(world: Any, staff_id: int | None = None) -> list[Any]:
    answer = world.app.test_client().get(duty_feed.address_of(world.site(), staff_id), base_url=BASE)
    assert answer.status_code == 200 and answer.content_type.startswith("text/calendar")
    return list(Calendar.from_ical(answer.data).walk("VEVENT"))


def test_the_whole_rota_and_one_persons_duties(world: Any) -> None:
    assert {str(one["summary"]) for one in events(world)} == {"on call: Dr. Reis", "backup: Dr. Lima"}
    lima = world.staff("Dr. Lima").id
    (mine,) = events(world, lima)
    assert str(mine["summary"]) == "backup (Fever line)"
    assert mine.decoded("dtstart") <= world.now <= mine.decoded("dtend")


def test_a_stand_in_and_a_hole_show_and_names_are_unique(world: Any) -> None:
    with world.runtime.db.unit_of_work() as session:
        rota = session.scalars(select(Rota)).one()
        oncall.add_override(
            session, rota, layer="on_call", staff=person(session, "Dr. Prado"), start_at=at(86_400),
            end_at=at(2 * 86_400), reason="a wedding", actor="system", now=at(0),
        )  # fmt: skip
        rota.layers = [{**layer, "until": "2026-04-01"} for layer in rota.layers]
    found = events(world)
    titles = [str(one["summary"]) for one in found]
    assert titles.count("on call: Dr. Reis") == 2 and "on call: Dr. Prado" in titles
    assert "NOBODY: on call" in titles
    assert len({str(one["uid"]) for one in found}) == len(found)
    (prado,) = [one for one in found if "Prado" in str(one["summary"])]
    assert prado.decoded("dtstart").astimezone(UTC) == at(86_400)


def test_names_last_through_the_month(world: Any) -> None:
    before = {str(one["uid"]) for one in events(world)}
    world.clock.advance(timedelta(days=20))
    assert {str(one["uid"]) for one in events(world)} == before
    assert world.now < datetime(2026, 4, 1, tzinfo=UTC)


def test_a_program_that_asks_again_gets_nothing_new(world: Any) -> None:
    client, path = world.app.test_client(), duty_feed.address_of(world.site())
    tag = client.get(path, base_url=BASE).headers["ETag"]
    world.clock.advance(timedelta(hours=1))
    assert client.get(path, base_url=BASE, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["/calendar/nothing/on-call.ics", "/calendar/{token}/on-call-999999.ics"])
def test_no_such_calendar(world: Any, path: str) -> None:
    assert world.app.test_client().get(path.format(token=world.site().feed_token), base_url=BASE).status_code == 404


def test_the_calendar_page_has_both_addresses(world: Any) -> None:
    page = world.browser(seed.LIMA).get("/on-call", base_url=BASE).get_data(as_text=True)
    assert duty_feed.address_of(world.site()) in page
    assert duty_feed.address_of(world.site(), world.staff("Dr. Lima").id) in page
