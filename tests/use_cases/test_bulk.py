"""Many rows in one go, beside what waits in the session."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from service.models import AnchorDate, Patient, Timer, Visit
from service.use_cases import anchors, bulk
from service.use_cases.calendar_there import look, read_plan
from tests.use_cases.calendar_people import ACTOR, at, day, enrol, visit

MOVED = date(2026, 6, 1)


def write(session: Any, names: tuple[str, ...], row: bulk.Values, version: int) -> None:
    writes = bulk.Writes(session)
    writes.update(Visit, names, [row], versions=[version])
    writes.flush()


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
        write(session, ("id", "date", "flags"), (one.id, MOVED, ["kept"]), before)
        assert (one.status, one.date, one.flags) == ("missed", MOVED, ["kept"])
    assert stored(session, one.id) == ("missed", MOVED, ["kept"], before + 2)


def test_objects_that_nobody_changed_are_brought_in_line_and_can_be_changed_again(session: Any) -> None:
    one = visit(session, enrol(session), "W10")
    session.flush()
    before = one.version_id
    write(session, ("id", "date"), (one.id, MOVED), before)
    assert (one.date, one.version_id, one in session.dirty) == (MOVED, before + 1, False)
    one.status = "missed"
    assert stored(session, one.id)[:2] == ("missed", MOVED)


def test_a_row_that_somebody_else_changed_is_refused(session: Any) -> None:
    one = visit(session, enrol(session), "W10")
    session.flush()
    read = one.version_id
    session.connection().execute(update(Visit).where(Visit.id == one.id).values(version_id=read + 1))
    with pytest.raises(StaleDataError, match="1 rows of visit"):
        write(session, ("id", "date"), (one.id, MOVED), read)


def test_a_row_that_is_there_already_is_refused_as_elsewhere(session: Any) -> None:
    patient = enrol(session)
    session.flush()
    names = ("name", "recorded_at", "recorded_by")
    writes = bulk.Writes(session)
    writes.insert(AnchorDate, names, [("enrolment", at("03-02"), ACTOR)], {"patient_id": patient.id})
    with pytest.raises(IntegrityError):
        writes.flush()


def test_who_takes_a_calendar_sees_what_has_changed_since_the_patient_was_read(session: Any) -> None:
    patient = enrol(session)
    session.flush()
    assert patient.timezone == "America/Sao_Paulo"
    changed = {"timezone": "America/Manaus", "version_id": Patient.version_id + 1}
    session.connection().execute(update(Patient).where(Patient.id == patient.id).values(changed))
    late = at("03-03", 0)  # the day before, in Manaus
    frame, _there = look(session, patient, now=late, hold=True)
    assert (patient.timezone, str(frame.zone), frame.today) == ("America/Manaus", "America/Manaus", day("03-02"))


def test_a_re_anchor_writes_each_visit_once(session: Any) -> None:
    patient = enrol(session)
    session.flush()
    before = {one.code: one.version_id for one in read_plan(session, patient).visits}
    diff = anchors.commit(
        session, patient, anchor="infusion_1", date=day("03-20"), reason="held", actor=ACTOR, now=at("03-20")
    )
    session.flush()
    after = {one.code: one.version_id - before[one.code] for one in read_plan(session, patient).visits}
    assert after["INF1"] == 1 and {one["code"] for one in diff["moved"]} <= {code for code in after if after[code] == 1}
    assert set(after.values()) == {0, 1}


def test_texts_reach_the_database_as_they_are(session: Any) -> None:
    patient = enrol(session)
    session.flush()
    writes = bulk.Writes(session)
    said = ['a "b" \\c {d}, \n\t', "NULL", "\\N", "\u00e9", ""]
    kept = [(f"k{place}", {"of": text}) for place, text in enumerate(said)]
    same = {"patient_id": patient.id, "due_at": at("03-20"), "created_at": at("03-02")}
    writes.insert(Timer, ("kind", "detail"), kept, same)
    writes.insert(Timer, ("kind", "reason"), [*((text, text) for text in said), ("none", None)], same)
    writes.flush()
    rows = session.execute(select(Timer.kind, Timer.detail, Timer.reason).where(Timer.patient_id == patient.id)).all()
    found = {row.kind: row.detail for row in rows}
    assert [(kind, found[kind]) for kind, _detail in kept] == kept
    assert {(row.kind, row.reason) for row in rows if row.reason is not None} == {(text, text) for text in said}
    assert [row.reason for row in rows if row.kind == "none"] == [None]
