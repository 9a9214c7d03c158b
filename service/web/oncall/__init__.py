"""Pages of the people on call: the alert page behind a page's link, cases, the on-call calendar, staff."""

from __future__ import annotations

from service.web.oncall import calendar, cases, links, plan, push, team
from service.web.oncall.blueprint import by_link, oncall

__all__ = ["BLUEPRINTS", "calendar", "cases", "links", "plan", "push", "team"]

BLUEPRINTS = (oncall, by_link)
