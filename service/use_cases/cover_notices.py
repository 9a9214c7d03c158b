"""Holes in the rota are told, not only shown: by e-mail, which needs no carrier, once a day while they last."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from service.models import Site
from service.use_cases import oncall, outbox, sites, staff, staff_messages

AHEAD = timedelta(hours=72)
TOLD = ("coordinator", *staff_messages.OPERATIONS)


def tell(session: Session, *, now: datetime) -> int:
    """E-mail each coming hole of the next 72 hours to the site's coordinators and to operations; how many e-mails."""
    sent = 0
    for site in sites.in_use(session):
        for hole in oncall.holes(session, site.id, now, now + AHEAD):
            # it is cut to the hours asked for: a start that lies ahead names it
            begins = f"{hole.start:%Y%m%d%H%M}" if hole.start > now else "now"
            key = f"hole:{site.id}:{hole.layer}:{begins}:{now:%Y%m%d}"
            words = f"{site.code}: nobody is {hole.layer}, {_at(hole.start, site)} to {_at(hole.end, site)}"
            for person in staff.with_role(session, site.id, *TOLD):
                message = outbox.enqueue(
                    session,
                    now=now,
                    kind="notice",
                    template="alarm",
                    fields={
                        "alarm": staff_messages.alarm_words(words, person),
                        "time": staff_messages.clock(now, site.timezone),
                    },
                    dedupe=f"{key}:{person.id}",
                    staff=person,
                    channel="email",
                    address=person.email,
                )
                sent += message.is_new
    return sent


def _at(at: datetime, site: Site) -> str:
    return f"{at.astimezone(ZoneInfo(site.timezone)):%Y-%m-%d %H:%M}"
