"""A visit's states, and whether a new date needs a reason."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Protocol

from workflows.decisions import AuditNote, Decision, RuleViolation

Day = date


class VisitStatus(StrEnum):
    PLANNED = "planned"
    BOOKED = "booked"  # a date was agreed on by hand
    COMPLETED = "completed"
    MISSED = "missed"
    CANCELLED = "cancelled"


MOVES: dict[VisitStatus, frozenset[VisitStatus]] = {
    VisitStatus.PLANNED: frozenset(
        {VisitStatus.BOOKED, VisitStatus.COMPLETED, VisitStatus.MISSED, VisitStatus.CANCELLED}
    ),
    VisitStatus.BOOKED: frozenset(
        {VisitStatus.PLANNED, VisitStatus.COMPLETED, VisitStatus.MISSED, VisitStatus.CANCELLED}
    ),
    VisitStatus.MISSED: frozenset({VisitStatus.BOOKED, VisitStatus.COMPLETED}),
    VisitStatus.COMPLETED: frozenset({VisitStatus.BOOKED}),  # a completion recorded by mistake, with a reason
    VisitStatus.CANCELLED: frozenset({VisitStatus.PLANNED, VisitStatus.BOOKED}),
}
NEEDS_REASON = frozenset({VisitStatus.COMPLETED, VisitStatus.CANCELLED, VisitStatus.MISSED})
OPEN = frozenset({VisitStatus.PLANNED, VisitStatus.BOOKED})


class Dated(Protocol):
    """Anything with a status, a date and an inclusive window of local days."""

    @property
    def status(self) -> str: ...
    @property
    def date(self) -> Day: ...
    @property
    def window_start(self) -> Day | None: ...
    @property
    def window_end(self) -> Day | None: ...


def is_inside(visit: Dated, day: date) -> bool:
    """Whether `day` lies in the visit's window; an unscheduled visit has none and takes any day."""
    if visit.window_start is None or visit.window_end is None:
        return True
    return visit.window_start <= day <= visit.window_end


def is_due(visit: Dated, today: date) -> bool:
    """Whether the visit should take place today or has not and its window is still open."""
    return visit.status in OPEN and visit.date <= today and not is_late(visit, today)


def is_late(visit: Dated, today: date) -> bool:
    """Whether the visit has not taken place and its window is over."""
    return visit.status in OPEN and visit.window_end is not None and max(visit.window_end, visit.date) < today


def check_status(old: VisitStatus, new: VisitStatus, reason: str = "") -> Decision:
    """The change of status, or RuleViolation. Going back from done, missed or cancelled needs a reason."""
    if new is old:
        return Decision()
    if new not in MOVES[old]:
        raise RuleViolation("status", str(new), f"a visit that is {old} cannot become {new}")
    if old in NEEDS_REASON and new is not VisitStatus.COMPLETED and not reason.strip():
        raise RuleViolation("reason", reason, f"a visit that is {old} becomes {new} only with a reason")
    return Decision(changes={"status": new}, audit=(AuditNote(f"visit:{new}", {"from": str(old)}),))


def check_move(visit: Dated, new_date: date, reason: str = "") -> Decision:
    """The new date: free inside the window; outside only with a reason, as a deviation.

    Raises RuleViolation for a visit that is not open, and outside the window without a reason.
    """
    if visit.status not in OPEN:
        raise RuleViolation("date", new_date, f"a visit that is {visit.status} cannot move")
    if is_inside(visit, new_date):
        return Decision({"date": new_date}, audit=(AuditNote("visit:move", {"to": new_date.isoformat()}),))
    if not reason.strip():
        raise RuleViolation(
            "date",
            new_date,
            f"is outside {visit.window_start} to {visit.window_end}: a reason makes it a deviation",
        )
    detail = {"to": new_date.isoformat(), "reason": reason.strip()}
    return Decision({"date": new_date, "deviation": True}, audit=(AuditNote("visit:deviate", detail),))
