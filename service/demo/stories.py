"""The stories on the demo's buttons, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select

from service.demo import seed
from service.demo.stage import FROM, ZONE, Stage
from service.models import AnchorDate, Patient

NIGHT = (3, 12)
FEVER = "38,9"


def at_night(now: datetime) -> datetime:
    """The next 03:12 on the site's clock."""
    local = now.astimezone(ZONE)
    night = local.replace(hour=NIGHT[0], minute=NIGHT[1], second=0, microsecond=0)
    return night if night > local else night + timedelta(days=1)


def with_the_clinic(stage: Stage, run: Callable[[], None]) -> None:
    """Run while the care team works by itself: an old case that nobody takes would page all day long."""
    stage.robots.clinic = True
    try:
        run()
    finally:
        stage.robots.clinic = False
        stage.robots.skip()


def type_text(stage: Stage, number: str, body: str) -> None:
    """Somebody types a text on their phone, as an answer to the newest one they have."""
    phone = stage.simulator.phone(number)
    newest = next((text for text in reversed(phone.inbox) if text.direction == "outbound-api"), None)
    if newest is None:
        stage.simulator.receive(number, FROM, body)
    else:
        stage.simulator.receive(number, newest.from_, body, channel=newest.channel)


def fever(stage: Stage, patient: str) -> None:
    """Fever at 03:12: the clock goes to the night, then the patient types it."""
    number = dict(seed.PATIENTS)[patient]
    stage.robots.quiet.discard(number)  # until then it is a patient like the others
    with_the_clinic(stage, lambda: stage.engine.advance_to(at_night(stage.runtime.clock.now())))
    stage.robots.quiet.add(number)
    type_text(stage, number, FEVER)
    stage.engine.settle()


def silent_doctor(stage: Stage, patient: str) -> None:
    """A fever, and nobody takes it: the whole ladder in sixteen minutes."""
    fever(stage, patient)
    stage.engine.advance(timedelta(minutes=16))


def stop(stage: Stage, patient: str) -> None:
    """The patient texts STOP: the carrier blocks the number, the coordinator gets a task."""
    type_text(stage, dict(seed.PATIENTS)[patient], "STOP")
    stage.engine.settle()


def carrier(stage: Stage, patient: str) -> None:
    """The carrier goes down; pressed again, it is back."""
    stage.simulator.faults.down = not stage.simulator.faults.down


STORIES: dict[str, Callable[[Stage, str], None]] = {
    "fever": fever,
    "silent_doctor": silent_doctor,
    "stop": stop,
    "carrier": carrier,
}


def end_of_study(stage: Stage) -> datetime:
    """Day 182 after the newest first infusion; from now where nobody had one."""
    with stage.runtime.db.reading() as session:
        dates = session.scalars(
            select(AnchorDate.actual_date).where(
                AnchorDate.name == "infusion_1", AnchorDate.actual_date.is_not(None)
            )
        )
        newest = max((day for day in dates if day is not None), default=None)
    now = stage.runtime.clock.now().astimezone(ZONE)
    last = now if newest is None else datetime(newest.year, newest.month, newest.day, 12, tzinfo=ZONE)
    return max(last + timedelta(days=182), now)


def run_to_the_end(stage: Stage) -> None:
    """To day 182, with everybody answering by themselves, and two fevers on the way."""
    numbers, today = dict(seed.PATIENTS), stage.runtime.clock.now().astimezone(ZONE).date()
    kept, stage.robots.quiet = stage.robots.quiet, set()
    stage.robots.fevers |= {
        (numbers["P-004"], today + timedelta(days=20)): "38,2 N 1 3",
        (numbers["P-007"], today + timedelta(days=45)): "38,6 A 1 4",
    }
    try:
        with_the_clinic(stage, lambda: stage.engine.advance_to(end_of_study(stage)))
    finally:
        stage.robots.quiet = kept


CLOCK: dict[str, Callable[[Stage], None]] = {
    "hour": lambda stage: stage.engine.advance(timedelta(hours=1)),
    "day": lambda stage: with_the_clinic(stage, lambda: stage.engine.advance(timedelta(days=1))),
    "next": lambda stage: stage.engine.next_event(),
    "end": run_to_the_end,
}


def codes_of_patients(stage: Stage) -> list[tuple[str, str, str]]:
    """(code, number, status) of each enrolled patient."""
    numbers = dict(seed.PATIENTS)
    with stage.runtime.db.reading() as session:
        rows = session.execute(select(Patient.code, Patient.status).order_by(Patient.code)).all()
    return [(code, numbers.get(code, ""), status) for code, status in rows]
