"""Why is it as it is?"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.errors import NotFound, Problem
from service.models import Occasion, Patient, Visit
from service.use_cases import alerts, explain, tasks
from tests.sending import PostOffice


@pytest.fixture
def post(world: Any) -> PostOffice:
    return PostOffice(world)


def lines(post: PostOffice, reference: str) -> list[str]:
    with post.db.reading() as session:
        return explain.explain(session, reference)


def test_why_a_message_went(post: PostOffice) -> None:
    message = post.enqueue()
    post.send()
    post.report()
    (line,) = lines(post, f"message/{message}")
    assert line.startswith(f"message/{message}: reminder 'weekly' by sms to +55")
    assert "delivered" in line and "attempt 1 delivered as SM" in line and "receipts sent, delivered" in line
    assert post.phone not in line, "a number is shown masked"


def test_why_a_message_did_not_go(post: PostOffice) -> None:
    message = post.page(wanted_while="alert_open")
    post.send()
    (line,) = lines(post, f"message/{message}")
    assert "cancelled" in line and "no longer wanted: alert is gone" in line and "only while alert is open" in line


def test_when_a_message_will_go(post: PostOffice) -> None:
    message = post.enqueue()
    assert "ready; leaves at 2026-03-02 11:00:00Z" in lines(post, f"message/{message}")[0]


def test_a_visit_an_occasion_a_case_and_a_task(post: PostOffice) -> None:
    with post.db.unit_of_work() as session:
        patient = session.get_one(Patient, post.patient_id)
        visit = session.scalars(select(Visit).where(Visit.patient_id == patient.id).limit(1)).one()
        alert = alerts.open_or_join(
            session, patient, source="test", level="red", hits=(), reported_at=post.clock.now(), summary={},
            now=post.clock.now(),
        )  # fmt: skip
        task = tasks.open_task(
            session, kind="call", level="amber", patient=patient, rules=("N-UNDEL",), dedupe="x", now=post.clock.now()
        )
        occasion = Occasion(
            patient_id=patient.id, site_id=patient.site_id, questionnaire="test", for_date=post.world.local.date(),
            status="missed", opens_at=post.clock.now(), late_at=post.clock.now(), missed_at=post.clock.now(),
            ended_reason="no answer",
        )  # fmt: skip
        session.add(occasion)
        session.flush()
        ids = {"visit": visit.id, "alert": alert.id, "task": task.id, "occasion": occasion.id}
    shown = {kind: lines(post, f"{kind}/{number}") for kind, number in ids.items()}
    assert all(len(found) == 1 for found in shown.values())
    assert "window" in shown["visit"][0] and "counted from" in shown["visit"][0]
    assert "open, reported" in shown["alert"][0] and "next 2026-03-02" in shown["alert"][0]
    assert "by N-UNDEL" in shown["task"][0]
    assert "missed" in shown["occasion"][0] and "no answer" in shown["occasion"][0]


def test_a_patient_is_a_few_lines(post: PostOffice) -> None:
    message = post.enqueue()
    found = lines(post, "P-001")
    assert found[0].startswith("P-001: ")
    assert any(line.startswith(f"message/{message}: ") for line in found)
    assert len(found) <= 1 + 6 * explain.RECENT


@pytest.mark.parametrize(("reference", "error"), [
    ("P-999", NotFound), ("message/999", NotFound), ("message/99999999999999999999", NotFound),
    ("planet/3", Problem), ("message/x", Problem), ("message/", Problem), ("", NotFound),
])  # fmt: skip
def test_what_is_not_there_is_said(post: PostOffice, reference: str, error: type[Problem]) -> None:
    with pytest.raises(error):
        lines(post, reference)
