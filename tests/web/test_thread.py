"""A patient's story, page by page: nothing left out, nothing twice, newest first."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from service.use_cases import thread
from tests.web.test_console import coordinator


def test_every_text_is_on_exactly_one_page(world: Any) -> None:
    world.enrol("P-001", on=date(2026, 2, 23))
    phone = world.phone("P-001")
    said = [f"hello number {number} from me" for number in range(thread.LIMIT)]
    for number, words in enumerate(said):
        phone.replies(words)
        if number % 3:  # some share an instant
            world.clock.advance(timedelta(minutes=1))
    ana = coordinator(world)
    path = f"/patients/{world.patient('P-001').id}"
    seen, pages = [], 0
    while path:
        answer = ana.opens(path).answer.get_data(as_text=True).partition('id="thread"')[2]
        pages += 1
        seen += [words for words in reversed(said) if f"<q>{words}</q>" in answer]
        older = answer.partition("before=")[2].partition("#")[0] if ">Older<" in answer else ""
        path = f"{path.partition('?')[0]}?before={older}" if older else ""
    assert pages > 2 and seen == said[::-1]
    ana.opens(f"/patients/{world.patient('P-001').id}?before=yesterday")
