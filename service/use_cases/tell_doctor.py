"""A coordinator tells the doctor of a laboratory value: one text with a link, and who was told is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import Conflict
from service.models import Message, Observation, Patient, Staff
from service.use_cases import audit, oncall, staff, staff_messages
from workflows.escalation import ON_CALL

TASK_LENGTH = 60


def tell(
    session: Session, row: Observation, *, words: Callable[[str], str], actor: str, now: datetime
) -> Staff:
    """Text whoever is on call, else an investigator; the person. `words` writes what is asked in a language, without a
    health word. The same value again tells nobody twice. Conflict where nobody can be told.
    """
    patient = session.get_one(Patient, row.patient_id)
    already = told(session, [row.id]).get(row.id)
    if already is not None:
        return already[0]
    for person in _doctors(session, patient.site_id, now):
        fields = {
            "patient": patient.code, "task": words(person.language)[:TASK_LENGTH],
            "url": f"/patients/{patient.id}/labs",
        }  # fmt: skip
        sent = staff_messages.to_staff(session, person, "task_amber", fields, dedupe=_key(row.id), now=now)
        if sent is not None:
            audit.record(
                session, "observation:tell", actor=actor, now=now, subject_id=row.id, patient_id=patient.id,
                detail={"staff": person.id},
            )  # fmt: skip
            return person
    raise Conflict("nobody is on call and no investigator can be reached")


def told(session: Session, ids: Collection[int]) -> dict[int, tuple[Staff, datetime]]:
    """Of these values, those of which somebody was told: who, and when."""
    keys = {_key(each): each for each in ids}
    rows = session.execute(
        select(Message.dedupe, Staff, Message.created_at)
        .join(Staff, Staff.id == Message.staff_id)
        .where(Message.dedupe.in_(keys))
    )
    return {keys[key]: (person, at) for key, person, at in rows}


def _doctors(session: Session, site_id: int, now: datetime) -> list[Staff]:
    on_call = [each.staff_id for each in oncall.who(session, site_id, now) if each.layer == ON_CALL]
    here = [session.get_one(Staff, each) for each in on_call]
    return here + [one for one in staff.with_role(session, site_id, "investigator") if one.id not in on_call]


def _key(observation_id: int) -> str:
    return f"level:{observation_id}:told"
