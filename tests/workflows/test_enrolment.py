"""A patient's states."""

from __future__ import annotations

import pytest

from tests.workflows.calendar_case import day
from workflows.decisions import RuleViolation
from workflows.enrolment import (
    ENDED,
    MOVES,
    PatientState,
    PatientStatus,
    change_status,
    is_followed,
    may_be_asked,
)

TODAY = day("05-10")
ENROLLED = PatientState(PatientStatus.ENROLLED, enrolled_on=day("03-02"))


def test_admission_pauses_the_questions_but_not_the_following() -> None:
    admitted = PatientState(PatientStatus.ENROLLED, admitted=True)
    assert change_status(ENROLLED, "admitted", TODAY, "", TODAY).changes == {"admitted": True}
    assert change_status(admitted, "discharged", TODAY, "", TODAY).changes == {"admitted": False}
    assert may_be_asked(ENROLLED) and not may_be_asked(admitted) and is_followed(admitted)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (ENROLLED, "discharged"),
        (PatientState(PatientStatus.ENROLLED, True), "admitted"),
        (PatientState(PatientStatus.DIED), "admitted"),
    ],
)  # noqa: E501
def test_admission_that_cannot_be_is_refused(state: PatientState, word: str) -> None:
    with pytest.raises(RuleViolation, match="status"):
        change_status(state, word, TODAY, "because", TODAY)


@pytest.mark.parametrize("end", sorted(ENDED))
def test_every_end_cancels_what_would_be_sent(end: PatientStatus) -> None:
    decision = change_status(ENROLLED, end, TODAY, "because", TODAY)
    assert decision.changes == {"status": end, "admitted": False, "cancel_all": True}


@pytest.mark.parametrize("end", [PatientStatus.WITHDRAWN, PatientStatus.DIED])
def test_leaving_needs_a_reason_and_so_does_coming_back(end: PatientStatus) -> None:
    with pytest.raises(RuleViolation, match="reason"):
        change_status(ENROLLED, end, TODAY, " ", TODAY)
    with pytest.raises(RuleViolation, match="reason"):
        change_status(PatientState(end), "enrolled", TODAY, "", TODAY)
    assert change_status(PatientState(end), "enrolled", TODAY, "recorded by mistake", TODAY).changes == {
        "status": PatientStatus.ENROLLED
    }


@pytest.mark.parametrize(("old", "new"), [(old, new) for old in PatientStatus for new in PatientStatus])
def test_only_the_moves_of_the_table_are_allowed(old: PatientStatus, new: PatientStatus) -> None:
    state = PatientState(old)
    if new in MOVES[old]:
        assert change_status(state, new, TODAY, "because", TODAY).changes["status"] is new
    else:
        with pytest.raises(RuleViolation, match=f"a patient who is {old} cannot become {new}"):
            change_status(state, new, TODAY, "because", TODAY)


def test_days_in_the_future_or_before_enrolment_and_unknown_words_are_refused() -> None:
    for on, field in ((day("05-11"), "on"), (day("03-01"), "on")):
        with pytest.raises(RuleViolation) as refused:
            change_status(ENROLLED, "died", on, "because", TODAY)
        assert refused.value.field == field
    with pytest.raises(RuleViolation, match="is not a status"):
        change_status(ENROLLED, "gone", TODAY, "because", TODAY)
