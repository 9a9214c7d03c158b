"""Appointments in each other's way: too near, on one day in different places, at one hour, or too many for a day.

None of these forbids anything: they are shown before and after a change, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from workflows.protocol import Setting

Day = date
APART = 2  # days between two clinic appointments of a patient, where one was booked by hand


class ClashKind(StrEnum):
    ELSEWHERE = "elsewhere"  # one day, two settings: in hospital and at the clinic
    SAME_DAY = "same_day"  # one day, two appointments that are not held together
    TOO_NEAR = "too_near"  # a booked clinic appointment a day from another
    SAME_HOUR = "same_hour"  # another patient of the site is booked for the same instant
    CAPACITY = "capacity"  # more clinic appointments on a day than the site takes


class Appointment(NamedTuple):
    """What takes a patient's day: a visit that is not held with another, and is planned, booked or done.

    `patient` and `code` name it. `by_hand`: a person chose its day.
    """

    patient: str
    code: str
    date: Day
    setting: Setting
    by_hand: bool = False
    booked_at: datetime | None = None


@dataclass(frozen=True)
class Clash:
    """`code` is the appointment that is looked at, `other` the one in its way (capacity: none).

    `count` and `limit`: for capacity the appointments of the day and what the site takes; for `too_near` the
    days between.
    """

    kind: ClashKind
    code: str
    date: Day
    other: str = ""
    count: int = 0
    limit: int = 0

    @property
    def why(self) -> str:
        """A sentence."""
        return {
            ClashKind.ELSEWHERE: f"{self.date}: {self.other} is on the same day, elsewhere",
            ClashKind.SAME_DAY: f"{self.date}: {self.other} is on the same day, and not held with it",
            ClashKind.TOO_NEAR: f"{self.date}: {self.other} is {self.count} day from it",
            ClashKind.SAME_HOUR: f"{self.date}: {self.other} is booked for the same hour",
            ClashKind.CAPACITY: f"{self.date}: {self.count} appointments at the site, which takes {self.limit}",
        }[self.kind]


def own_clashes(appointments: Iterable[Appointment]) -> tuple[Clash, ...]:
    """Among the appointments of one patient, each pair once, told of the later one; by day."""
    found = []
    ordered = sorted(appointments, key=attrgetter("date", "code"))
    for place, one in enumerate(ordered):
        for before in reversed(ordered[:place]):
            apart = (one.date - before.date).days
            if apart >= APART:
                break
            kind = _kind(one, before, apart)
            if kind is not None:
                found.append(Clash(kind, one.code, one.date, before.code, count=apart))
    return tuple(found)


def _kind(one: Appointment, other: Appointment, apart: int) -> ClashKind | None:
    if Setting.PHONE in (one.setting, other.setting):
        return None  # a call can be made wherever the patient is
    if apart == 0:
        return ClashKind.SAME_DAY if one.setting == other.setting else ClashKind.ELSEWHERE
    both_clinic = one.setting == other.setting == Setting.CLINIC
    return ClashKind.TOO_NEAR if both_clinic and (one.by_hand or other.by_hand) else None


def same_hour(appointment: Appointment, others: Iterable[Appointment]) -> tuple[Clash, ...]:
    """Other patients of the site who are booked for the same instant."""
    if appointment.booked_at is None:
        return ()
    return tuple(
        Clash(ClashKind.SAME_HOUR, appointment.code, appointment.date, other.patient)
        for other in others
        if other.patient != appointment.patient and other.booked_at == appointment.booked_at
    )


def over_capacity(
    appointments: Iterable[Appointment], counts: Mapping[date, int], limit: int | None
) -> tuple[Clash, ...]:
    """Clinic appointments on days that hold more than the site takes; `counts` are the site's, by day."""
    if limit is None:
        return ()
    return tuple(
        Clash(ClashKind.CAPACITY, one.code, one.date, count=counts[one.date], limit=limit)
        for one in appointments
        if one.setting is Setting.CLINIC and counts.get(one.date, 0) > limit
    )
