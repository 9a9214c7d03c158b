"""The calendar feeds. The random token in the address is what protects them."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as AnyResponse

from service import access, runtime
from service.use_cases import duty_feed as duties
from service.use_cases import feeds

blp = Blueprint("feeds", __name__)


@blp.get("/calendar/<token>.ics")
@access.public("the token in the address")
def calendar_feed(token: str) -> AnyResponse:
    """A patient's or a site's visits as iCalendar, with an ETag for programs that ask often."""
    running = runtime.current()
    with running.db.reading() as session:
        body = feeds.by_token(session, token, now=running.clock.now())
    return _calendar(body, "visits.ics")


@blp.get("/calendar/<token>/on-call.ics")
@blp.get("/calendar/<token>/on-call-<int:staff_id>.ics")
@access.public("the token in the address")
def duty_feed(token: str, staff_id: int | None = None) -> AnyResponse:
    """A site's on-call duties, or one person's, as iCalendar."""
    running = runtime.current()
    with running.db.reading() as session:
        body = duties.by_token(session, token, staff_id, now=running.clock.now())
    return _calendar(body, "on-call.ics")


def _calendar(body: bytes, name: str) -> AnyResponse:
    response = Response(body, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="' + name + '"'
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)
