"""Many fevers at once on several workers that are killed: each ends with a human or with everybody told.

A policy of seconds stands in for the study's; PostgreSQL, because SQLite has one worker.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from service.clock import Clock
from service.demo import seed
from service.models import Alert, AlertLog, AlertReport, Attempt, EscalationRun, Message, Page, Patient, Staff
from service.use_cases import alerts, escalations
from tests.chaos.harness import MORNING, Chaos, lives
from workflows.protocol import EscalationPolicy, EscalationStep, StudyDesign

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
DEATHS = ("claimed", "sending", "answered", "recording", "recorded", "tick_row", "tick_row_done", "claiming")
TAKEN = ("accepted", "sending", "sent", "delivered", "undelivered")
QUICK = EscalationPolicy(
    key="red",
    advice="red",
    acknowledge_within=900,
    outcome_within=1800,
    steps=(
        EscalationStep(0, ("on_call",), ("sms",), False),
        EscalationStep(2, ("on_call",), ("voice",), False),
        EscalationStep(4, ("backup",), ("sms",), False),
    ),
    exhausted_after=6,
    exhausted_recipients=("role:monitor",),
    then_every=600,
)


class Ward:
    """So many patients with a fever each; every second one is taken by a doctor at a moment of its own."""

    def __init__(self, chaos: Chaos, number: int, dice: random.Random) -> None:
        self.chaos, self.db = chaos, chaos.db
        with self.db.unit_of_work() as session:
            self.people = [
                seed.enrol(session, f"W-{one:03d}", on=MORNING.date(), now=MORNING, phone=f"+551699333{one:04d}").id
                for one in range(1, number + 1)
            ]
            session.execute(Message.__table__.update().values(status="cancelled", reason="not part of this test"))
            self.doctor = session.scalars(select(Staff.id).where(Staff.name == "Dr. Reis")).one()
        self.cases: list[int] = []
        self.takers: list[tuple[datetime, int]] = []
        for person in self.people:
            self.report(person, "text:1")
            if dice.random() < 0.5:
                self.takers.append((chaos.clock.now() + timedelta(seconds=dice.uniform(0, 5)), self.cases[-1]))

    def report(self, person: int, source: str) -> None:
        with self.db.unit_of_work() as session:
            now = self.chaos.clock.now()
            alert = alerts.open_or_join(
                session, session.get_one(Patient, person), source=f"{source}:{person}", level="red", hits=["T-RED"],
                reported_at=now, summary={}, now=now,
            )  # fmt: skip
            if alert.id not in self.cases:
                self.cases.append(alert.id)

    def take(self) -> None:
        """Those whose doctor is awake by now are taken; a race with a tick or a sender is tried again."""
        now = self.chaos.clock.now()
        for _at, case in [one for one in self.takers if one[0] <= now]:
            with self.db.unit_of_work() as session:
                who = session.get_one(Staff, self.doctor)
                alerts.acknowledge(session, session.get_one(Alert, case), staff=who, via="sms", now=now)
        self.takers = [one for one in self.takers if one[0] > now]

    def over(self) -> bool:
        """Whether each case has a human, or its exhausted pages were taken by the carrier."""
        self.take()
        return not self.takers and not self.unreached() and not self.waiting()

    def waiting(self) -> int:
        """How many pages are due and not tried."""
        with self.db.reading() as session:
            return session.scalar(
                select(func.count()).select_from(Message).where(
                    Message.kind == "page", Message.status.in_(("ready", "claimed", "unknown")),
                    Message.due_at <= self.chaos.clock.now(),
                )
            )  # fmt: skip

    def unreached(self) -> list[str]:
        """The cases that have neither."""
        told = (
            select(Page.alert_id)
            .join(Message, Message.id == Page.message_id)
            .where(Page.step >= len(QUICK.steps), Message.status.in_(TAKEN))
        )
        with self.db.reading() as session:
            return list(session.scalars(select(Alert.case).where(Alert.status == "open", Alert.id.not_in(told))))


def check(ward: Ward, killed: Sequence[int]) -> list[float]:
    """Every promise; how late (seconds) each page of a rung was claimed first."""
    chaos = ward.chaos
    offset, lease = timedelta(seconds=chaos.offset), timedelta(seconds=chaos.config.lease_seconds)
    late: list[float] = []
    with ward.db.reading() as session:
        assert not ward.unreached()
        one = Counter(session.scalars(select(Alert.patient_id)))
        assert set(one.values()) == {1} and len(one) == len(ward.people), "one ladder a patient"
        assert session.scalar(select(func.count()).select_from(EscalationRun)) == len(one)
        climbed = Counter(
            (line.alert_id, line.detail["loop"], line.detail["step"])
            for line in session.scalars(select(AlertLog).where(AlertLog.event.in_(("step", "exhausted"))))
        )
        assert set(climbed.values()) == {1}, "a rung was climbed twice"
        taken = {alert.id: alert.acknowledged_at for alert in session.scalars(select(Alert))}
        opened = {alert.id: alert.opened_at for alert in session.scalars(select(Alert))}
        attempts: dict[int, list[Attempt]] = {}
        for attempt in session.scalars(select(Attempt).order_by(Attempt.id)):
            attempts.setdefault(attempt.message_id, []).append(attempt)
        for page in session.scalars(select(Page)):
            message = session.get_one(Message, page.message_id)
            after = QUICK.steps[page.step].after if page.step < len(QUICK.steps) else QUICK.exhausted_after
            assert message.created_at >= opened[page.alert_id] + timedelta(seconds=after), "a rung came early"
            mine = attempts.get(message.id, [])
            for attempt in mine:
                assert attempt.claimed_at + offset >= message.due_at - timedelta(milliseconds=5), "claimed early"
            for first, second in pairwise(mine):
                dead = int(first.claimer.split(":")[1]) in killed
                assert dead or first.recorded_at is not None or second.claimed_at >= first.claimed_at + lease, (
                    "two live claims of one page"
                )
            if mine:
                late.append((mine[0].claimed_at + offset - message.due_at).total_seconds())
            elif taken[page.alert_id] is None:
                raise AssertionError(f"message {message.id} was never tried: {message.status} {message.reason}")
    return late


def kill(*processes: int) -> None:
    """kill -9; one may be about to die at its step by itself."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@pytest.fixture
def quick(chaos: Chaos, monkeypatch: pytest.MonkeyPatch) -> Chaos:
    """The stage with a policy of seconds."""
    if chaos.db.is_sqlite:
        pytest.skip("several workers share a database on PostgreSQL only")
    monkeypatch.setattr(StudyDesign, "policy", lambda _self, _level: QUICK)
    return chaos


def test_a_ward_of_fevers_on_two_workers_that_die(quick: Chaos) -> None:
    dice = random.Random(1)
    doomed = [quick.worker(kill_at="tick_row_done:9"), quick.worker(kill_at="answered:7")]
    ward = Ward(quick, int(os.environ.get("VIGILIA_TEST_ALERTS", "16")), dice)
    for person in ward.people[::4]:
        ward.report(person, "text:2")
    quick.wait(lambda: ward.over() or not any(lives(one) for one in doomed))
    living = [quick.worker(), quick.worker(kill_at="claimed:5")]
    quick.wait(ward.over)
    kill(*doomed, *living)
    check(ward, [*doomed, *living])


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_two_hundred_fevers_on_four_workers_that_are_killed_all_the_time(
    quick: Chaos, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also how late a page is: no more than 2 s while the workers live, no more than a lease after a kill."""
    monkeypatch.setattr("tests.chaos.harness.PATIENCE", 900.0)
    quick.config = replace(quick.config, page_threads=8)
    dice, killed = random.Random(2), []
    workers = [quick.worker() for _ in range(4)]
    ward = Ward(quick, int(os.environ.get("VIGILIA_TEST_ALERTS", "200")), dice)
    for person in ward.people[::4]:
        ward.report(person, "text:2")
    machine, kills, last = Clock(), 0, Clock().monotonic()

    def step() -> bool:
        nonlocal kills, last
        if kills < 20 and machine.monotonic() - last > 0.7:
            place = dice.randrange(4)
            kill(workers[place])
            killed.append(workers[place])
            workers[place] = quick.worker(kill_at=f"{dice.choice(DEATHS)}:{dice.randint(20, 60)}")
            kills, last = kills + 1, machine.monotonic()
        for place, process in enumerate(workers):
            if not lives(process):
                killed.append(process)
                workers[place] = quick.worker()
        return kills >= 20 and ward.over()

    quick.wait(step)
    kill(*workers)
    late = check(ward, [*killed, *workers])
    ordered = sorted(late)
    middle = ordered[len(late) // 2]
    print(f"{len(late)} pages first claimed late by {middle:.2f} s (median), {ordered[-1]:.2f} s (worst)")
    slow = quick.config.lease_seconds + 2 + 2
    assert ordered[-1] <= slow, f"{ordered[-1]:.1f} s late"


def test_the_policy_of_seconds_is_one_that_the_rules_take(quick: Chaos) -> None:
    """What is checked above means something: the snapshot on the case is the quick one."""
    ward = Ward(quick, 1, random.Random(3))
    with quick.db.reading() as session:
        alert = session.scalars(select(Alert)).one()
        assert escalations.policy_of(alert) == QUICK
        assert session.scalars(select(AlertReport.source)).all() == [f"text:1:{ward.people[0]}"]
