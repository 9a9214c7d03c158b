"""The staff of a rehearsal: doctors who sleep, a coordinator who clears her desk."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service.demo import seed
from service.demo.sim_state import Call, Text
from service.models import Alert, Patient, Staff, Task, Visit
from service.use_cases import alerts, anchors, tasks, visits
from workflows.alerts import Outcome
from workflows.visits import VisitStatus

if TYPE_CHECKING:
    from service.rehearsal import Rehearsal

ZONE = ZoneInfo(seed.ZONE)


class Doctor:
    """Takes a case by its code, when awake; tells the outcome some minutes later."""

    def __init__(self, stage: Rehearsal, person: seed.Person) -> None:
        self.stage, self.person, self.dice = stage, person, stage.dice

    def gets(self, text: Text) -> None:
        """A page: taken after a minute or so, or slept through."""
        code = re.search(r"\b([0-9][A-Z]{1,2}4)\b", text.body)
        if code is None:
            return
        if self.dice.random() > (0.45 if self.asleep else 0.85):
            self.stage.reactions[text.sid] = "slept through" if self.asleep else "not looked at"
            return
        seconds = self.dice.randint(15, 240)
        self.stage.reactions[text.sid] = f"answered after {seconds} s"
        self.stage.at(self.stage.now + timedelta(seconds=seconds), lambda: self.takes(code[1]))

    def rings(self, call: Call) -> None:
        """A call: picked up and taken by a key, or not; then the voicemail, where there is one, hears it."""
        if self.dice.random() > (0.3 if self.asleep else 0.5):
            machine = self.person.phone in self.stage.simulator.desk.machines
            self.stage.reactions[call.sid] = "heard by a voicemail" if machine else "rang out"
            return
        seconds = self.dice.randint(5, 18)
        self.stage.reactions[call.sid] = f"key 4 after {seconds} s"
        self.stage.at(self.stage.now + timedelta(seconds=seconds), lambda: self.presses(call))

    def presses(self, call: Call) -> None:
        """Key 4; the outcome follows as after a text."""
        self.stage.simulator.press(call, "4")
        self.stage.at(self.stage.now + timedelta(minutes=self.dice.randint(4, 25)), self.tells_outcome)

    @property
    def asleep(self) -> bool:
        return not time(6, 30) <= self.stage.now.astimezone(ZONE).time() <= time(23, 30)

    def takes(self, code: str) -> None:
        self.stage.says(self.person.phone, code)
        self.stage.at(self.stage.now + timedelta(minutes=self.dice.randint(4, 25)), self.tells_outcome)

    def tells_outcome(self) -> None:
        """Of each case that this doctor holds."""
        with self.stage.runtime.db.unit_of_work() as session:
            staff = session.scalars(select(Staff).where(Staff.email == self.person.email)).one()
            mine = session.scalars(
                select(Alert).where(Alert.status == "acknowledged", Alert.acknowledged_by_id == staff.id)
            ).all()
            for alert in mine:
                words = Outcome.ADVISED_BY_PHONE if self.dice.random() < 0.5 else Outcome.SENT_TO_ER
                alerts.outcome(session, alert, staff=staff, outcome=str(words), now=self.stage.now)


class Ana:
    """The coordinator: clears her tasks three times a day and records what happened."""

    def __init__(self, stage: Rehearsal) -> None:
        self.stage, self.dice = stage, stage.dice

    def plan_day(self) -> None:
        """Today's rounds every two hours from 10:20, and the visits at 17:20."""
        today = self.stage.now.astimezone(ZONE).date()
        rounds = [(hour, self.clears) for hour in (10, 12, 14, 16)]
        for hour, do in (*rounds, (17, self.records)):
            at = datetime.combine(today, time(hour, 20), tzinfo=ZONE).astimezone(self.stage.now.tzinfo)
            if at > self.stage.now:
                self.stage.at(at, do)

    def clears(self) -> None:
        """Every open task is seen and done."""
        with self.stage.runtime.db.unit_of_work() as session:
            for task in session.scalars(select(Task).where(Task.status != tasks.DONE).order_by(Task.id)):
                tasks.done(session, task, actor="staff:1", now=self.stage.now, note="called")

    def records(self) -> None:
        """What took place today: dosing days date their anchors, most visits are held, some are missed."""
        today = self.stage.now.astimezone(ZONE).date()
        with self.stage.runtime.db.reading() as session:
            due = session.execute(
                select(Visit.id, Visit.patient_id)
                .where(Visit.date <= today, Visit.status.in_([VisitStatus.PLANNED, VisitStatus.BOOKED]))
                .order_by(Visit.id)
            ).all()
        for visit_id, patient_id in due:
            self._record(visit_id, patient_id, today)

    def _record(self, visit_id: int, patient_id: int, today: Any) -> None:
        with self.stage.runtime.db.unit_of_work() as session:
            visit = session.get_one(Visit, visit_id)
            if visit.status not in (VisitStatus.PLANNED, VisitStatus.BOOKED) or visit.date > today:
                return
            patient = session.get_one(Patient, patient_id)
            anchor = {"ATG1": "atg_start", "INF1": "infusion_1", "INF2": "infusion_2"}.get(visit.code)
            if anchor:
                if visit.code == "INF1" and self.dice.random() < 0.3:
                    return  # delayed by a day
                anchors.commit(
                    session, patient, anchor=anchor, date=today, reason="given today", actor="staff:1",
                    now=self.stage.now,
                )  # fmt: skip
                return
            held = self.dice.random() < 0.93
            visits.change(
                session, visit, status=str(VisitStatus.COMPLETED if held else VisitStatus.MISSED),
                completed_on=today if held else None, reason="recorded at the end of the day", actor="staff:1",
                now=self.stage.now,
            )  # fmt: skip
