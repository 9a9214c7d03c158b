"""The two blueprints: with a log-in (`oncall`), and behind a link that a page carries (`by_link`)."""

from __future__ import annotations

from flask import Blueprint, g

from service.access import allow
from service.security import Role
from service.web.base import page
from service.web.oncall.words import NOT_ARRIVED, SAYERS

oncall = page(Blueprint("oncall", __name__))
# The address holds the unguessable token and no cookie gives a right, so a form needs no second token.
by_link = page(Blueprint("by_link", __name__), csrf=False)

readers = allow(Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR, Role.OPERATOR)
takers = allow(Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR)
planners = allow(Role.COORDINATOR, Role.INVESTIGATOR, Role.CLINICIAN)
keepers = allow(Role.COORDINATOR, Role.OPERATOR)


def _shared() -> dict[str, object]:
    """What the templates of both blueprints may use."""
    role = g.actor.role if g.get("actor") else None
    return {
        **SAYERS,
        "not_arrived": NOT_ARRIVED,
        "can_plan": role in (Role.COORDINATOR, Role.INVESTIGATOR, Role.CLINICIAN, Role.ADMIN),
        "can_keep": role in (Role.COORDINATOR, Role.OPERATOR, Role.ADMIN),
    }


oncall.context_processor(_shared)
by_link.context_processor(_shared)
