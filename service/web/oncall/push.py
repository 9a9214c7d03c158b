"""Pages in a browser: the subscription of the person who is logged in becomes one of their contacts."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from service.access import actor
from service.errors import Forbidden
from service.models import Staff
from service.runtime import current
from service.use_cases import contacts
from service.web.base import go, say
from service.web.oncall.blueprint import oncall, readers
from service.web.push import check_subscription


@oncall.post("/staff/push")
@readers
def subscribe() -> Response:
    """This browser pages whoever is logged in. It is verified by being here."""
    runtime = current()
    staff_id = actor().staff_id
    if staff_id is None:
        raise Forbidden("only a named person can be paged")
    address = check_subscription(request.form.get("subscription", ""))
    with runtime.db.unit_of_work() as session:
        contacts.add(
            session,
            session.get_one(Staff, staff_id),
            channel="webpush",
            address=address,
            verified=True,
            actor=actor().name,
            now=runtime.clock.now(),
        )
    say(_("This browser pages you from now on."))
    return go("oncall.staff", anchor=f"staff-{staff_id}")
