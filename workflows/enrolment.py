"""A patient's states in a study. Being admitted to hospital is a flag beside them, not a state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from workflows.decisions import AuditNote, Decision, RuleViolation


class PatientStatus(StrEnum):
    SCREENING = "screening"
    ENROLLED = "enrolled"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    DIED = "died"


MOVES: dict[PatientStatus, frozenset[PatientStatus]] = {
    PatientStatus.SCREENING: frozenset({PatientStatus.ENROLLED, PatientStatus.WITHDRAWN, PatientStatus.DIED}),
    PatientStatus.ENROLLED: frozenset({PatientStatus.COMPLETED, PatientStatus.WITHDRAWN, PatientStatus.DIED}),
    PatientStatus.COMPLETED: frozenset({PatientStatus.DIED, PatientStatus.ENROLLED}),
    PatientStatus.WITHDRAWN: frozenset({PatientStatus.DIED, PatientStatus.ENROLLED}),
    PatientStatus.DIED: frozenset({PatientStatus.ENROLLED}),  # recorded by mistake
}
ENDED = frozenset({PatientStatus.COMPLETED, PatientStatus.WITHDRAWN, PatientStatus.DIED})
ADMITTED, DISCHARGED = "admitted", "discharged"


@dataclass(frozen=True)
class PatientState:
    """What these rules need to know of a patient: her status, and whether she is in hospital."""

    status: PatientStatus
    admitted: bool = False
    enrolled_on: date | None = None


def is_followed(state: PatientState) -> bool:
    """Whether reminders, questions and appointments are hers at all."""
    return state.status is PatientStatus.ENROLLED


def may_be_asked(state: PatientState) -> bool:
    """Whether the daily questions go out: admission pauses them."""
    return is_followed(state) and not state.admitted


def change_status(state: PatientState, wanted: str, on: date, reason: str, today: date) -> Decision:
    """The changes for `wanted`: a status, "admitted" or "discharged", from the local day `on`.

    `changes` may hold status, admitted, and `cancel_all`: everything that would be sent is cancelled before
    the next send. Raises RuleViolation for an unknown word, a move that is not allowed, a day in the future
    or before enrolment, and a missing reason where one is needed (withdrawn, died, and every way back).
    """
    if on > today:
        raise RuleViolation("on", on, "cannot be in the future")
    if state.enrolled_on is not None and on < state.enrolled_on:
        raise RuleViolation("on", on, f"cannot be before the enrolment on {state.enrolled_on}")
    if wanted in (ADMITTED, DISCHARGED):
        return _admission(state, wanted, on)
    try:
        new = PatientStatus(wanted)
    except ValueError:
        known = ", ".join([*map(str, PatientStatus), ADMITTED, DISCHARGED])
        raise RuleViolation("status", wanted, f"is not a status; there are: {known}") from None
    if new not in MOVES[state.status]:
        raise RuleViolation("status", wanted, f"a patient who is {state.status} cannot become {new}")
    needs_reason = new in (PatientStatus.WITHDRAWN, PatientStatus.DIED) or state.status in ENDED
    if needs_reason and not reason.strip():
        raise RuleViolation("reason", reason, f"is needed to become {new}")
    changes: dict[str, object] = {"status": new}
    if new in ENDED:
        changes |= {"admitted": False, "cancel_all": True}
    return Decision(
        changes, audit=(AuditNote(f"patient:{new}", {"from": str(state.status), "on": on.isoformat()}),)
    )


def _admission(state: PatientState, wanted: str, on: date) -> Decision:
    if state.status is not PatientStatus.ENROLLED:
        raise RuleViolation("status", wanted, f"a patient who is {state.status} is not {wanted}")
    admitted = wanted == ADMITTED
    if admitted == state.admitted:
        raise RuleViolation("status", wanted, f"the patient is {'already' if admitted else 'not'} admitted")
    return Decision({"admitted": admitted}, audit=(AuditNote(f"patient:{wanted}", {"on": on.isoformat()}),))
