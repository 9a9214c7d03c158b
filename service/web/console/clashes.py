"""Appointments in each other's way, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _

from service.use_cases import conflicts
from service.web.console.blueprint import console
from service.web.i18n import day
from workflows.conflicts import Clash, ClashKind


@console.app_template_filter("clash")
def clash(found: Clash | Mapping[str, Any]) -> str:
    """A clash, or what a diff holds of one, as a sentence."""
    said = conflicts.as_dict(found) if isinstance(found, Clash) else found
    values = {
        "code": said["code"],
        "day": day(date.fromisoformat(said["date"])),
        "other": said["other"],
        "n": said["count"],
        "limit": said["limit"],
    }
    words = {
        ClashKind.ELSEWHERE: _("%(code)s on %(day)s: %(other)s is on the same day, elsewhere", **values),
        ClashKind.SAME_DAY: _("%(code)s on %(day)s: %(other)s is on the same day, not held with it", **values),
        ClashKind.TOO_NEAR: _("%(code)s on %(day)s: only a day from %(other)s", **values),
        ClashKind.SAME_HOUR: _("%(code)s on %(day)s: %(other)s is booked for the same hour", **values),
        ClashKind.CAPACITY: _(
            "%(code)s on %(day)s: %(n)s appointments that day, the site takes %(limit)s", **values
        ),
    }
    return str(words[ClashKind(said["kind"])])
