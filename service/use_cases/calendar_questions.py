"""Questionnaires' days as rows: planned with the calendar, and in line with its anchors ever after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter

from sqlalchemy import bindparam, or_, select

from service.models import Occasion, Patient
from service.use_cases import bulk
from service.use_cases.calendar_frame import Frame
from workflows.anchors import AnchorDate
from workflows.occasions import OccasionStatus, plan_occasions

HORIZON = timedelta(days=400)
NOT_PLANNED = "no longer in the calendar"
UPCOMING, CANCELLED = OccasionStatus.UPCOMING.value, OccasionStatus.CANCELLED.value
ROWS = bulk.table_of(Occasion).c  # of the table itself: for plain values the mapper takes as long as the database
FROM_TODAY = select(ROWS.id, ROWS.questionnaire, ROWS.for_date, ROWS.status, ROWS.opens_at).where(
    ROWS.patient_id == bindparam("patient"),
    or_(ROWS.for_date >= bindparam("today"), ROWS.status == UPCOMING),
)
NAMES = ("questionnaire", "for_date", "opens_at", "next_due_at", "late_at", "missed_at")
_values = attrgetter("questionnaire", "for_date", "opens_at", "opens_at", "late_at", "missed_at")
TIMES = ("id", *NAMES[2:])
_times = attrgetter("opens_at", "opens_at", "late_at", "missed_at")


def sync(
    writes: bulk.Writes,
    patient: Patient,
    there: Iterable[bulk.Values],
    *,
    frame: Frame,
    anchors: Mapping[str, AnchorDate],
    now: datetime,
) -> dict[str, int]:
    """Bring upcoming occasions of a patient in the study in line with the anchors (resolved): how many will be
    cancelled, re-timed and added. `there`: the rows of FROM_TODAY.

    What has opened keeps its history; days that have passed are not filled in.
    """
    dates = {name: day for name, one in anchors.items() if (day := one.date) is not None}
    planned = plan_occasions(frame.design, dates, frame.zone, start=frame.today, end=frame.today + HORIZON)
    wanted = {(one.questionnaire, one.for_date): one for one in planned if one.missed_at > now}
    gone, retimed, again = [], [], []
    for number, questionnaire, day, status, opens_at in there:
        one = wanted.pop((questionnaire, day), None)
        if one is None:
            if status == UPCOMING:
                gone.append((number,))
        elif status == CANCELLED:
            again.append((number, *_times(one)))
        elif status == UPCOMING and opens_at != one.opens_at:
            retimed.append((number, *_times(one)))
    over = {"status": CANCELLED, "next_due_at": None, "ended_reason": NOT_PLANNED}
    writes.update(Occasion, ("id",), gone, over)
    writes.update(Occasion, TIMES, retimed)
    writes.update(Occasion, TIMES, again, {"status": UPCOMING, "ended_reason": None})
    whose = {"patient_id": patient.id, "site_id": patient.site_id, "status": UPCOMING}
    writes.insert(Occasion, NAMES, list(map(_values, wanted.values())), whose)
    return {"cancelled": len(gone), "retimed": len(retimed), "added": len(again) + len(wanted)}
