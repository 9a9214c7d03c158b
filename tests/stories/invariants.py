"""What must never be (I1 to I14, as far as one process can see it), looked for in the rows and at the carrier.

A checker remembers what it saw at its last look, so that it also finds what went back, vanished or jumped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from notifications.message import RANK, DeliveryStatus, OutboundMessage
from service.demo.sim_state import Pending
from service.models import (
    Alert,
    AlertLog,
    AlertReport,
    Attempt,
    ContactMethod,
    EscalationRun,
    Inbound,
    Message,
    Page,
    Patient,
    Staff,
    Task,
)
from service.use_cases import audit, contacts, escalations
from workflows import escalation

CLIMBS = ("step", "skipped", "repeat", "exhausted")
HURRIED = {"page_failed", "passed_on", "skipped", "raised", "reopened", "owner_repaged", "joined"}
LEASE = timedelta(seconds=60)  # longer than a lease and the look-ups after it


class Broken(AssertionError):
    """`names` are the invariants ("I7") that do not hold."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.names = {fault.partition(":")[0] for fault in faults}


@dataclass
class Watched:
    """A carrier that looks, at the moment of sending, whether this message may leave."""

    carrier: Any
    checker: Checker

    def send(self, message: OutboundMessage) -> Any:
        self.checker.leaves(message)
        return self.carrier.send(message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.carrier, name)


@dataclass
class Seen:
    """An alert at the last look."""

    status: str
    place: tuple[int, int]
    due_at: Any
    logs: set[int]


@dataclass
class Checker:
    runtime: Any
    world: Any
    settled: bool = False
    faults: list[str] = field(default_factory=list)
    sent: Counter[int] = field(default_factory=Counter)  # alert -> pages that a carrier was asked to take
    red: set[str] = field(default_factory=set)  # the carrier's ids of red texts
    last: dict[int, Seen] = field(default_factory=dict)
    ranks: dict[int, tuple[int, int]] = field(default_factory=dict)
    _before: dict[int, Seen] = field(default_factory=dict)

    # --- while things happen

    def heard(self, sid: str, words: str) -> None:
        """A text was typed; one by a patient is red."""
        if any(sign in words for sign in ("38", "falta")):
            self.red.add(sid)

    def watch_posts(self, post: Callable[..., tuple[int, str]], crash: type[BaseException]) -> Callable[..., Any]:
        """`post`, with a look at what a 2xx promises. A crash is a broken connection to the carrier."""

        def watched(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
            died: BaseException | None = None
            try:
                status, body = post(url, form, headers)
            except crash as error:
                status, body, died = 0, "", error
            except Exception:
                status, body = 500, ""
            if "/sms" in url and 200 <= status < 300:
                with self.runtime.db.reading() as session:
                    found = session.scalar(select(Inbound.id).where(Inbound.provider_id == form["MessageSid"]))
                if found is None:
                    self.faults.append(f"I4: {status} to {form['MessageSid']}, which is not stored")
            if died is not None:
                self.world.simulator.queue(Pending(url, form, 5))
                raise died
            return status, body

        return watched

    def leaves(self, outbound: OutboundMessage) -> None:
        """A carrier is called for this attempt."""
        now = self.runtime.clock.now()
        with self.runtime.db.reading() as session:
            attempt = session.get_one(Attempt, int(outbound.key))
            message = session.get_one(Message, attempt.message_id)
            alert = session.get(Alert, message.alert_id) if message.alert_id else None
            patient = session.get(Patient, message.patient_id) if message.patient_id else None
            lost = session.scalar(
                select(ContactMethod.id).where(
                    ContactMethod.staff_id == (message.staff_id or 0), ContactMethod.channel == message.channel,
                    ContactMethod.address == message.address, ContactMethod.opted_out_at.is_not(None),
                )
            )  # fmt: skip
        name = f"message {message.id} ({message.kind} {message.template})"
        if message.kind == "page" and alert is not None:
            self.sent[alert.id] += 1
            if message.wanted_while == "alert_open" and alert.status != "open":
                self.faults.append(f"I8: {name} leaves although case {alert.case} is {alert.status}")
        if attempt.number != message.attempts or message.status != "claimed":
            self.faults.append(f"I6: {name}: attempt {attempt.number} leaves while {message.attempts} is the live one")
        if message.send_at > now or message.due_at > now:
            self.faults.append(f"I11: {name} leaves before it is due")
        routine = message.kind in ("question", "reminder", "notice")
        if lost is not None and message.kind != "reply":
            self.faults.append(f"I13: {name} leaves to a telephone of the team that has opted out")
        if patient is not None and patient.opted_out == "all" and routine:
            self.faults.append(f"I13: {name} leaves to a patient who has opted out")

    def before_receipts(self) -> None:
        self._before = self._alerts()

    def after_receipts(self) -> None:
        """Receipts alone: nobody has taken anything, no ladder stops or slows down."""
        now = self._alerts()
        for alert_id, was in self._before.items():
            seen = now[alert_id]
            later = seen.place == was.place and was.due_at is not None and (
                seen.due_at is None or seen.due_at > was.due_at
            )  # fmt: skip
            if seen.status != was.status or later:
                self.faults.append(f"I10: a receipt changed case {alert_id}: {was} became {seen}")

    # --- afterwards

    def broken(self) -> list[str]:
        """Everything that does not hold now; what is found is not found again."""
        with self.runtime.db.reading() as session:
            for check in (_one_ladder, _due, _by_a_human, _forward, _ranks, _said, _reached, _in_time, _on_its_way):
                check(self, session)
        self.last = self._alerts()
        faults, self.faults = list(dict.fromkeys(self.faults)), []
        return faults

    def at_the_end(self) -> list[str]:
        """The audit trail holds."""
        with self.runtime.db.unit_of_work() as session:
            while audit.seal(session, now=self.runtime.clock.now()):
                continue
            return [f"I9: {fault}" for fault in audit.verify(session).faults]

    def _alerts(self) -> dict[int, Seen]:
        with self.runtime.db.reading() as session:
            logs: dict[int, set[int]] = {}
            for line, alert_id in session.execute(select(AlertLog.id, AlertLog.alert_id)):
                logs.setdefault(alert_id, set()).add(line)
            rows = session.execute(
                select(Alert.id, Alert.status, EscalationRun.loop, EscalationRun.step, EscalationRun.due_at).join(
                    EscalationRun, EscalationRun.alert_id == Alert.id
                )
            )
            return {row.id: Seen(row.status, (row.loop, row.step), row.due_at, logs.get(row.id, set())) for row in rows}


def _one_ladder(checker: Checker, session: Any) -> None:
    runs = Counter(session.scalars(select(EscalationRun.alert_id)))
    for alert_id in session.scalars(select(Alert.id)):
        if runs[alert_id] != 1:
            checker.faults.append(f"I1: case {alert_id} has {runs[alert_id]} runs")
    open_cases = Counter(session.scalars(select(Alert.patient_id).where(Alert.status != "closed")))
    checker.faults += [f"I1: patient {one} has {n} open cases" for one, n in open_cases.items() if n > 1]
    inbound = session.execute(select(Inbound.id, Inbound.provider_id, Inbound.status)).all()
    told = Counter(session.scalars(select(AlertReport.inbound_id)))
    for row in inbound:
        if row.provider_id in checker.red and row.status == "handled" and told[row.id] != 1:
            checker.faults.append(f"I1: the red text {row.provider_id} is {told[row.id]} reports")
        if row.status == "poisoned":
            checker.faults.append(f"I14: the text {row.provider_id} could not be read")


def _cases(session: Any) -> list[tuple[Alert, EscalationRun]]:
    rows = session.execute(select(Alert, EscalationRun).join(EscalationRun, EscalationRun.alert_id == Alert.id))
    return [(row[0], row[1]) for row in rows]


def _due(checker: Checker, session: Any) -> None:
    now = checker.runtime.clock.now()
    for alert, run in _cases(session):
        at = {"open": run.due_at, "acknowledged": alert.outcome_due_at}.get(alert.status, now)
        if at is None or at > now + escalation.largest_gap(escalations.policy_of(alert)):
            checker.faults.append(f"I2: case {alert.case} is {alert.status} and due at {at}")


def _by_a_human(checker: Checker, session: Any) -> None:
    for alert, _run in _cases(session):
        was = checker.last.get(alert.id)
        if was is None or was.status == alert.status:
            continue
        if was.status == "closed":
            checker.faults.append(f"I3: case {alert.case} came back from closed")
        if alert.status == "open":
            continue
        lines = session.scalars(select(AlertLog).where(AlertLog.alert_id == alert.id, AlertLog.id.not_in(was.logs)))
        named = [one for one in lines if one.actor.startswith("staff:") and one.event.startswith(("ack", "outcome"))]
        if not named or alert.acknowledged_by_id is None:
            checker.faults.append(f"I3: case {alert.case} is {alert.status} and nobody did it")


def _forward(checker: Checker, session: Any) -> None:
    seen = checker._alerts()
    for alert_id, was in checker.last.items():
        now = seen.get(alert_id)
        if now is None or not was.logs <= now.logs:
            checker.faults.append(f"I9: case {alert_id} lost lines of its log")
        elif now.place < was.place:
            checker.faults.append(f"I9: case {alert_id} went back from {was.place} to {now.place}")
        elif now.place != was.place and now.logs == was.logs:
            checker.faults.append(f"I9: case {alert_id} moved to {now.place} without a line in its log")
    lines = session.execute(
        select(AlertLog.alert_id, AlertLog.detail).where(AlertLog.event.in_(CLIMBS)).order_by(AlertLog.id)
    )
    rungs = Counter((row.alert_id, row.detail["loop"], row.detail["step"]) for row in lines)
    checker.faults += [f"I9: rung {rung} was climbed {n} times" for rung, n in rungs.items() if n > 1]
    doubled = session.execute(
        select(Page.alert_id, func.count()).group_by(
            Page.alert_id, Page.step, Page.loop, Page.recipient, Page.channel
        ).having(func.count() > 1)
    )  # fmt: skip
    checker.faults += [f"I9: case {row.alert_id} has a page twice" for row in doubled]


def _ranks(checker: Checker, session: Any) -> None:
    taken = RANK[DeliveryStatus.ACCEPTED]
    for row in session.execute(select(Message.id, Message.status, Message.attempts)):
        rank = RANK[DeliveryStatus(row.status)]
        attempts, before = checker.ranks.get(row.id, (0, 0))
        if attempts == row.attempts and before >= taken and rank < before:
            checker.faults.append(f"I5: message {row.id} went back to {row.status}")
        checker.ranks[row.id] = (row.attempts, rank)


def _said(checker: Checker, session: Any) -> None:
    """A whole ladder without a human is told to operations; so is each person lost from the chain."""
    for alert, run in _cases(session):
        policy = escalations.policy_of(alert)
        if alert.status != "open" or run.step <= len(policy.steps):
            continue
        events = {line.event for line in session.scalars(select(AlertLog).where(AlertLog.alert_id == alert.id))}
        task = session.scalar(select(Task.id).where(Task.alert_id == alert.id, Task.kind == "exhausted"))
        alarm = session.scalar(
            select(Message.id).where(
                Message.dedupe.startswith(f"alert:{alert.id}:exhausted"), Message.template == "alarm"
            )
        )
        operators = session.scalar(
            select(ContactMethod.id).join(Staff, Staff.id == ContactMethod.staff_id).where(
                Staff.role.in_(("operator", "admin")), ContactMethod.opted_out_at.is_(None)
            )
        )  # fmt: skip
        if "exhausted" not in events or task is None or (alarm is None and operators is not None):
            checker.faults.append(f"I12: case {alert.case} went through its whole ladder and operations were not told")
    stopped = session.execute(
        select(ContactMethod.staff_id).where(ContactMethod.opted_out_at.is_not(None), ContactMethod.channel == "sms")
    ).all()
    alarmed = session.scalar(select(func.count()).select_from(Message).where(Message.dedupe.like("inbound:%:stop:%")))
    if stopped and not alarmed:
        checker.faults.append("I13: somebody of the team sent STOP and nobody was told")


def _reached(checker: Checker, session: Any) -> None:
    """Whoever can be reached was at least tried, unless a human was quicker."""
    now = checker.runtime.clock.now()
    usable = [
        one for one in session.scalars(select(ContactMethod))
        if contacts.as_rule(one, now).usable and one.channel in ("sms", "voice")
    ]  # fmt: skip
    for alert, run in _cases(session):
        if alert.status != "open" or run.loop or not checker.settled or checker.sent[alert.id]:
            continue
        pages = session.scalar(select(func.count()).select_from(Page).where(Page.alert_id == alert.id))
        if usable and (not pages or now > alert.opened_at + 2 * LEASE):
            checker.faults.append(f"I7: nobody was paged for case {alert.case}")


def _in_time(checker: Checker, session: Any) -> None:
    now = checker.runtime.clock.now()
    for alert, run in _cases(session):
        events = {line.event for line in session.scalars(select(AlertLog).where(AlertLog.alert_id == alert.id))}
        steps = escalations.policy_of(alert).steps
        if not events & HURRIED:
            for page in session.scalars(select(Page).where(Page.alert_id == alert.id, Page.loop == 0)):
                after = steps[page.step].after if page.step < len(steps) else 0
                if page.created_at < alert.opened_at + timedelta(seconds=after):
                    checker.faults.append(f"I11: rung {page.step} of case {alert.case} came too early")
        wake = {"open": run.due_at, "acknowledged": alert.outcome_due_at}.get(alert.status)
        if checker.settled and wake is not None and wake <= now:
            checker.faults.append(f"I11: case {alert.case} was due at {wake} and nothing happened")


def _on_its_way(checker: Checker, session: Any) -> None:
    """After everything due is done: no urgent message waits, no claim of a dead process lasts, no row raises."""
    if not checker.settled:
        return
    now, machine = checker.runtime.clock.now(), checker.runtime.clock.machine()
    waiting = select(Message).where(Message.lane == "pages", Message.status.in_(("ready", "claimed")))
    for row in session.scalars(waiting):
        if row.status == "ready" and row.send_at <= now:
            checker.faults.append(f"I11: message {row.id} waits although it is due")
        if row.status == "claimed" and row.lease_until is not None and row.lease_until <= machine:
            checker.faults.append(f"I14: message {row.id} stays with a process that is gone")
    checker.faults += [f"I14: the row {key} cannot be handled" for key in checker.runtime.backed_off]
