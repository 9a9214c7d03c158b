"""A calendar as a table, JSON, CSV or iCalendar."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from icalendar import Calendar, Event

from service.clock import Clock
from workflows.protocol import StudyDesign
from workflows.visit_calendar import PlannedVisit

Visits = tuple[PlannedVisit, ...]
COLUMNS = (
    "code",
    "label",
    "anchor",
    "date",
    "window_start",
    "window_end",
    "projected",
    "merged_into",
    "flags",
)


def as_row(visit: PlannedVisit, language: str = "en") -> dict[str, Any]:
    """One visit as the outside reads it: ISO dates, `merged_into` a code or None, `flags` a list."""
    return {
        "code": visit.code,
        "label": label_of(visit.label, language),
        "anchor": visit.anchor,
        "date": visit.date.isoformat(),
        "window_start": visit.window_start.isoformat(),
        "window_end": visit.window_end.isoformat(),
        "projected": visit.projected,
        "merged_into": visit.merged_into,
        "flags": list(visit.flags),
    }


def label_of(label: Mapping[str, str], language: str) -> str:
    """The label in `language`, else in English, else in the first language there is."""
    return label.get(language) or label.get("en") or next(iter(label.values()), "")


def as_json(design: StudyDesign, visits: Visits, language: str) -> str:
    """A list of rows, by date."""
    return json.dumps([as_row(visit, language) for visit in visits], ensure_ascii=False, indent=2) + "\n"


def as_csv(design: StudyDesign, visits: Visits, language: str) -> str:
    """One line a visit under a heading; flags are joined by blanks."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for visit in visits:
        row = as_row(visit, language)
        writer.writerow(row | {"flags": " ".join(row["flags"]), "projected": str(row["projected"]).lower()})
    return out.getvalue()


def as_table(design: StudyDesign, visits: Visits, language: str) -> str:
    """For reading: a visit that is part of another's appointment is shown under it."""
    rows = [("CODE", "DATE", "WINDOW", "", "VISIT")]
    for visit in visits:
        notes = ["projected"] if visit.projected else []
        notes += [f"with {visit.merged_into}"] if visit.merged_into else []
        notes += visit.flags
        window = f"{visit.window_start} .. {visit.window_end}"
        day = f"{visit.date} {visit.date:%a}"
        label = label_of(visit.label, language)
        rows.append((_line(visit.code), day, window, _line(label), ", ".join(notes)))
    rows[0] = ("CODE", "DATE", "WINDOW", "VISIT", "NOTES")
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    """Names and labels of other people's studies may have line ends in them."""
    return " ".join(text.split())


def as_ics(design: StudyDesign, visits: Visits, language: str) -> str:
    """One all-day event an appointment, with what is done in it; the codes, no health words. Lines end in CRLF."""
    feed = Calendar()
    feed.add("prodid", "-//vigilia//protocol calendar//EN")
    feed.add("version", "2.0")
    stamp = Clock().now()
    for visit in visits:
        if visit.merged_into is not None:
            continue
        event = Event()
        event.add("uid", f"{design.code}-{visit.code}@vigilia".lower())
        event.add("dtstamp", stamp)
        event.add("dtstart", visit.date)
        event.add("dtend", visit.date + timedelta(days=1))
        event.add("summary", " + ".join((visit.code, *visit.members)))
        event.add("status", "TENTATIVE" if visit.projected else "CONFIRMED")
        event.add("description", f"{visit.window_start} .. {visit.window_end}")
        feed.add_component(event)
    return str(feed.to_ical().decode())


FORMATS: Mapping[str, Callable[[StudyDesign, Visits, str], str]] = {
    "csv": as_csv,
    "ics": as_ics,
    "json": as_json,
    "table": as_table,
}
