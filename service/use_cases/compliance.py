"""How many questionnaires were due, answered, late and missed. A missing answer is counted, never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.models import Occasion, Patient


@dataclass(frozen=True)
class Compliance:
    """Counts of one questionnaire. `late` ones were answered after their time; `waiting` are open now.

    `percent`: answered of those that are over, to 0.1; None while none is over. Paused occasions (in hospital) and
    cancelled ones are not due.
    """

    questionnaire: str
    due: int
    answered: int
    late: int
    missed: int
    waiting: int
    paused: int
    percent: float | None


def of_patient(session: Session, patient: Patient) -> list[Compliance]:
    """One row a questionnaire, in the order of their keys."""
    return _counted(session, Occasion.patient_id == patient.id)


def of_site(session: Session, site_id: int) -> list[Compliance]:
    """One row a questionnaire over the patients of a site."""
    return _counted(session, Occasion.site_id == site_id)


def _counted(session: Session, where: ColumnElement[bool]) -> list[Compliance]:
    after_time = Occasion.answered_at > Occasion.late_at
    rows = session.execute(
        select(Occasion.questionnaire, Occasion.status, after_time, func.count())
        .where(where)
        .group_by(Occasion.questionnaire, Occasion.status, after_time)
    ).all()
    return [
        _row(key, [(status, bool(late), number) for name, status, late, number in rows if name == key])
        for key in sorted({row[0] for row in rows})
    ]


def _row(key: str, counts: Iterable[tuple[str, bool, int]]) -> Compliance:
    by_status: dict[str, int] = {}
    late = 0
    for status, was_late, number in counts:
        by_status[status] = by_status.get(status, 0) + number
        late += number if status == "answered" and was_late else 0
    answered, missed = by_status.get("answered", 0), by_status.get("missed", 0)
    waiting = by_status.get("open", 0) + by_status.get("late", 0)
    over = answered + missed
    return Compliance(
        questionnaire=key,
        due=over + waiting,
        answered=answered,
        late=late,
        missed=missed,
        waiting=waiting,
        paused=by_status.get("paused", 0),
        percent=round(100 * answered / over, 1) if over else None,
    )
