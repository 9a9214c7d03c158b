"""The two blueprints: with a log-in (`oncall`), and behind a link that a page carries (`by_link`)."""

from __future__ import annotations

from flask import Blueprint

from service.access import allow
from service.security import Role
from service.web.base import page

oncall = page(Blueprint("oncall", __name__))
# The address holds the unguessable token and no cookie gives a right, so a form needs no second token.
by_link = page(Blueprint("by_link", __name__), csrf=False)

readers = allow(Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR, Role.OPERATOR)
takers = allow(Role.COORDINATOR, Role.CLINICIAN, Role.INVESTIGATOR, Role.MONITOR)
planners = allow(Role.COORDINATOR, Role.INVESTIGATOR, Role.CLINICIAN)
keepers = allow(Role.COORDINATOR, Role.OPERATOR)
