"""Occasions as rows: opened at their hour, reminded of, late, missed, paused. Planned by `calendar_questions`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.models import Occasion, Patient
from service.prepared import Prepared
from service.use_cases import bulk, outbox, rows, studies
from workflows.occasions import ANSWERABLE, OccasionStatus, plan_one
from workflows.protocol import Schedule
from workflows.silence import AskedOccasion, silent_at

IN_HOSPITAL = "in hospital"
UPCOMING, OPEN, LATE = OccasionStatus.UPCOMING.value, OccasionStatus.OPEN.value, OccasionStatus.LATE.value
ROWS = bulk.table_of(Occasion).c  # of the table itself: for plain values the mapper takes as long as the database
ANSWERABLE_OF = (
    select(*ROWS).where(ROWS.patient_id == bindparam("patient"), or_(ROWS.status == OPEN, ROWS.status == LATE))
    .order_by(ROWS.id)
)  # fmt: skip
OPEN_FOR = Prepared(ANSWERABLE_OF)
HOLD_OPEN_FOR = Prepared(ANSWERABLE_OF.with_for_update(of=bulk.table_of(Occasion), key_share=True))
ASKED_BESIDE = Prepared(select(ROWS.id).where(
    ROWS.patient_id == bindparam("patient"),
    or_(ROWS.status == OPEN, ROWS.status == LATE),
    ROWS.item.is_not(None),
    ROWS.missed_at > bindparam("now"),
    ROWS.id != bindparam("but"),
))


def get(session: Session, occasion_id: int) -> Occasion:
    """One occasion; NotFound."""
    row = session.get(Occasion, occasion_id) if 0 < occasion_id < 2**63 else None
    if row is None:
        raise NotFound(f"there is no occasion {occasion_id}")
    return row


def of_patient(session: Session, patient: Patient, *, since: date | None = None) -> list[Occasion]:
    """The patient's occasions by day, from `since` on."""
    query = select(Occasion).where(Occasion.patient_id == patient.id).order_by(Occasion.for_date, Occasion.id)
    return list(session.scalars(query if since is None else query.where(Occasion.for_date >= since)))


def open_for(session: Session, patient: Patient, *, now: datetime, hold: bool = False) -> list[Occasion]:
    """What the patient may answer now: most urgent first, then the latest day first. `hold`: locked, and read as it is
    now; the patient must be held already."""
    bulk.flush_of(session, Occasion)
    found = (HOLD_OPEN_FOR if hold else OPEN_FOR).all(session, patient=patient.id)
    there = [rows.stand(session, Occasion, row) for row in found if row.missed_at > now]
    return _by_urgency(session, patient, there)


def asked_beside(session: Session, patient: Patient, occasion: Occasion, *, now: datetime) -> list[Occasion]:
    """The patient's other occasions in which a question is open, in the order of `open_for`."""
    with session.no_autoflush:  # what waits is of this occasion
        others = ASKED_BESIDE.all(session, patient=patient.id, but=occasion.id, now=now)
        return _by_urgency(session, patient, (session.get_one(Occasion, number) for (number,) in others))


def _by_urgency(session: Session, patient: Patient, found: Iterable[Occasion]) -> list[Occasion]:
    urgency = {one.key: one.urgency for one in studies.design_for(session, patient).questionnaires}
    return sorted(found, key=lambda row: (urgency.get(row.questionnaire, 99), -row.for_date.toordinal()))


def finish(session: Session, occasion: Occasion, *, now: datetime) -> None:
    """The last question was answered: reminders that wait are cancelled."""
    _answered(session, occasion, "answered late" if occasion.status == LATE else "answered", now)
    outbox.cancel_for(session, now=now, reason="answered already", occasion_id=occasion.id)


def stop_asking(session: Session, occasion: Occasion, *, reason: str, now: datetime) -> None:
    """A red answer ends the questions: what is answered stays, nothing more is asked or reminded of."""
    _answered(session, occasion, reason, now)
    outbox.cancel_for(session, now=now, reason=reason, occasion_id=occasion.id)


def _answered(session: Session, occasion: Occasion, reason: str, now: datetime) -> None:
    rows.change(
        session, occasion, status=OccasionStatus.ANSWERED.value, answered_at=now, item=None, next_due_at=None,
        ended_reason=reason,
    )  # fmt: skip


def ask(session: Session, occasion: Occasion, item: str) -> None:
    """`item` is the question that is open now."""
    if occasion.item != item:
        rows.change(session, occasion, item=item)


def pause(session: Session, patient: Patient, *, now: datetime) -> int:
    """Admitted: what is open is paused; what is upcoming is looked at when its hour comes."""
    count = 0
    for row in open_for(session, patient, now=now):
        if schedule_of(session, patient, row).paused_while_admitted:
            _end(session, row, OccasionStatus.PAUSED, IN_HOSPITAL, now)
            count += 1
    return count


def resume(session: Session, patient: Patient, *, now: datetime) -> int:
    """Discharged: today's paused questions open again while their reminders still run; else tomorrow's are next."""
    today = now.astimezone(ZoneInfo(patient.timezone)).date()
    count = 0
    paused = session.scalars(
        select(Occasion).where(
            Occasion.patient_id == patient.id,
            Occasion.status == OccasionStatus.PAUSED.value,
            Occasion.for_date == today,
        )
    )
    for row in paused:
        last = max(reminders_of(session, patient, row), default=row.opens_at)
        if row.opens_at <= now <= last:
            row.status, row.next_due_at, row.ended_reason = UPCOMING, now, None
            count += 1
    return count


def end_all(session: Session, patient: Patient, *, reason: str, now: datetime) -> int:
    """The patient has left: nothing is asked any more."""
    living = session.scalars(
        select(Occasion).where(
            Occasion.patient_id == patient.id, Occasion.status.in_([UPCOMING, OPEN, LATE])
        )
    ).all()
    for row in living:
        _end(session, row, OccasionStatus.CANCELLED, reason, now)
    return len(living)


def stop_for_good(session: Session, occasion: Occasion, *, reason: str, now: datetime) -> None:
    """A questionnaire that the patient's protocol no longer has: what is open is cancelled."""
    _end(session, occasion, OccasionStatus.CANCELLED, reason, now)


def _end(session: Session, row: Occasion, status: OccasionStatus, reason: str, now: datetime) -> None:
    if row.status in ANSWERABLE:
        outbox.cancel_for(session, now=now, reason=reason, occasion_id=row.id)
    row.status, row.next_due_at, row.ended_reason, row.item = status.value, None, reason, None


def schedule_of(session: Session, patient: Patient, row: Occasion) -> Schedule:
    """The questionnaire's schedule in the patient's protocol; NotFound where an amendment took it out."""
    schedule = studies.design_for(session, patient).questionnaire(row.questionnaire).schedule
    if schedule is None:
        raise NotFound(f"{row.questionnaire} has no schedule in the patient's protocol")
    return schedule


def reminders_of(session: Session, patient: Patient, row: Occasion) -> tuple[datetime, ...]:
    """When the patient is reminded of it."""
    planned = plan_one(
        row.questionnaire, schedule_of(session, patient, row), row.for_date, ZoneInfo(patient.timezone)
    )
    return planned.reminder_ats


def as_asked(session: Session, patient: Patient, row: Occasion) -> AskedOccasion:
    """The occasion as the rules of silence take it."""
    return AskedOccasion(
        questionnaire=row.questionnaire,
        for_date=row.for_date,
        opens_at=row.opened_at or row.opens_at,
        reminder_ats=reminders_of(session, patient, row),
        answered=row.status == OccasionStatus.ANSWERED or row.answered_at is not None,
        excused=row.status in (OccasionStatus.PAUSED, OccasionStatus.CANCELLED),
    )


def silence_times(session: Session, patient: Patient, row: Occasion) -> list[datetime]:
    """When a rule of silence may fire for this occasion."""
    design = studies.design_for(session, patient)
    asked = as_asked(session, patient, row)
    return sorted({silent_at(rule, asked) for rule in design.silence if rule.questionnaire == row.questionnaire})
