"""A post office for tests of sending: one patient, one doctor, the real twilio client, the simulator, a still clock.

Nothing ticks: only what a test enqueues is sent, and only when it says `send()`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update

from service.demo import seed
from service.models import Attempt, Message, Patient, Receipt, Staff, Task
from service.use_cases import outbox


class PostOffice:
    def __init__(self, world: Any) -> None:
        self.world, self.runtime, self.simulator = world, world.runtime, world.simulator
        self.db, self.clock, self.sender = self.runtime.db, world.clock, world.sender
        with self.db.unit_of_work() as session:
            self.patient_id = seed.enrol(session, "P-001", on=world.local.date(), now=world.now).id
            self.doctor_id = session.scalars(select(Staff.id).where(Staff.name == "Dr. Reis")).one()
            session.execute(update(Message).values(status="cancelled", reason="not part of this test"))
        self.phone = dict(seed.PATIENTS)["P-001"]
        self.serial = 0

    def enqueue(self, kind: str = "reminder", template: str = "weekly", *, to: str = "patient", **more: Any) -> int:
        """A message, by default a reminder that may leave now; its id."""
        self.serial += 1
        more.setdefault("dedupe", f"test:{self.serial}")
        if template == "weekly":
            more.setdefault("fields", {"url": f"https://v.test/{self.serial:06d}"})
        with self.db.unit_of_work() as session:
            person = {"patient": session.get(Patient, self.patient_id)} if to == "patient" else {
                "staff": session.get(Staff, self.doctor_id)
            }
            return outbox.enqueue(session, now=self.clock.now(), kind=kind, template=template, **person, **more).id

    def page(self, alert_id: int | None = None, **more: Any) -> int:
        """A page to Dr. Reis; its id."""
        fields = {"case": "7K", "patient": "P-001", "time": "08:00", "take": "7K4", "pass_on": "7K5",
                  "url": f"/a/{self.serial + 1:06d}"}  # fmt: skip
        return self.enqueue("page", "page", to="staff", fields=fields, alert_id=alert_id, **more)

    def send(self) -> int:
        return self.sender.drain()

    def wait(self, **by: float) -> None:
        """Both clocks go on; nothing is done."""
        self.clock.advance(timedelta(**by))

    def machine_waits(self, **by: float) -> None:
        """Only the machine's clock goes on."""
        self.clock.machine_at += timedelta(**by)

    def report(self) -> None:
        """All callbacks arrive, with what follows from them."""
        for _ in range(20):
            if not self.simulator.deliver():
                return

    def message(self, message_id: int) -> Message:
        with self.db.reading() as session:
            return session.get_one(Message, message_id)

    def status(self, message_id: int) -> str:
        return self.message(message_id).status

    def attempts(self, message_id: int) -> list[Attempt]:
        with self.db.reading() as session:
            found = select(Attempt).where(Attempt.message_id == message_id).order_by(Attempt.number)
            return list(session.scalars(found))

    def receipts(self, message_id: int) -> list[Receipt]:
        with self.db.reading() as session:
            return list(session.scalars(select(Receipt).where(Receipt.message_id == message_id).order_by(Receipt.id)))

    def patient(self) -> Patient:
        with self.db.reading() as session:
            return session.get_one(Patient, self.patient_id)

    def tasks(self, kind: str) -> list[Task]:
        with self.db.reading() as session:
            return list(session.scalars(select(Task).where(Task.kind == kind)))

    def count(self, table: Any) -> int:
        with self.db.reading() as session:
            return int(session.scalar(select(func.count()).select_from(table)) or 0)

    def texts(self, number: str = "") -> list[str]:
        """What the carrier took for a number, delivered or not."""
        return [text.body for text in self.simulator.texts if text.to == (number or self.phone)]
