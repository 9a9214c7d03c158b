"""Who is on call, as iCalendar: a site's whole rota, or one person's duties. Stretches with nobody are events too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import NotFound
from service.models import Rota, Site, Staff
from service.use_cases import feeds, oncall

AHEAD = timedelta(days=180)


def address_of(site: Site, staff_id: int | None = None) -> str:
    """Where the feed is served: behind the site's own calendar token, for everybody or one person."""
    return f"/calendar/{site.feed_token}/on-call{f'-{staff_id}' if staff_id else ''}.ics"


def by_token(session: Session, token: str, staff_id: int | None, *, now: datetime) -> bytes:
    """The duties behind a site's calendar token. NotFound for a token that is none, or somebody who is not known."""
    site = session.scalar(select(Site).where(Site.feed_token == token))
    if site is None or staff_id is not None and session.get(Staff, staff_id) is None:
        raise NotFound("no such calendar")
    zone = ZoneInfo(site.timezone)
    # Cut at days and months, not at this moment: what has not changed reads the same to a program that asks again. A
    # stretch that began long ago keeps its name for a month.
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    start, end = month.astimezone(UTC), (today + AHEAD).astimezone(UTC)
    feed = feeds.empty(f"{site.name}: on call", site.timezone)
    for rota in oncall.rotas_of(session, site.id):
        _duties(session, feed, rota, staff_id, start, end, zone)
    if staff_id is None:
        for hole in oncall.holes(session, site.id, today.astimezone(UTC), end):
            title = f"NOBODY: {hole.layer.replace('_', ' ')}"
            uid = f"hole-{site.id}-{hole.layer}-{hole.start:%Y%m%dT%H%M}"
            feed.add_component(_event(uid, title, hole.start, hole.end, zone, start))
    return bytes(feed.to_ical())


def _duties(
    session: Session, feed: Calendar, rota: Rota, staff_id: int | None, start: datetime, end: datetime, zone: ZoneInfo
) -> None:
    for duty in oncall.stretches(session, rota, start, end):
        if staff_id not in (None, duty.staff_id):
            continue
        person = session.get_one(Staff, duty.staff_id)
        layer = duty.layer.replace("_", " ")
        title = f"{layer}: {person.name}" if staff_id is None else f"{layer} ({rota.name})"
        uid = f"duty-{rota.id}-{duty.layer}-{duty.staff_id}-{duty.start:%Y%m%dT%H%M}"
        feed.add_component(_event(uid, title, duty.start, duty.end, zone, start))


def _event(uid: str, title: str, start: datetime, end: datetime, zone: ZoneInfo, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@vigilia")
    event.add("dtstamp", stamp)
    event.add("summary", title)
    event.add("dtstart", start.astimezone(zone))
    event.add("dtend", end.astimezone(zone))
    event.add("transp", "TRANSPARENT")
    return event
