"""Calendar feeds (iCalendar): the patient's own, without a health word, and the site's.

A visit keeps its UID whatever moves; SEQUENCE rises with each move, and a cancelled visit says so, so that a calendar
program replaces what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, vDDDTypes
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from service.errors import NotFound
from service.models import Patient, Site, Visit
from service.security import new_token
from service.use_cases import audit
from workflows.visits import VisitStatus

LENGTH = timedelta(hours=1)
BACK, AHEAD = timedelta(days=60), timedelta(days=400)
REFRESH = timedelta(hours=1)
WORDS = {
    "pt": ("Visita do estudo", "Ligue para o estudo: {tel}. Emergencia: {emergency}.", "Visitas do estudo"),
    "en": ("Study visit", "Call the study: {tel}. Emergency: {emergency}.", "Study visits"),
}


def address_of(token: str) -> str:
    """Where a feed is served, under the public address."""
    return f"/calendar/{token}.ics"


def by_token(session: Session, token: str, *, now: datetime) -> bytes:
    """The feed behind a token: a patient's or a site's. NotFound for a token that is none."""
    patient = session.scalar(select(Patient).where(Patient.feed_token == token))
    if patient is not None:
        return of_patient(session, patient)
    site = session.scalar(select(Site).where(Site.feed_token == token))
    if site is None:
        raise NotFound("no such calendar")
    return of_site(session, site, now=now)


def of_patient(session: Session, patient: Patient) -> bytes:
    """Every appointment of a patient. No word of a disease, drug or procedure: it lies on a phone's home screen."""
    title, text, name = WORDS["pt" if patient.language.lower().startswith("pt") else "en"]
    site = patient.site
    description = text.format(tel=site.telephone, emergency=site.emergency_number)
    feed = empty(name, patient.timezone)
    rows = session.scalars(select(Visit).where(Visit.patient_id == patient.id).order_by(Visit.date, Visit.id)).all()
    for visit in _appointments(rows):
        feed.add_component(_event(visit, title, site.place, description, patient.timezone))
    return bytes(feed.to_ical())


def of_site(session: Session, site: Site, *, now: datetime) -> bytes:
    """The appointments of a site's patients, from 60 days back to 400 ahead, by patient code and visit code."""
    today = now.astimezone(ZoneInfo(site.timezone)).date()
    rows = session.scalars(
        select(Visit)
        .where(Visit.site_id == site.id, Visit.date.between(today - BACK, today + AHEAD))
        .options(joinedload(Visit.patient))
        .order_by(Visit.date, Visit.id)
    ).all()
    merged: dict[tuple[int, str], list[str]] = {}
    for visit in rows:
        if visit.merged_into is not None:
            merged.setdefault((visit.patient_id, visit.merged_into), []).append(visit.code)
    feed = empty(f"{site.study.code} {site.name}", site.timezone)
    for visit in _appointments(rows):
        codes = " + ".join([visit.code, *merged.get((visit.patient_id, visit.code), [])])
        text = f"{visit.status}; window {visit.window_start} to {visit.window_end}"
        title = f"{visit.patient.code} {codes}"
        feed.add_component(_event(visit, title, site.place, text, site.timezone))
    return bytes(feed.to_ical())


def renew(session: Session, patient: Patient, *, actor: str, now: datetime) -> str:
    """A new address for the patient's feed; the old one is gone at once."""
    patient.feed_token = new_token()
    session.flush()
    audit.record(session, "feed:renew", actor=actor, now=now, subject_id=patient.id, patient_id=patient.id)
    return address_of(patient.feed_token)


def _appointments(visits: Sequence[Visit]) -> list[Visit]:
    """Visits that are appointments of their own, and those that were: a calendar program must take these away."""
    return [visit for visit in visits if visit.merged_into is None or visit.sequence > 0]


def empty(name: str, zone: str) -> Calendar:
    """A calendar of ours with nothing in it yet."""
    feed = Calendar()
    feed.add("prodid", "-//Vigilia//visits//EN")
    feed.add("version", "2.0")
    feed.add("method", "PUBLISH")
    feed.add("x-wr-calname", name)
    feed.add("x-wr-timezone", zone)
    feed.add("refresh-interval", vDDDTypes(REFRESH), parameters={"VALUE": "DURATION"})
    feed.add("x-published-ttl", "PT1H")
    feed.add_component(Timezone.from_tzid(zone))
    return feed


def _event(visit: Visit, title: str, place: str, description: str, zone: str) -> Event:
    """A booked visit has its hour; a planned one is a whole day, and tentative."""
    event = Event()
    event.add("uid", f"visit-{visit.id}@vigilia")
    event.add("dtstamp", visit.updated_at)
    event.add("last-modified", visit.updated_at)
    event.add("sequence", visit.sequence)
    event.add("summary", title)
    event.add("location", place)
    event.add("description", description)
    if visit.booked_at is not None:
        start = visit.booked_at.astimezone(ZoneInfo(zone))
        event.add("dtstart", start)
        event.add("dtend", start + LENGTH)
    else:
        event.add("dtstart", visit.date)
        event.add("dtend", visit.date + timedelta(days=1))
        event.add("transp", "TRANSPARENT")
    event.add("status", _status(visit))
    return event


def _status(visit: Visit) -> str:
    if visit.status == VisitStatus.CANCELLED or visit.merged_into is not None:
        return "CANCELLED"
    return "TENTATIVE" if visit.status == VisitStatus.PLANNED else "CONFIRMED"
