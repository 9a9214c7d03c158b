"""Many rows in one go, beside what waits in the session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm.exc import StaleDataError

from service.models import Visit
from service.use_cases import anchors, bulk
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, visit

MOVED = date(2026, 6, 1)


@contextmanager
def statements(session: Any) -> Iterator[list[str]]:
    """What is asked of the database, but for COPY."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, words: str, *_others: Any) -> None:
        asked.append(words)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


def stored(session: Any, visit_id: int) -> Any:
    session.flush()
    names = (Visit.status, Visit.date, Visit.flags, Visit.version_id)
    return session.execute(select(*names).where(Visit.id == visit_id)).one()


def test_what_waits_for_other_columns_is_written_as_well(session: Any) -> None:
    one = visit(session, enrol(session), "W10")
    session.flush()
    before = one.version_id
    with session.no_autoflush:
        one.status, one.flags = "missed", ["thrown away"]
        bulk.update_rows(session, Visit, [{"id": one.id, "date": MOVED, "flags": ["kept"]}], versions=[before])
        assert (one.status, one.date, one.flags) == ("missed", MOVED, ["kept"])
    assert stored(session, one.id) == ("missed", MOVED, ["kept"], before + 2)


def test_objects_that_nobody_changed_are_brought_in_line_and_can_be_changed_again(session: Any) -> None:
    one = visit(session, enrol(session), "W10")
    session.flush()
    before = one.version_id
    bulk.update_rows(session, Visit, [{"id": one.id, "date": MOVED}], versions=[before])
    assert (one.date, one.version_id, one in session.dirty) == (MOVED, before + 1, False)
    one.status = "missed"
    assert stored(session, one.id)[:2] == ("missed", MOVED)


def test_a_row_that_somebody_else_changed_is_refused(session: Any) -> None:
    one = visit(session, enrol(session), "W10")
    session.flush()
    read = one.version_id
    session.connection().execute(update(Visit).where(Visit.id == one.id).values(version_id=read + 1))
    with pytest.raises(StaleDataError, match="1 rows of visit"):
        bulk.update_rows(session, Visit, [{"id": one.id, "date": MOVED}], versions=[read])


def test_a_re_anchor_writes_each_visit_in_one_statement_and_its_own_visit_in_one_more(session: Any) -> None:
    patient = enrol(session)
    session.flush()
    with statements(session) as asked:
        anchors.commit(
            session, patient, anchor="infusion_1", date=day("03-20"), reason="held", actor=ACTOR, now=at("03-20")
        )
        session.flush()
    written = [words for words in asked if words.lstrip().startswith("UPDATE visit")]
    assert len(written) == 2
