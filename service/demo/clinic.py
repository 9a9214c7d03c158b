"""The made-up clinic: the coordinator sees tasks, the care team closes cases, visits are held and blood is
drawn."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.demo import seed
from service.errors import Problem
from service.models import Alert, Patient, Staff, Task, Visit
from service.runtime import Runtime
from service.security import Role
from service.use_cases import alerts, observations, occasions, patient_facts, responses, tasks, visits
from workflows.alerts import Outcome
from workflows.decisions import RuleViolation
from workflows.protocol import Item, ItemType

ZONE = ZoneInfo(seed.ZONE)
UNITS = {"hb": "g/dL", "anc": "/mm3", "platelets": "/mm3", "creatinine": "mg/dL", "csa": "ng/mL"}
HELD_BACK = timedelta(days=7)  # a visit older than this was not held


def look_at_tasks(runtime: Runtime, *, do_them: bool) -> int:
    """The coordinator sees every new task; with `do_them` it is done at once. How many changed."""
    with runtime.db.reading() as session:
        wanted = ("open", "seen") if do_them else ("open",)
        numbers = list(session.scalars(select(Task.id).where(Task.status.in_(wanted)).order_by(Task.id)))
        if not numbers:
            return 0
        coordinator = session.scalars(select(Staff).where(Staff.role == Role.COORDINATOR)).first()
    actor = f"staff:{coordinator.id}" if coordinator else "system"
    for number in numbers:
        with runtime.db.unit_of_work() as session:
            task, now = session.get_one(Task, number), runtime.clock.now()
            if do_them:
                tasks.done(session, task, actor=actor, now=now, note="called")
            else:
                tasks.see(session, task, actor=actor, now=now)
    return len(numbers)


def close_cases(runtime: Runtime) -> int:
    """Dr. Reis takes every open case, and records the outcome of every taken one. How many changed."""
    with runtime.db.reading() as session:
        numbers = list(session.scalars(select(Alert.id).where(Alert.status != "closed").order_by(Alert.id)))
        if not numbers:
            return 0
        doctor = session.scalars(select(Staff).where(Staff.email == seed.REIS.email)).one()
    for number in numbers:
        with runtime.db.unit_of_work() as session:
            alert, now = session.get_one(Alert, number), runtime.clock.now()
            who = session.get_one(Staff, alert.acknowledged_by_id or doctor.id)
            if alert.status == "open":
                alerts.acknowledge(session, alert, staff=who, via="console", now=now)
            else:
                alerts.outcome(session, alert, staff=who, outcome=Outcome.SENT_TO_ER, now=now)
    return len(numbers)


def hold_visits(runtime: Runtime, today: date) -> int:
    """The visits of the days before `today` took place on their day. How many."""
    with runtime.db.reading() as session:
        due = (
            select(Visit.id)
            .join(Patient, Patient.id == Visit.patient_id)
            .where(
                Visit.status.in_(("planned", "booked")),
                Visit.merged_into.is_(None),
                Visit.date < today,
                Visit.date >= today - HELD_BACK,
                Patient.status == "enrolled",
            )
        )
        numbers = list(session.scalars(due.order_by(Visit.date, Visit.id)))
    return sum(_hold(runtime, number, today) for number in numbers)


def _hold(runtime: Runtime, number: int, today: date) -> int:
    try:
        with runtime.db.unit_of_work() as session:
            visit, now = session.get_one(Visit, number), runtime.clock.now()
            if visit.status not in ("planned", "booked") or visit.date >= today:
                return 0  # an infusion held a moment ago moved it
            held_on = visit.date
            visits.change(session, visit, status="completed", completed_on=held_on, actor="system", now=now)
            if visit.code == "BASE" or visit.code.startswith("W"):
                _draw_blood(session, visit, held_on, now)
            return 1
    except (Problem, RuleViolation):
        return 0  # what the protocol refuses stays as it is, for a person to decide


def _draw_blood(session: Session, visit: Visit, on: date, now: datetime) -> None:
    drawn_at = datetime.combine(on, time(8, 30), ZONE)
    for code, value in made_up_labs(visit.patient.code, visit.code).items():
        observations.record(
            session,
            visit.patient,
            code=code,
            value=value,
            unit=UNITS[code],
            drawn_at=drawn_at,
            last_dose_at=drawn_at - timedelta(hours=12) if code == "csa" else None,
            visit=visit,
            actor="system",
            now=now,
        )


def made_up_labs(patient: str, visit: str) -> dict[str, Decimal]:
    """Values of a slow recovery, the same every time; P-003's level is once far too high."""
    week, who = int(visit[1:]) if visit[1:].isdigit() else 0, int(patient[-1])
    found = {
        "hb": Decimal(72 + week + who % 4) / 10,
        "anc": Decimal(90 + 55 * week + 17 * who),
        "platelets": Decimal(8000 + 1900 * week + 800 * who),
        "creatinine": Decimal(80 + (7 * week + 5 * who) % 30) / 100,
    }
    if week:
        too_high = (patient, visit) == ("P-003", "W02")
        found["csa"] = Decimal(412 if too_high else 155 + (37 * week + 53 * who) % 90)
    return found


def answer_weekly(runtime: Runtime, number: str) -> int:
    """The patient with this phone answers the open weekly questions on the web page. How many occasions."""
    with runtime.db.unit_of_work() as session:
        code = next((code for code, phone in seed.PATIENTS if phone == number), "")
        patient = session.scalars(select(Patient).where(Patient.code == code)).one_or_none()
        now = runtime.clock.now()
        open_ones = occasions.open_for(session, patient, now=now) if patient else []
        weekly = [one for one in open_ones if one.questionnaire == "weekly"]
        for occasion in weekly:
            assert patient is not None
            form = patient_facts.questionnaire_of(session, patient, "weekly")
            answers = {item.key: well(item) for item in form.items if item.asked_when is None}
            responses.record_answers(
                session,
                patient,
                occasion=occasion,
                questionnaire="weekly",
                answers=answers,
                channel="web",
                now=now,
            )
        return len(weekly)


def well(item: Item) -> str:
    """What a patient who is well answers: the first choice, the lowest number; what may be left out is left out."""
    if not item.required:
        return ""
    if item.type in (ItemType.CHOICE, ItemType.LETTERS):
        return item.choices[0].code
    if item.type is ItemType.NUMBER:
        return str(item.low if item.low is not None else 0)
    return "-"
